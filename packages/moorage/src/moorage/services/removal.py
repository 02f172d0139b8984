"""Deleting services."""

import contextlib

from moorage.deployments.planning import check_service_name
from moorage.errors import ServiceNotFound, StorageFull
from moorage.services import rows
from moorage.services.access import forget_access
from moorage.services.events import OnEvent, Teller
from moorage.services.locks import operation
from moorage.targets import Place, open_target
from moorage.workspace import Workspace


def delete(workspace: Workspace, name: str, *, on_event: OnEvent | None = None) -> None:
    """Stop a service, finish its requests, and remove everything of it. Models and environments stay.

    A deletion that was cut short is finished by the same call.

    Raises:
        ServiceNotFound: there is none of that name.
        OperationInProgress: another operation on it runs.
    """
    check_service_name(name)
    teller = Teller(name, on_event)
    with operation(workspace, name):
        row = rows.find_or_none(workspace, name)
        target = open_target(row.target if row else "local")
        place = Place(workspace.path, workspace.name, name)
        if row is None and not target.observe(place).exists:
            rows.find(workspace, name)
            raise ServiceNotFound(name)
        # On a full disk the order to stop cannot be written; what follows stops it too, and makes space.
        with contextlib.suppress(StorageFull):
            target.stop(place)
            teller.tell("stopped", f"{name} has stopped")
        # The row goes last: as long as anything is left, the service is listed and can be deleted.
        target.destroy(place)
        forget_access(workspace, name)
        rows.remove(workspace, name)
        teller.tell("deleted", f"{name} is deleted")
