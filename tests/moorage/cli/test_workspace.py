"""``moor workspace`` and ``moor folder``, and which workspace a command uses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Invoke = Callable[..., Any]


def test_create_list_show(answer: Invoke, home: Path) -> None:
    created = answer(
        "workspace", "create", "-w", "ocean", "-g", "group", "--subscription-id", "s", "-l", "north"
    )
    assert (created["name"], created["resourceGroup"], created["subscriptionId"], created["location"]) == (
        "ocean",
        "group",
        "s",
        "north",
    )
    assert created["path"] == str(home / "workspaces" / "ocean")
    assert answer("workspace", "list") == [created]
    assert answer("workspace", "show", "-w", "ocean") == answer("workspace", "show") == created


def test_the_documented_query_prints_nothing_yet(answer: Invoke, invoke: Invoke) -> None:
    answer("workspace", "create", "-w", "a", "-g", "b")
    result = invoke("ml", "workspace", "show", "-w", "a", "-g", "b", "--query", "containerRegistry")
    assert (result.exit_code, result.stdout) == (0, "")


def test_creating_twice_is_refused_unless_that_is_fine(answer: Invoke, invoke: Invoke) -> None:
    answer("workspace", "create", "-w", "a")
    again = invoke("workspace", "create", "-w", "a")
    assert again.exit_code == 1
    assert "workspace 'a' exists already" in again.stderr
    assert answer("workspace", "create", "-w", "a", "--exist-ok")["name"] == "a"
    assert invoke("workspace", "create").exit_code == 2


def test_a_database_that_cannot_be_reached_is_said_at_once(invoke: Invoke) -> None:
    url = "postgresql://me:secret-word@127.0.0.1:9/x?connect_timeout=2"
    result = invoke("workspace", "create", "-w", "a", "--database-url", url)
    assert result.exit_code == 1
    assert "127.0.0.1:9" in result.stderr
    assert "secret-word" not in result.stderr


def test_show_of_what_is_not_there_ends_with_3(invoke: Invoke) -> None:
    result = invoke("workspace", "show", "-w", "nothing")
    assert result.exit_code == 3
    assert "make it with: moor workspace create -w nothing" in result.stderr


def test_the_first_command_on_a_machine_makes_a_workspace(answer: Invoke) -> None:
    assert answer("model", "list") == []
    assert [workspace["name"] for workspace in answer("workspace", "list")] == ["default"]


def test_among_several_one_must_be_chosen(
    answer: Invoke, invoke: Invoke, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        answer("workspace", "create", "-w", name)
    result = invoke("workspace", "show")
    assert result.exit_code == 3
    assert "There are several here (a, b, c); choose one with -w NAME" in result.stderr

    attached = answer("folder", "attach", "-w", "a", "-e", "spring")
    assert attached == {
        "Experiment name": "spring",
        "Project path": str(place),
        "Resource group": "local",
        "Subscription id": "local",
        "Workspace name": "a",
    }
    assert json.loads((place / ".azureml" / "config.json").read_text())["workspace_name"] == "a"
    assert answer("workspace", "show")["name"] == "a"
    (place / "deep" / "er").mkdir(parents=True)
    assert answer("workspace", "show", "--path", "deep/er")["name"] == "a"

    monkeypatch.setenv("MOORAGE_WORKSPACE", "b")
    assert answer("workspace", "show")["name"] == "b"
    assert answer("workspace", "show", "-w", "c")["name"] == "c"


def test_another_programs_config_file_is_no_workspace(answer: Invoke, place: Path) -> None:
    (place / "config.json").write_text("[1, 2")
    answer("workspace", "create", "-w", "a")
    assert answer("workspace", "show")["name"] == "a"


def test_attaching_to_what_is_not_there_writes_nothing(invoke: Invoke, place: Path) -> None:
    assert invoke("folder", "attach", "-w", "nothing").exit_code == 1
    assert list(place.iterdir()) == []
