"""The exception classes of ``azureml.exceptions``.

``str(error)`` is a block of several lines as old notebooks show it; ``error.message`` is the bare text.
"""

import json
import traceback
from collections.abc import Iterable
from typing import Any, ClassVar

__all__ = [
    "ActivityFailedException",
    "AuthenticationException",
    "AzureMLAggregatedException",
    "AzureMLException",
    "ComputeTargetException",
    "DatasetTimestampMissingError",
    "DiscoveryUrlNotFoundException",
    "ExperimentExecutionException",
    "ModelNotFoundException",
    "ModelPathNotFoundException",
    "NotYetAvailable",
    "ParallelRunException",
    "ProjectSystemException",
    "Retry",
    "RunConfigurationException",
    "RunEnvironmentException",
    "ServiceException",
    "SnapshotException",
    "TrainingException",
    "UserErrorException",
    "WebserviceException",
    "WorkspaceException",
    "WorkspacePrivateEndpointException",
]


class _Described(Exception):
    """What both families of exceptions share: a message, a cause and the block that ``str`` gives."""

    error_code: ClassVar[str | None] = None

    def __init__(self, message: Any, inner_exception: BaseException | None = None) -> None:
        super().__init__(message)
        self._message = message
        self._inner_exception = inner_exception

    @property
    def message(self) -> Any:
        """The bare text."""
        return self._message

    @message.setter
    def message(self, value: Any) -> None:
        self._message = value

    @property
    def inner_exception(self) -> BaseException | None:
        """The exception that led to this one, or None."""
        return self._inner_exception

    @inner_exception.setter
    def inner_exception(self, value: BaseException | None) -> None:
        self._inner_exception = value

    def print_stacktrace(self) -> None:
        """Print the traceback that belongs to this exception."""
        traceback.print_exception(type(self), self, self.__traceback__)

    def _response(self) -> str:
        error = {} if self.error_code is None else {"code": self.error_code}
        return json.dumps({"error": {**error, "message": str(self._message)}}, indent=4)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}:\n"
            f"\tMessage: {self._message}\n"
            f"\tInnerException: {self._inner_exception!r}\n"
            f"\tErrorResponse:\n{self._response()}"
        )

    __str__ = __repr__


