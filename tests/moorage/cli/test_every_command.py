"""What holds for each command: forms of the answer, where it goes, exit codes, and no fault of our own."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from moorage.cli.app import app

FORMS = ("json", "table", "tsv", "yaml", "jsonc", "none")

# In the foreground until it is interrupted; tests/server/front starts it.
NOT_TRIED = {"serve"}
MORE = {
    "install-az-shim": ["--bin-dir", "bin"],  # not beside the moor that runs these tests
    "tls self-signed": ["--directory", "tls"],
}


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "list_commands"):
        yield name, command
        return
    for inner in command.list_commands(None):
        yield from _commands(f"{name} {inner}".strip(), command.get_command(None, inner))


COMMANDS = {name: one for name, one in _commands("", get_command(app)) if name not in NOT_TRIED}


def _line(name: str) -> list[str]:
    """Return the command with a value for everything that it must have."""
    words = name.split()
    for parameter in COMMANDS[name].params:
        if not parameter.required:
            continue
        value = "1" if parameter.bare_type in {int, float} else "x1y"
        is_option = parameter.opts[0].startswith("-")
        words += [parameter.opts[0], value] if is_option else [value]
    return words


@pytest.fixture(autouse=True)
def quiet_logging() -> Iterator[None]:
    """``--debug`` sets up the log of the whole process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.fixture(autouse=True)
def workspace(home: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from moorage.workspace import Workspace

    # Some commands write settings of the user.
    monkeypatch.setenv("HOME", str(home / "of-the-user"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    Workspace.create("ocean").close()


def _with_forms() -> Iterator[Any]:
    for position, name in enumerate(COMMANDS):
        # MLflow makes a database for each of these; doctor starts programs.
        is_slow = name.split()[0] in {"run", "experiment", "doctor"}
        marks = [pytest.mark.slow] if is_slow else []
        yield pytest.param(name, FORMS[position % len(FORMS)], marks=marks)


@pytest.mark.parametrize(("name", "form"), list(_with_forms()))
def test_answers_and_errors(invoke: Callable[..., Any], name: str, form: str) -> None:
    """Each with one of the forms: those of one group differ, and all of them are seen in every group."""
    line = [*_line(name), *MORE.get(name, [])]
    result = invoke(*line, "-o", form.upper(), "--query", "@", "--debug", "--only-show-errors")
    assert result.exit_code in {0, 1, 2, 3}, (result.exit_code, result.output)
    assert "This is a fault of Moorage" not in result.stderr, result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    if result.exit_code == 0 and form in {"json", "jsonc"} and result.stdout:
        json.loads(result.stdout)
    if result.exit_code == 0 and form == "yaml":
        yaml.safe_load(result.stdout)
    if form == "none":
        assert result.stdout == ""
    if result.exit_code in {2, 3}:
        assert "Error: " in result.stderr
    if result.exit_code == 1:
        assert "Error: " in result.stderr or result.stdout or form == "none"
    if result.exit_code == 3:
        assert name.rsplit(maxsplit=1)[-1] == "show"


@pytest.mark.slow
def test_an_unknown_flag_and_a_missing_one_are_wrong_usage(invoke: Callable[..., Any]) -> None:
    for name, command in COMMANDS.items():
        result = invoke(*name.split(), "--no-such-flag")
        takes_words = command.context_settings.get("ignore_unknown_options")
        assert result.exit_code == (1 if takes_words else 2), (name, result.output)
        assert result.stdout == "", name
        if any(parameter.required for parameter in command.params):
            assert invoke(*name.split()).exit_code == 2, name


def test_the_form_can_be_set_for_a_shell(invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORAGE_OUTPUT", "tsv")
    assert invoke("workspace", "show", "--query", "name").stdout == "ocean\n"
    assert invoke("workspace", "show", "--query", "name", "-o", "json").stdout == '"ocean"\n'
    monkeypatch.setenv("MOORAGE_OUTPUT", "xml")
    result = invoke("workspace", "show")
    assert result.exit_code == 2
    assert "MOORAGE_OUTPUT" in result.stderr
