"""Operations in the background, for callers that return at once and look again later."""

import threading
from collections.abc import Callable
from typing import Any, Literal

from moorage.services import deploying, removal, updating
from moorage.services.events import Event, OnEvent
from moorage.services.service import Service
from moorage.workspace import Workspace

OperationState = Literal["Running", "Succeeded", "Failed"]


class Operation:
    """One operation in a thread. The interpreter does not end before it does."""

    def __init__(self, work: Callable[[OnEvent], Any], on_event: OnEvent | None) -> None:
        self.events: list[Event] = []
        self.result: Any = None
        self.error: BaseException | None = None
        self._on_event = on_event
        self._thread = threading.Thread(target=self._run, args=(work,), name="moorage-operation")
        self._thread.start()

    @property
    def state(self) -> OperationState:
        if self._thread.is_alive():
            return "Running"
        return "Succeeded" if self.error is None else "Failed"

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; False if it has not come within ``timeout_s``."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def value(self) -> Any:
        """Wait and return what the operation returned, or raise what it raised."""
        self.wait()
        if self.error is not None:
            raise self.error
        return self.result

    def _run(self, work: Callable[[OnEvent], Any]) -> None:
        try:
            self.result = work(self._note)
        except BaseException as error:
            self.error = error

    def _note(self, event: Event) -> None:
        self.events.append(event)
        if self._on_event is not None:
            self._on_event(event)


def start_deploy(
    workspace: Workspace, *args: Any, on_event: OnEvent | None = None, **options: Any
) -> Operation:
    """Run `deploy` in the background; its result is a `Service`."""

    def work(note: OnEvent) -> Service:
        return deploying.deploy(workspace, *args, on_event=note, **options)

    return Operation(work, on_event)


def start_update(
    workspace: Workspace, *args: Any, on_event: OnEvent | None = None, **options: Any
) -> Operation:
    """Run `update` in the background; its result is a `Service`."""

    def work(note: OnEvent) -> Service:
        return updating.update(workspace, *args, on_event=note, **options)

    return Operation(work, on_event)


def start_delete(workspace: Workspace, name: str, *, on_event: OnEvent | None = None) -> Operation:
    """Run `delete` in the background."""
    return Operation(lambda note: removal.delete(workspace, name, on_event=note), on_event)
