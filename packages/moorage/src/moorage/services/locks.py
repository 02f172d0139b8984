"""One operation at a time on a service; the lock vanishes with the process that holds it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from moorage.errors import OperationInProgress, StorageUnavailable
from moorage.folders import make_private_folder
from moorage.targets import Place
from moorage.workspace import Workspace
from moorage_server.supervision.lock import FileLock, holder

# Whoever only asks whether a lock is held has it for an instant.
_WAIT_S = 0.2


@contextmanager
def operation(workspace: Workspace, service: str) -> Iterator[None]:
    """Hold the right to change a service.

    Raises:
        OperationInProgress: somebody else holds it.
    """
    here = operation_in(Place(workspace.path, workspace.name, service))
    # On a shared database: also against other machines.
    with here, workspace.database.try_lock(f"service {service}") as is_ours:
        if not is_ours:
            raise OperationInProgress(service, "of somebody else, perhaps on another machine")
        yield


@contextmanager
def operation_in(place: Place) -> Iterator[None]:
    """As `operation`, where only the folders of this machine are changed."""
    path = _path(place.workspace_path, place.service)
    lock = FileLock(path)
    try:
        make_private_folder(path.parent)
        is_ours = lock.acquire(wait_s=_WAIT_S)
    except OSError as error:
        raise StorageUnavailable(f"service {place.service!r} cannot be changed: {error}") from error
    if not is_ours:
        raise OperationInProgress(place.service)
    try:
        yield
    finally:
        lock.release()


def is_busy(workspace: Workspace, service: str) -> bool:
    """Tell whether an operation on the service runs at this moment."""
    return holder(_path(workspace.path, service)) is not None


def _path(workspace_path: Path, service: str) -> Path:
    # Not in the service's own folder: deleting that must not delete the right to do so.
    return workspace_path / "services" / ".locks" / service
