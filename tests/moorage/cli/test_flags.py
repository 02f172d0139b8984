"""Every documented flag of the old command line is accepted, and every command explains itself."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from moorage.cli.app import app
from moorage.cli.arguments import TWO_LETTER_FLAGS

DOCUMENTED = json.loads((Path(__file__).parent / "flags.json").read_text())
EVERY_COMMAND = ["--output -o", "--query", "--subscription", "--debug", "--verbose", "--only-show-errors"]
WORKSPACE_CHOICE = ["--resource-group -g", "--workspace-name -w", "--subscription-id", "--path"]
# Preview flags for moving to the successor of the old platform, and the old cloud's own resources.
LEFT_OUT = {
    "service update": {"--is-migration", "--compute-target", "--is-control-version-type"},
    "model deploy": set(),
    "workspace create": {
        "--adb-workspace",
        "--application-insights",
        "--cmk-keyvault",
        "--container-registry",
        "--hbi-workspace",
        "--keyvault",
        "--pe-auto-approval",
        "--pe-name",
        "--pe-resource-group",
        "--pe-subnet-name",
        "--pe-subscription-id",
        "--pe-vnet-name",
        "--primary-user-assigned-identity",
        "--resource-cmk-uri",
        "--storage-account",
        "--system_datastores_auth_mode",
        "--tags",
        "--user-assigned-identity-for-cmk-encryption",
        "--v1-legacy-mode",
    },
}


def _commands() -> Iterator[tuple[str, Any]]:
    root: Any = get_command(app)
    for name in root.list_commands(None):
        yield from _commands_below(name, root.get_command(None, name))


def _commands_below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for inner_name, inner in command.commands.items():
        yield from _commands_below(f"{name} {inner_name}", inner)


COMMANDS = dict(_commands())


def _flags(command: Any) -> set[str]:
    return {spelling for parameter in command.params for spelling in parameter.opts}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_documented_flags_are_accepted(name: str) -> None:
    flags = _flags(COMMANDS[name])
    left_out = LEFT_OUT.get(name, set())
    for spellings in DOCUMENTED[name]:
        if spellings[0] not in left_out:
            assert set(spellings) <= flags, spellings
        else:
            assert spellings[0] not in flags, "it is there after all"


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_flags_of_every_command_are_accepted(name: str) -> None:
    flags = _flags(COMMANDS[name])
    for spellings in [*EVERY_COMMAND, *WORKSPACE_CHOICE]:
        assert set(spellings.split()) <= flags, spellings


@pytest.mark.parametrize("name", COMMANDS)
def test_no_flag_has_two_meanings(name: str) -> None:
    spellings = [spelling for parameter in COMMANDS[name].params for spelling in parameter.opts]
    assert len(spellings) == len(set(spellings))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(invoke: Callable[..., Any], name: str) -> None:
    result = invoke(*name.split(), "--help")
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert f"Example: moor {name}" in text
    assert len(COMMANDS[name].help.split(".")[0]) > 10
    assert text == " ".join(invoke(*name.split(), "-h").stdout.split())


def test_all_two_letter_flags_are_known_in_their_old_spelling() -> None:
    short = {
        spelling.removeprefix("--")
        for command in COMMANDS.values()
        for spelling in _flags(command)
        if spelling.startswith("--") and 2 <= len(spelling) - 2 <= 3
    }
    words = {"acr", "by", "key", "run", "sku", "tag", "to", "yes"}
    of_images = {"idi", "il", "in"}  # of commands that may not be there yet
    assert short - words - of_images == TWO_LETTER_FLAGS - of_images
