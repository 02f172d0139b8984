"""The page docs/coverage.md: its script, and that it says what the sources say."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = """<?xml version="1.0"?><testsuites><testsuite>
<testcase classname="tests.azureml.test_models" name="test_good[a]"/>
<testcase classname="tests.azureml.test_models" name="test_bad"><failure message="x"/></testcase>
<testcase classname="tests.azureml.test_models" name="test_left_out"><skipped message="x"/></testcase>
<testcase classname="tests.seeds.test_blocks" name="test_block"><properties>
<property name="seed-block" value='{"document": "004", "line": 9, "language": "python", "shows": "a | b",
 "status": "added", "note": "import os"}'/>
<property name="seed-block" value='{"document": "004", "line": 5, "language": "python", "shows": "c",
 "status": "pending", "note": "not built"}'/>
</properties></testcase></testsuite></testsuites>
"""


@pytest.fixture(scope="module")
def table() -> ModuleType:
    spec = importlib.util.spec_from_file_location("coverage_table", ROOT / "scripts" / "coverage_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["coverage_table"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("evidence", "status"),
    [
        (["tests/azureml/test_models.py::test_good"], "works"),
        (["block:004:9"], "works"),
        (["block:004:9", "block:004:5"], "pending"),
        (["block:004:7"], "pending"),
        (["tests/azureml/test_models.py::*"], "fails"),
        (["tests/azureml/test_models.py::test_left_out"], "pending"),
        (["tests/azureml/test_models.py::test_good", "tests/azureml/test_models.py::test_gone"], "pending"),
    ],
)
def test_a_promise_is_as_good_as_its_evidence(
    table: ModuleType, tmp_path: Path, evidence: list[str], status: str
) -> None:
    (tmp_path / "results.xml").write_text(RESULTS)
    assert table.status_of(evidence, table.read_results([tmp_path / "results.xml"]))[0] == status


def test_the_page_counts_what_it_shows(table: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "results.xml").write_text(RESULTS)
    results = table.read_results([tmp_path / "results.xml"])
    promises = [table.Promise(1, "A", "one"), table.Promise(2, "A", "two"), table.Promise(3, "B", "three")]
    rows = {"evidence": {"1": ["block:004:9"], "2": ["block:004:5"]}, "notes": {"3": "not yet"}}
    text = table.page(results, promises, rows)
    assert "0 work, 1 are broken as they are printed" in text
    assert "Of 3 promises 1 work, 2 are pending and 0 fail." in text
    assert "| 004, 9 | `a \\| b` | added | import os |" in text
    assert "| 3 | three | pending | not yet |  |" in text


def test_the_promises_are_read(table: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "list.md").write_text(
        "| No. | Area |\n|---|---|\n| 7 | Frame | snippet | `a` b | 004.txt | Do. |\n"
    )
    assert table.read_promises(tmp_path / "list.md") == [table.Promise(7, "Frame", "`a` b")]


def test_every_promise_has_evidence_or_a_note() -> None:
    rows = json.loads((ROOT / "tests" / "seeds" / "rows.json").read_text())
    evidence, notes = set(rows["evidence"]), set(rows["notes"])
    assert evidence & notes == set()
    assert {int(number) for number in evidence | notes} == set(range(1, 221))
    files = {
        pattern.partition("::")[0]
        for patterns in rows["evidence"].values()
        for pattern in patterns
        if not pattern.startswith("block:")
    }
    assert [file for file in sorted(files) if not (ROOT / file).is_file()] == []


def test_the_page_names_everything_that_is_not_available(table: ModuleType) -> None:
    page = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    shown = dict(
        re.findall(r"^\| `([^`]+)` \| (.*) \|$", page.partition("## Names of the old SDK")[2], re.MULTILINE)
    )
    wanted = {table._cell(what): table._cell(instead) for what, instead in table.not_yet_available()}
    assert shown == wanted, "run scripts/coverage_table.py"
    assert len(wanted) > 40
