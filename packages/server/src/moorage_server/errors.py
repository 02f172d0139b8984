"""Errors of the scoring server, named after facts."""


class ServerError(Exception):
    """Root of this package's errors."""


class InvalidSettings(ServerError):
    """A setting, variable or option has a value that cannot be used; the message names it."""


class ScriptFailed(ServerError):
    """The entry script could not be loaded, initialised or smoke-run.

    ``stage`` is ``start``, ``settings``, ``import``, ``check``, ``init`` or ``smoke``; ``traceback`` holds
    the user's own frames, or nothing; ``exit_code`` is what a foreground server should end with.
    """

    def __init__(self, stage: str, message: str, traceback: str = "", exit_code: int = 3) -> None:
        super().__init__(message)
        self.stage = stage
        self.message = message
        self.traceback = traceback
        self.exit_code = exit_code

    def as_json(self) -> dict[str, str]:
        return {"stage": self.stage, "message": self.message, "traceback": self.traceback}


class Overloaded(ServerError):
    """The service holds as many requests as it may."""
