"""Stand-ins for the exceptions of ``azureml.exceptions`` that entry scripts meet."""

from typing import Any, Optional


class AzureMLException(Exception):
    """Root of the old exceptions; ``message`` is the bare text."""

    def __init__(
        self, exception_message: str, inner_exception: Optional[BaseException] = None, **kwargs: Any
    ):
        super().__init__(exception_message)
        self.message = exception_message
        self.inner_exception = inner_exception


class UserErrorException(AzureMLException):
    """Bad arguments."""


class RunEnvironmentException(AzureMLException):
    """There is no run."""


class WebserviceException(AzureMLException):
    """Models and services; ``status_code`` is None or an HTTP status."""

    def __init__(self, message: str, status_code: Optional[int] = None, logger: Any = None, **kwargs: Any):
        super().__init__(message, **kwargs)
        self.status_code = status_code


class ModelNotFoundException(WebserviceException):
    """There is no such model; also a ``WebserviceException``, which old code catches as often."""
