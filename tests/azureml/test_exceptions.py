"""The exception classes: what old code reads from them, and which of ours become which of theirs."""

import pytest

from azureml import exceptions as old
from azureml._errors import as_old_exceptions
from moorage import errors


def test_the_message_is_bare_and_str_is_a_block() -> None:
    cause = ValueError("inner")
    error = old.WebserviceException("it broke", status_code=409, inner_exception=cause)
    assert error.message == "it broke"
    assert error.args == ("it broke",)
    assert error.inner_exception is cause
    assert error.status_code == 409
    assert str(error) == repr(error)
    lines = str(error).splitlines()
    assert lines[0] == "WebserviceException:"
    assert lines[1].strip() == "Message: it broke"
    assert "ValueError('inner')" in lines[2]
    assert '"message": "it broke"' in str(error)


def test_a_user_error_says_its_code() -> None:
    assert '"code": "UserError"' in str(old.UserErrorException("x"))
    assert '"code"' not in str(old.WebserviceException("x"))


def test_message_and_cause_can_be_set() -> None:
    error = old.AzureMLException("a")
    error.message, error.inner_exception = "b", KeyError("k")
    assert "Message: b" in str(error)
    assert "KeyError('k')" in str(error)


def test_a_stacktrace_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise old.TrainingException("in a function")
    except old.TrainingException as error:
        error.print_stacktrace()
    assert "test_a_stacktrace_can_be_printed" in capsys.readouterr().err


def test_what_is_not_built_is_both_kinds_of_error() -> None:
    error = old.NotYetAvailable("X.y()", "Use z.")
    assert isinstance(error, NotImplementedError)
    assert isinstance(error, old.AzureMLException)
    assert error.message == "X.y() is not available in Moorage yet. Use z."
    assert "Message: X.y()" in str(error)


def test_a_batch_error_keeps_its_code() -> None:
    error = old.ParallelRunException("again", code=old.Retry.RestartProcess, delay_seconds=3)
    assert (error.code, error.delay_seconds, error.message) == ("RestartProcess", 3, "again")


def test_an_http_error_gives_its_status() -> None:
    class Response:
        status_code = 418

    cause = RuntimeError("teapot")
    cause.response = Response()  # type: ignore[attr-defined]
    error = old.ServiceException(cause)
    assert (error.status_code, error.inner_exception) == (418, cause)
    assert not isinstance(error, old.AzureMLException)


# What to write is said in the words of the SDK, not in those of the command line.
OWN_WORDS = {
    errors.ServiceExists: "service 's' exists already; Webservice(workspace, 's').update(...) changes it",
    errors.EnvironmentNotFound: "environment e is not registered; Environment.list(workspace)",
    errors.WorkspaceExists: "workspace 'w' exists already; open it with Workspace.get('w'), or exist_ok=True",
    errors.AuthenticationOff: "service.update(auth_enabled=True)",
}
TRANSLATIONS = [
    (errors.ModelNotFound("m", 3), old.ModelNotFoundException, 404),
    (errors.ModelNotFound("m"), old.WebserviceException, 404),
    (errors.ServiceNotFound("s"), old.WebserviceException, 404),
    (errors.ServiceExists("s"), old.WebserviceException, 409),
    (errors.OperationInProgress("s"), old.WebserviceException, 409),
    (errors.ModelInUse("m:1", ["s"]), old.WebserviceException, 409),
    (errors.EmptyModelFolder("empty"), ValueError, None),
    (errors.InvalidName("model", "!", "rule"), old.WebserviceException, None),
    (errors.InvalidName("experiment", "!", "rule"), old.UserErrorException, None),
    (errors.EnvironmentNotFound("e"), old.UserErrorException, None),
    (errors.WorkspaceNotFound("w"), old.ProjectSystemException, None),
    (errors.WorkspaceExists("w"), old.WorkspaceException, None),
    (errors.AuthenticationOff("s", "key"), old.WebserviceException, None),
    (errors.DatasetNotFound("d"), old.UserErrorException, None),
    (errors.ProfileNotFound("p"), old.WebserviceException, 404),
    (errors.InvalidCondaFile("c"), old.UserErrorException, None),
    (errors.NotSupported("no"), NotImplementedError, None),
    (errors.RunFileNotFound("r", "p", []), old.ModelPathNotFoundException, None),
]


@pytest.mark.parametrize(("ours", "theirs", "status"), TRANSLATIONS)
def test_errors_leave_as_the_documented_exceptions(
    ours: errors.MoorageError, theirs: type[Exception], status: int | None
) -> None:
    with pytest.raises(theirs) as caught, as_old_exceptions():
        raise ours
    error = caught.value
    assert isinstance(error, old.AzureMLException)
    said = OWN_WORDS.get(type(ours), str(ours))
    assert said in error.message
    assert error.inner_exception is ours
    assert error.__cause__ is ours
    if status is not None:
        assert isinstance(error, old.WebserviceException)
        assert error.status_code == status


def test_texts_begin_with_the_codes_that_old_code_looks_for() -> None:
    with pytest.raises(old.WebserviceException) as caught, as_old_exceptions():
        raise errors.ServiceNotFound("s")
    assert caught.value.message.startswith("WebserviceNotFound")
    with pytest.raises(old.WebserviceException) as caught, as_old_exceptions():
        raise errors.ModelNotFound("m")
    assert caught.value.message.startswith("ModelNotFound")


def test_other_exceptions_pass_through() -> None:
    with pytest.raises(KeyError), as_old_exceptions():
        raise KeyError("x")


def every_moorage_error() -> list[type[errors.MoorageError]]:
    found, todo = [], [errors.MoorageError]
    while todo:
        kind = todo.pop()
        found.append(kind)
        todo.extend(kind.__subclasses__())
    return found


@pytest.mark.parametrize("kind", every_moorage_error(), ids=lambda kind: kind.__name__)
def test_every_error_of_moorage_has_an_old_exception(kind: type[errors.MoorageError]) -> None:
    error = kind.__new__(kind)
    Exception.__init__(error, "text")
    for attribute in ("name", "kind", "version"):
        if not hasattr(error, attribute):
            setattr(error, attribute, "x")
    with pytest.raises(old.AzureMLException), as_old_exceptions():
        raise error
