#!/usr/bin/env python3
"""Writes docs/coverage.md from the results of tests: which promises of the seed documents are kept.

    scripts/coverage_table.py                     runs the tests that are evidence, then writes the page
    scripts/coverage_table.py --results A.xml ...  reads results that pytest wrote with --junit-xml

Needs the seed documents and the list of their promises (``seeds-coverage.md``) in ``../shared`` or in the
folders that MOORAGE_SEEDS and MOORAGE_CONTRACT name. Nothing on the page is typed: what a test is evidence
for is in tests/seeds/rows.json, the rest comes from results and sources.
"""

import argparse
import ast
import fnmatch
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "coverage.md"
ROWS = ROOT / "tests" / "seeds" / "rows.json"
SOURCES = ROOT / "packages" / "azureml" / "src" / "azureml"
WORKS, ADDED, PENDING, FAILS = "works", "added", "pending", "fails"


@dataclass(frozen=True)
class Block:
    """What became of a code block; ``status`` is works, added (something) or pending."""

    document: str
    line: int
    language: str
    shows: str
    status: str
    note: str


@dataclass(frozen=True)
class Promise:
    """A row of the list of promises."""

    number: int
    area: str
    item: str


@dataclass(frozen=True)
class Results:
    """Outcomes by test (``path::name``): passed, failed or skipped; and the blocks that were executed."""

    outcomes: dict[str, str]
    blocks: list[Block]


def read_results(paths: Sequence[Path]) -> Results:
    """Read files that pytest wrote with ``--junit-xml``; of what several have, the last one counts."""
    outcomes: dict[str, str] = {}
    blocks: dict[tuple[str, int], Block] = {}
    for path in paths:
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            file = f"{case.get('classname', '').replace('.', '/')}.py"
            outcomes[f"{file}::{case.get('name')}"] = _outcome({child.tag for child in case})
            for found in case.iter("property"):
                if found.get("name") == "seed-block":
                    block = Block(**json.loads(found.get("value", "")))
                    blocks[block.document, block.line] = block
    return Results(outcomes, [block for _, block in sorted(blocks.items())])


def _outcome(tags: set[str]) -> str:
    if tags & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in tags else "passed"


def status_of(evidence: Sequence[str], results: Results) -> tuple[str, str]:
    """Return the status of a promise and a note, from the tests and blocks that are evidence for it."""
    executed = {f"{block.document}:{block.line}": block for block in results.blocks}
    notes: list[str] = []
    for pattern in evidence:
        kind, _, place = pattern.partition(":")
        if kind == "block":
            block = executed.get(place)
            if block is None:
                return PENDING, "its code block was not executed"
            if block.status == PENDING:
                return PENDING, block.note
            notes += [f"added: {block.note}"] if block.status == ADDED else []
            continue
        found = [name for name in results.outcomes if fnmatch.fnmatch(name, _as_glob(pattern))]
        passed = [name for name in found if results.outcomes[name] == "passed"]
        if any(results.outcomes[name] == "failed" for name in found):
            return FAILS, f"{pattern} fails"
        if not passed:
            return PENDING, f"{pattern} was not run"
    return WORKS, "; ".join(dict.fromkeys(notes))


def _as_glob(pattern: str) -> str:
    # Parameters of tests stand in brackets, which mean something else in a glob.
    return pattern if pattern.endswith("*") else f"{pattern}*"


_RAISING = ("NotYetAvailable", "outside")