class AzureMLException(_Described):
    """The root of this tree. ``args`` is ``(message,)``; further arguments are kept as attributes."""

    def __init__(
        self,
        exception_message: Any,
        inner_exception: BaseException | None = None,
        target: str | None = None,
        details: Any = None,
        message_format: str | None = None,
        message_parameters: Any = None,
        reference_code: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(exception_message, inner_exception)
        self._target, self._details, self._reference_code = target, details, reference_code
        self._message_format, self._message_parameters = message_format, message_parameters


class UserErrorException(AzureMLException):
    """An argument or a file of the caller is wrong."""

    error_code = "UserError"

    def __init__(self, exception_message: Any, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class AuthenticationException(UserErrorException):
    """Signing in failed."""

    def __init__(self, exception_message: Any, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class NotYetAvailable(NotImplementedError, AzureMLException):
    """A name that exists so that old code imports, whose capability is not built yet."""

    def __init__(self, what: str, instead: str) -> None:
        AzureMLException.__init__(self, f"{what} is not available in Moorage yet. {instead}")

    @classmethod
    def of(cls, message: str, cause: BaseException) -> "NotYetAvailable":
        """Return one with the message that the control plane wrote."""
        error = cls.__new__(cls)
        AzureMLException.__init__(error, message, inner_exception=cause)
        return error


class WebserviceException(AzureMLException):
    """Models, services, packages and profiles. ``status_code`` is an HTTP status or None."""

    def __init__(
        self, exception_message: Any, status_code: int | None = None, logger: Any = None, **kwargs: Any
    ) -> None:
        self.status_code = status_code
        super().__init__(exception_message, **kwargs)


class ModelNotFoundException(AzureMLException):
    """No such model."""

    def __init__(self, exception_message: Any, logger: Any = None, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class ModelPathNotFoundException(AzureMLException):
    """The run has no file or folder of that name."""

    def __init__(self, exception_message: Any, logger: Any = None, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class ComputeTargetException(AzureMLException):
    """A compute target is unknown or not usable."""

    def __init__(self, exception_message: Any, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class ExperimentExecutionException(AzureMLException):
    """A run could not be started."""

    def __init__(self, exception_message: Any, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class ProjectSystemException(AzureMLException):
    """A workspace could not be opened or changed."""

    def __init__(self, exception_message: Any, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class RunConfigurationException(AzureMLException):
    """A run configuration is wrong."""

    def __init__(self, exception_message: Any, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class RunEnvironmentException(AzureMLException):
    """The code does not run inside a submitted run."""

    def __init__(self, **kwargs: Any) -> None:
        message = "This code does not run inside a submitted run, so there is no run to return"
        super().__init__(kwargs.pop("exception_message", message), **kwargs)


class SnapshotException(AzureMLException):
    """A folder could not be copied."""

    def __init__(self, exception_message: Any, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class TrainingException(AzureMLException):
    """Training failed."""

    def __init__(self, exception_message: Any, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class WorkspaceException(AzureMLException):
    """A workspace is missing, or its name is ambiguous (``found_multiple``)."""

    def __init__(self, exception_message: Any, found_multiple: bool = False, **kwargs: Any) -> None:
        self.found_multiple = found_multiple
        super().__init__(exception_message, **kwargs)


class WorkspacePrivateEndpointException(AzureMLException):
    """A private endpoint is wrong."""

    def __init__(self, exception_message: Any, found_multiple: bool = False, **kwargs: Any) -> None:
        self.found_multiple = found_multiple
        super().__init__(exception_message, **kwargs)


class ActivityFailedException(AzureMLException):
    """A run ended without success; ``error_details`` is what it reported."""

    def __init__(self, error_details: Any, **kwargs: Any) -> None:
        super().__init__(error_details, **kwargs)


class DatasetTimestampMissingError(AzureMLException):
    """A data set has no column of times."""

    def __init__(self, error_details: Any, **kwargs: Any) -> None:
        super().__init__(error_details, **kwargs)


class DiscoveryUrlNotFoundException(AzureMLException):
    """No address is known for a service of the platform."""

    def __init__(self, discovery_key: Any, **kwargs: Any) -> None:
        super().__init__(f"no address is known for {discovery_key!r}", **kwargs)


class AzureMLAggregatedException(AzureMLException):
    """Several exceptions at once."""

    def __init__(self, exceptions_list: Iterable[BaseException], **kwargs: Any) -> None:
        self.exceptions = list(exceptions_list)
        super().__init__("\n".join(str(error) for error in self.exceptions), **kwargs)


class Retry:
    """What batch code asks for when it raises ParallelRunException."""

    NoRetry = "NoRetry"
    StopProcess = "StopProcess"
    RestartProcess = "RestartProcess"


class ParallelRunException(AzureMLException):
    """Raised by batch entry scripts; ``code`` is one of ``Retry``, ``delay_seconds`` the pause before."""

    def __init__(
        self, exception_message: Any, code: Any = None, delay_seconds: int = 0, **kwargs: Any
    ) -> None:
        self.code, self.delay_seconds = code, delay_seconds
        super().__init__(exception_message, **kwargs)


class ServiceException(_Described):
    """A request to a service of the platform failed; takes the HTTP client's exception."""

    def __init__(self, error_response_exception: Any, **kwargs: Any) -> None:
        cause = error_response_exception if isinstance(error_response_exception, BaseException) else None
        super().__init__(str(error_response_exception), cause)
        response = getattr(error_response_exception, "response", None)
        self.status_code: int | None = getattr(response, "status_code", None)
