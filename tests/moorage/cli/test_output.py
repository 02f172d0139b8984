"""Answers in every form; nothing but the answer on standard output."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.cli.output import render

ROWS = [{"name": "a", "tags": {"x": "1"}, "note": None}, {"name": "b\tc", "tags": {}, "note": "d\ne"}]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(blacklist_categories=["Cs", "Cc"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(categories=["L"]), min_size=1), inner)
    ),
)

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@UNHURRIED
@given(JSON)
def test_json_and_yaml_can_be_read_back(value: Any) -> None:
    assert json.loads(render(value, "json")) == json.loads(render(value, "jsonc")) == value
    assert yaml.safe_load(render(value, "yaml")) == value


@UNHURRIED
@given(JSON)
def test_tables_and_tsv_take_any_value(value: Any) -> None:
    render(value, "table")
    render(value, "tsv")


def test_tsv_has_one_line_per_row_and_one_cell_per_value() -> None:
    lines = render(ROWS, "tsv").splitlines()
    assert [line.split("\t") for line in lines] == [["a", '{"x": "1"}', ""], ["b c", "{}", "d e"]]
    assert render("text", "tsv") == "text"
    assert render([1, True, "x"], "tsv") == "1\ntrue\nx"


def test_a_table_has_a_line_per_row_and_no_control_characters() -> None:
    lines = render([{"name": "a" * 300}, {"name": "b"}], "table").splitlines()
    assert [line.split() for line in (lines[0], *lines[2:])] == [["Name"], ["a" * 300], ["b"]]
    assert render([], "table") == ""
    assert "\x1b" not in render([{"name": "[red]not markup[/red]"}], "table")
    assert "[red]not markup[/red]" in render([{"name": "[red]not markup[/red]"}], "table")


def test_text_of_others_does_not_steer_the_terminal(
    invoke: Callable[..., Any], answer: Callable[..., Any], model_path: Path
) -> None:
    evil = "a\x1b]0;owned\x07\x9b31m\u202ereversed"
    answer("model", "register", "-n", "m", "-p", str(model_path), "--tag", f"x={evil}")
    for form in ("table", "tsv", "json", "yaml"):
        shown = invoke("model", "list", "-o", form).stdout
        assert "\x1b" not in shown
        assert "\x07" not in shown
    assert "\\x1b]0;owned\\x07" in invoke("model", "list", "-o", "table").stdout
    assert answer("model", "list")[0]["tags"] == {"x": evil}
    assert "\x1b" not in invoke("model", "show", "-i", "\x1b[31m:1").stderr


def test_a_fault_of_ours_is_told_without_a_traceback(
    invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from moorage.workspace import Workspace

    def break_down(home: Any = None) -> Any:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(Workspace, "list_all", break_down)
    result = invoke("workspace", "list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ZeroDivisionError: division by zero\nThis is a fault of Moorage.")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("[0].id", "m:2\n"),
        ("[].version", "2\n1\n"),
        ("[?version==`1`].tags.stage | [0]", "old\n"),
        ("[0].nothing", ""),
        ("length(@)", "2\n"),
    ],
)
def test_a_query_chooses_a_part(
    invoke: Callable[..., Any], model_path: Path, query: str, expected: str
) -> None:
    invoke("model", "register", "-n", "m", "-p", str(model_path), "--tag", "stage=old")
    invoke("model", "register", "-n", "m", "-p", str(model_path))
    assert invoke("model", "list", "--query", query, "-o", "tsv").stdout == expected


@pytest.mark.parametrize("query", ["[].", "foo(", "length(`1`)"])
def test_a_query_that_cannot_be_used_is_a_usage_error(invoke: Callable[..., Any], query: str) -> None:
    result = invoke("workspace", "list", "--query", query)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"--query {query!r} cannot be used" in result.stderr


def test_an_unknown_form_is_a_usage_error(invoke: Callable[..., Any]) -> None:
    result = invoke("workspace", "list", "-o", "xml")
    assert result.exit_code == 2
    assert "'xml' is none of json, jsonc, table" in result.stderr


def test_none_prints_nothing(invoke: Callable[..., Any]) -> None:
    assert invoke("workspace", "create", "-w", "a", "-o", "none").stdout == ""


def test_a_terminal_gets_a_table_and_a_pipe_gets_json(
    moor: Callable[..., Any], on_terminal: Callable[..., tuple[int, str]]
) -> None:
    assert json.loads(moor("workspace", "create", "-w", "ocean").stdout)["name"] == "ocean"
    code, shown = on_terminal("workspace", "list", NO_COLOR="1")
    assert code == 0
    assert shown.split()[:3] == ["Name", "Created", "Folder"]
    assert "\x1b[1mName" in on_terminal("workspace", "list")[1]
    code, shown = on_terminal("workspace", "list", "-o", "json")
    assert json.loads(shown)[0]["name"] == "ocean"


def test_colours_are_for_terminals_that_want_them(
    moor: Callable[..., Any], on_terminal: Callable[..., tuple[int, str]]
) -> None:
    assert "\x1b[" in on_terminal("workspace", "create", "-w", "a", "-o", "jsonc")[1]
    shown = on_terminal("workspace", "list", "-o", "jsonc", NO_COLOR="1")[1]
    assert "\x1b[3" not in shown
    assert json.loads(shown)[0]["name"] == "a"
    assert "\x1b" not in moor("workspace", "list", "-o", "jsonc").stdout