def not_yet_available(folder: Path = SOURCES) -> list[tuple[str, str]]:
    """Return what raises NotYetAvailable, and what to do instead, as the sources say it."""
    found: set[tuple[str, str]] = set()
    for path in sorted(folder.rglob("*.py")):
        if path.name == "_outside.py" and path.parent == folder:
            continue  # the definition of ``outside``
        texts = _texts(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            # ``outside`` makes classes that raise it.
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _RAISING:
                what, instead = (_text(argument, texts) for argument in node.args)
                found.add((what, instead))
    return sorted(found)


def _texts(path: Path) -> dict[str, str]:
    """Return the texts that are constants of a module, its own and those that it imports from ours."""
    texts: dict[str, str] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("azureml."):
            origin = SOURCES.parent / f"{node.module.replace('.', '/')}.py"
            known = _texts(origin) if any(alias.name.isupper() for alias in node.names) else {}
            texts |= {alias.name: known[alias.name] for alias in node.names if alias.name in known}
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            texts |= {name: str(node.value.value) for name in names}
    return texts


def _text(node: ast.expr, texts: dict[str, str]) -> str:
    """Return the text of an argument: a literal, a constant, or a text with parts that only a call knows."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        return texts[node.id]
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "X" for part in node.values]
        return "".join(str(part) for part in parts)
    raise SystemExit(f"line {node.lineno}: write the text of NotYetAvailable as a literal or a constant")


def read_promises(path: Path) -> list[Promise]:
    """Read the rows of ``seeds-coverage.md``: number, area, kind, item, ..."""
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \| [^|]+ \| ((?:\\\||[^|])+) \|", path.read_text(), re.MULTILINE)
    return [Promise(int(number), area.strip(), item.strip()) for number, area, item in rows]


def page(results: Results, promises: Sequence[Promise], rows: dict[str, dict[str, object]]) -> str:
    """Return the text of the page."""
    return "\n".join([*_head(), *_blocks(results), *_promises(results, promises, rows), *_names()]) + "\n"


def _head() -> Iterator[str]:
    yield "# Coverage: what works today"
    yield ""
    yield "Written by `scripts/coverage_table.py` from the results of tests; not by hand."
    yield ""


def _blocks(results: Results) -> Iterator[str]:
    counts = Counter(block.status for block in results.blocks)
    yield "## Code of the five documents"
    yield ""
    yield (
        f"Every Python block and every `az ml` command line is executed unchanged: {counts[WORKS]} work, "
        f"{counts[ADDED]} are broken as they are printed and work with the named addition, "
        f"{counts[PENDING]} wait for a capability."
    )
    yield ""
    yield "| document, line | block | status | |"
    yield "|---|---|---|---|"
    for block in results.blocks:
        shows = block.shows if len(block.shows) <= 60 else f"{block.shows[:57]}..."
        yield f"| {block.document}, {block.line} | `{_cell(shows)}` | {block.status} | {_cell(block.note)} |"
    yield ""


def _promises(
    results: Results, promises: Sequence[Promise], rows: dict[str, dict[str, object]]
) -> Iterator[str]:
    evidence, notes = rows["evidence"], rows["notes"]
    judged = []
    for promise in promises:
        patterns = evidence.get(str(promise.number))
        if isinstance(patterns, list):
            judged.append((promise, *status_of(patterns, results), patterns))
        else:
            judged.append((promise, PENDING, str(notes.get(str(promise.number), "")), []))
    counts = Counter(status for _, status, _, _ in judged)
    yield "## Promises of the five documents"
    yield ""
    yield (
        f"Of {len(judged)} promises {counts[WORKS]} work, {counts[PENDING]} are pending and {counts[FAILS]} "
        "fail. One works when every test that is evidence for it passes."
    )
    yield ""
    area = ""
    for promise, status, note, patterns in judged:
        if promise.area != area:
            area = promise.area
            yield from (
                "",
                f"### {area}",
                "",
                "| no. | item | status | | evidence |",
                "|---|---|---|---|---|",
            )
        shown = "<br>".join(_cell(_short(pattern)) for pattern in patterns)
        yield f"| {promise.number} | {_cell(promise.item)} | {status} | {_cell(note)} | {shown} |"
    yield ""


def _names() -> Iterator[str]:
    yield "## Names of the old SDK that are not available yet"
    yield ""
    yield "They exist with their signatures, so that old code imports; calling them raises `NotYetAvailable`."
    yield ""
    yield "| name | instead |"
    yield "|---|---|"
    for what, instead in not_yet_available():
        yield f"| `{_cell(what)}` | {_cell(instead)} |"


def _short(pattern: str) -> str:
    return pattern.removeprefix("tests/").replace(".py::*", ".py").replace("block:", "block ")


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("\\|", "|").replace("|", "\\|")


def tests_to_run(rows: dict[str, dict[str, object]]) -> list[str]:
    """Return what to give to pytest: all tests of the seeds, and those that are evidence for something."""
    patterns = {one for found in rows["evidence"].values() if isinstance(found, list) for one in found}
    wanted = {one.partition("::")[0] if one.endswith("*") else one for one in patterns if "::" in one}
    files = {one for one in wanted if "::" not in one}
    alone = {one for one in wanted if "::" in one and one.partition("::")[0] not in files}
    return ["tests/seeds", *sorted(one for one in files | alone if not one.startswith("tests/seeds/"))]


def run_tests(tests: Sequence[str], results: Path) -> None:
    """Run tests; what fails is a fact for the page, not an error here."""
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", f"--junit-xml={results}", *tests]
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"the tests could not be run (exit code {done.returncode})")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--results", nargs="+", type=Path, help="files that pytest wrote with --junit-xml")
    options = parser.parse_args(arguments)
    contract = Path(os.environ.get("MOORAGE_CONTRACT") or ROOT.parent / "shared" / "contract")
    if not (contract / "seeds-coverage.md").is_file():
        raise SystemExit(f"{contract / 'seeds-coverage.md'} is not there; set MOORAGE_CONTRACT to its folder")
    rows = json.loads(ROWS.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as aside:
        paths = options.results or [Path(aside) / "results.xml"]
        if not options.results:
            run_tests(tests_to_run(rows), paths[0])
        results = read_results(paths)
    if not results.blocks:
        raise SystemExit("no code block was executed: are the seed documents there?")
    PAGE.write_text(page(results, read_promises(contract / "seeds-coverage.md"), rows), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(results.blocks)} code blocks, {len(results.outcomes)} tests")


if __name__ == "__main__":
    main()
