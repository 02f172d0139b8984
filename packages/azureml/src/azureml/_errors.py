"""Errors of Moorage as the exceptions that old code catches: one table."""

from contextlib import ContextDecorator
from types import TracebackType

from azureml.exceptions import (
    AzureMLException,
    ModelNotFoundException,
    ModelPathNotFoundException,
    NotYetAvailable,
    ProjectSystemException,
    UserErrorException,
    WebserviceException,
    WorkspaceException,
)
from moorage import errors

__all__ = ["MissingModel", "MissingWorkspace", "as_old_exceptions", "old_exception"]


class MissingModel(ModelNotFoundException, WebserviceException):
    """Both, because documentation names the one and the old client raised the other."""


class MissingWorkspace(ProjectSystemException, WorkspaceException):
    """Both, because old code catches either."""


class NothingToRegister(WebserviceException, ValueError):
    """An empty folder: the old client let a ValueError escape."""


# HTTP statuses that old code compares ``error.status_code`` with.
_STATUS: tuple[tuple[type[errors.MoorageError], int], ...] = (
    (errors.ModelNotFound, 404),
    (errors.ServiceNotFound, 404),
    (errors.RunNotFound, 404),
    (errors.ProfileNotFound, 404),
    (errors.ServiceExists, 409),
    (errors.OperationInProgress, 409),
    (errors.ModelInUse, 409),
)
# Codes that the text begins with, because old code looks for them there.
_PREFIX: tuple[tuple[type[errors.MoorageError], str], ...] = (
    (errors.ModelNotFound, "ModelNotFound: "),
    (errors.ServiceNotFound, "WebserviceNotFound: "),
)


def old_exception(error: errors.MoorageError) -> AzureMLException | OSError:
    """Choose the documented exception for an error of Moorage; the text stays, the error is kept inside."""
    text = next((prefix for kind, prefix in _PREFIX if isinstance(error, kind)), "") + str(error)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), None)
    match error:
        case errors.ServiceExists(name=name):
            text = (
                f"service {name!r} exists already; Webservice(workspace, {name!r}).update(...) changes it, "
                "Model.deploy(..., overwrite=True) replaces it"
            )
            return WebserviceException(text, status_code=status, inner_exception=error)
        case errors.WorkspaceExists(name=name):
            text = (
                f"workspace {name!r} exists already; open it with Workspace.get({name!r}), or exist_ok=True"
            )
            return MissingWorkspace(text, inner_exception=error)
        case errors.EnvironmentNotFound(name=name, version=version):
            what = name if version is None else f"{name}:{version}"
            text = f"environment {what} is not registered; Environment.list(workspace) has those that are"
            return UserErrorException(text, inner_exception=error)
        case errors.ModelNotFound():
            return MissingModel(text, status_code=status, inner_exception=error)
        case errors.EmptyModelFolder():
            return NothingToRegister(text, inner_exception=error)
        case errors.WorkspaceNotFound():
            return MissingWorkspace(text, inner_exception=error)
        case errors.WorkspaceUnusable():
            return WorkspaceException(text, inner_exception=error)
        case errors.RunFileNotFound():
            return ModelPathNotFoundException(text, inner_exception=error)
        case errors.InvalidName(kind="environment" | "workspace" | "experiment"):
            return UserErrorException(text, inner_exception=error)
        case (
            errors.DatasetNotFound()
            | errors.DatasetExists()
            | errors.DatasetInUse()
            | errors.DatasetFileNotFound()
            | errors.DatasetUnreadable()
            | errors.DatastoreNotFound()
            | errors.InvalidName(kind="dataset")
            | errors.InvalidArgument(argument="input_dataset" | "cpu" | "memory_in_gb")
            | errors.InvalidArgument(argument="columns" | "path_on_datastore" | "core_type" | "conda file")
            | errors.InvalidCondaFile()
            | errors.InvalidWorkspaceFile()
        ):
            return UserErrorException(text, inner_exception=error)
        case errors.AuthenticationOff(service=service, kind=kind):
            setting = "auth_enabled" if kind == "key" else "token_auth_enabled"
            return WebserviceException(
                f"{service} does not ask for a {kind}; service.update({setting}=True) changes that",
                inner_exception=error,
            )
        case errors.NotSupported():
            return NotYetAvailable.of(text, error)
        case _:
            return WebserviceException(text, status_code=status, inner_exception=error)


class as_old_exceptions(ContextDecorator):
    """Around calls into Moorage, as a context or a decorator: its errors leave as the old exceptions."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, errors.MoorageError):
            raise old_exception(error) from error
