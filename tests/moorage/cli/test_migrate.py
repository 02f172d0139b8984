"""``moor migrate scan``: its report, its exit codes, and the reports of the example code bases."""

import json
from pathlib import Path
from typing import Any

import pytest

from moorage import migration
from moorage.cli import migrate
from moorage.cli.session import Session

ROOT = Path(__file__).resolve().parents[3]
PROJECTS = ROOT / "examples" / "move-in"
EXPECTED = Path(__file__).parent / "scans"


@pytest.mark.parametrize("project", ["churn", "clusters", "pipeline"])
def test_the_reports_of_the_examples(invoke: Any, project: str) -> None:
    result = invoke("migrate", "scan", str(PROJECTS / project), "-o", "table")
    assert result.stdout == (EXPECTED / f"{project}.txt").read_text()
    assert result.exit_code == (0 if project == "churn" else 1)


def test_each_finding_says_file_line_and_code(invoke: Any, place: Path) -> None:
    (place / "a.py").write_text("import azureml.core\nfrom azureml.explain import x\n")
    result = invoke("migrate", "scan", ".", "-o", "json")
    assert (result.exit_code, json.loads(result.stdout)) == (
        1,
        {
            "path": ".",
            "summary": {
                "files": 1,
                "filesWithUses": 1,
                "works": 1,
                "differs": 0,
                "unclear": 0,
                "notSupported": 1,
                "notRead": 0,
            },
            "findings": [
                {
                    "file": "a.py",
                    "line": 1,
                    "verdict": "works",
                    "names": ["azureml.core"],
                    "code": "import azureml.core",
                    "message": "",
                },
                {
                    "file": "a.py",
                    "line": 2,
                    "verdict": "notSupported",
                    "names": ["azureml.explain.x"],
                    "code": "from azureml.explain import x",
                    "message": "Compute explanations with the interpret library itself.",
                },
            ],
        },
    )
    shorter = invoke("migrate", "scan", "a.py", "--without-works", "-o", "json")
    assert json.loads(shorter.stdout)["summary"]["works"] == 1
    assert [one["line"] for one in json.loads(shorter.stdout)["findings"]] == [2]
    asked = invoke("migrate", "scan", ".", "--query", "findings[?verdict=='notSupported'].line", "-o", "tsv")
    assert (asked.stdout, asked.exit_code) == ("2\n", 1)


@pytest.mark.parametrize(
    ("text", "flags", "code"),
    [
        ("x = 1", [], 0),
        ("import azureml.core", ["--strict"], 0),
        ("from azureml.core import Workspace\nWorkspace.from_config()", [], 0),
        ("from azureml.core import Workspace\nWorkspace.from_config()", ["--strict"], 1),
        ("from azureml.core import Workspace\nWorkspace.unheard", [], 0),
        ("from azureml.core import Workspace\nWorkspace.unheard", ["--strict"], 1),
        ("import azureml.explain", [], 1),
        ("import azureml.explain", ["--exit-zero"], 0),
        ("import azureml.core\nprint 'x'", [], 1),
    ],
)
def test_exit_codes(invoke: Any, place: Path, text: str, flags: list[str], code: int) -> None:
    (place / "a.py").write_text(text)
    assert invoke("migrate", "scan", str(place), *flags).exit_code == code


def test_nothing_to_scan(invoke: Any, place: Path) -> None:
    result = invoke("migrate", "scan", "nothing")
    assert (result.exit_code, "nothing does not exist" in result.stderr) == (2, True)
    result = invoke("migrate", "scan", ".", "-o", "table")
    assert (result.exit_code, result.stdout) == (0, "0 files looked at, 0 of them use Azure ML v1\n")


def test_large_trees_tell_how_far_it_is(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "TELL_EVERY_S", 0.0)
    for name in ("a.py", "b.py"):
        (place / name).write_text("x = 1")
    migration.scan(place, on_progress=migrate._Progress(Session()))
    assert capsys.readouterr().err == "1 files looked at\n2 files looked at\n"


def test_control_characters_do_not_reach_the_terminal(invoke: Any, place: Path) -> None:
    (place / "a.sh").write_text("az ml model list -n \x1b[31mred\n")
    assert "\x1b" not in invoke("migrate", "scan", ".", "-o", "table").stdout
