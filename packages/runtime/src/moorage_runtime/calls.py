"""One guarded call of ``run``: timed, limited, and with every way to fail told apart."""

import sys
from time import perf_counter
from typing import Any, Callable, Dict, Optional

from . import frames, logs
from .deadline import NEVER, Deadline
from .processes import Terminated, is_terminating
from .tracebacks import summary, user_traceback

SCORING_FAILED = "The scoring script raised an error. The log of the service has the details."
INTERNAL_ERROR = "An unexpected internal error occurred. The log of the service has the details."


class CallFailed(Exception):
    """``run`` did not give a result; ``kind`` is the kind of the ``ERROR`` to send."""

    def __init__(self, kind: int, message: str, cause: BaseException, status: Optional[int] = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.cause = cause
        self.status = status
        self.traceback = user_traceback(cause)


class Caller:
    """Calls one ``run`` function; ``elapsed_ms`` is how long the last call took that returned."""

    def __init__(self, run: Callable[..., Any], timeout_ms: int, legacy_status: bool = False) -> None:
        self.elapsed_ms = 0.0
        self.run = run
        self._deadline = Deadline(timeout_ms)
        self._timeout_ms = timeout_ms
        self._legacy_status = legacy_status

    def call(self, arguments: Dict[str, Any], function: Optional[Callable[..., Any]] = None) -> Any:
        """Return what ``run(**arguments)`` returns, or ``function`` in its place.

        Raises:
            CallFailed: it raised, or took too long.
            Terminated: the process is to end.
        """
        deadline = self._deadline
        try:
            # Two blocks: a timer that rings while the first one is being left is caught by the second.
            try:
                started = perf_counter()
                deadline.due = started + deadline.timeout_s
                if started >= deadline.rings:
                    deadline.set(deadline.timeout_s, started)
                value = (function or self.run)(**arguments)
                self.elapsed_ms = (perf_counter() - started) * 1e3
                return value
            finally:
                deadline.due = NEVER
        except Terminated:
            raise
        except BaseException as error:
            if is_terminating():
                raise
            raise self._failure(error) from error

    def _failure(self, error: BaseException) -> CallFailed:
        if isinstance(error, TimeoutError):
            message = "The scoring timeout of %d ms was exceeded." % self._timeout_ms
            return CallFailed(frames.TIMED_OUT, message, error)
        if not isinstance(error, Exception):
            return CallFailed(frames.INTERRUPTED, INTERNAL_ERROR, error)
        if not self._legacy_status and is_refused_input(error):
            return CallFailed(frames.CLIENT_ERROR, str(error), error, 400)
        return CallFailed(frames.SCRIPT_ERROR, SCORING_FAILED, error)


def is_refused_input(error: BaseException) -> bool:
    """Return whether the schema of ``run`` refused what the client sent."""
    errors = sys.modules.get("moorage_runtime.schema.errors")
    if errors is None:
        return False
    # Every parameter of run() was passed; one that a decorator misses is the script's own mistake.
    return isinstance(error, errors.InputError) and not isinstance(error, errors.MissingInput)


def log_failure(failure: CallFailed) -> None:
    """Write the traceback of a failed call to the log, once."""
    if failure.kind == frames.CLIENT_ERROR:
        logs.logger.warning("A request was refused: %s", failure.message)
    else:
        logs.logger.error("run() failed: %s\n%s", summary(failure.cause), failure.traceback)
