"""Starting and stopping the processes of services, and bringing all of them back after a restart."""

from moorage.errors import InvalidArgument
from moorage.services import rows
from moorage.services.access import prepare_access
from moorage.services.converging import DEFAULT_TIMEOUT_S, converge
from moorage.services.events import OnEvent
from moorage.services.locks import operation
from moorage.services.queries import get
from moorage.services.service import Service
from moorage.services.work import Work, live_definition
from moorage.workspace import Workspace


def start(
    workspace: Workspace,
    name: str,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    on_event: OnEvent | None = None,
) -> Service:
    """Start the processes of a service again, with the revision that served last.

    Raises:
        ServiceNotFound: there is no service of that name, or it never served.
        Otherwise as `deploy`.
    """
    with operation(workspace, name):
        row = rows.find(workspace, name)
        if row.live_revision is None:
            raise InvalidArgument("name", f"service {name!r} has never served; deploy it again")
        definition = live_definition(workspace, row)
        work = Work.of(workspace, name, definition.deployment_config, on_event, timeout_s)
        order = work.order(row, row.live_revision, definition.deployment_config)
        prepare_access(workspace, name, work.target, definition.deployment_config)
        if row.live_revision in work.target.observe(work.place).failed:
            work.target.stop(work.place)
        observed = converge(work.target, work.place, order, work.teller, timeout_s=timeout_s)
        rows.went_live(workspace, name, order.revision, observed.host, observed.port)
        work.teller.tell("live", f"{name} answers again", order.revision)
    return get(workspace, name)
