"""``moor migrate``."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from moorage.cli.app import new_section
from moorage.cli.command import FAILED, command
from moorage.cli.output import Answer, printable
from moorage.cli.session import Session

if TYPE_CHECKING:
    from moorage.migration import Finding, Report

app = new_section("Bring code here that was written for Azure ML v1.")

TELL_EVERY_S = 2.0
WORDS = {
    "works": "works unchanged",
    "differs": "works with a difference",
    "unclear": "unclear",
    "notSupported": "not supported",
    "notRead": "not read",
}


@command(app, "scan", example="moor migrate scan ./my-project")
def scan(
    session: Session,
    *,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A folder, or one file.")],
    without_works: Annotated[
        bool, typer.Option("--without-works", help="Count what works unchanged, do not list it.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 also for what differs or is unclear.")
    ] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit code 0 whatever is found.")] = False,
) -> Any:
    """Find each use of the SDK and the command line of Azure ML v1, and say what becomes of it here.

    Reads Python files, notebooks, shell scripts, pipelines, conda and requirements files, and the two
    configuration files of a deployment. Runs nothing, changes nothing. Exit code 1 if something is not
    supported, or if a file could not be read.
    """
    from moorage import migration

    report = migration.scan(path.expanduser(), on_progress=_Progress(session))
    shown = [f for f in report.findings if not (without_works and f.judgement.verdict.value == "works")]
    document = {
        "path": str(path),
        "summary": _summary(report),
        "findings": [_finding_document(one) for one in shown],
    }
    text = "\n".join([*_lines(shown), *_summary_lines(report)])
    return Answer(document, text=text, exit_code=_exit_code(report, strict, exit_zero))


class _Progress:
    """Says now and then how many files were read: nobody waits for small folders."""

    def __init__(self, session: Session) -> None:
        self._session, self._told_at = session, time.monotonic()

    def __call__(self, files: int) -> None:
        if time.monotonic() - self._told_at >= TELL_EVERY_S:
            self._told_at = time.monotonic()
            self._session.say(f"{files} files looked at")


def _exit_code(report: "Report", strict: bool, exit_zero: bool) -> int:
    if exit_zero:
        return 0
    found = {verdict for verdict, count in report.counts.items() if count}
    is_bad = any(verdict.stands_in_the_way for verdict in found)
    return FAILED if is_bad or (strict and any(verdict.value != "works" for verdict in found)) else 0


def _summary(report: "Report") -> dict[str, int]:
    counts = {verdict.value: count for verdict, count in report.counts.items()}
    return {"files": report.files, "filesWithUses": report.files_with_uses, **counts}


def _finding_document(finding: "Finding") -> dict[str, Any]:
    place: Mapping[str, Any] = {} if finding.cell is None else {"cell": finding.cell}
    return {
        "file": finding.path.as_posix(),
        **place,
        "line": finding.line,
        "verdict": finding.judgement.verdict.value,
        "names": list(finding.names),
        "code": finding.code,
        "message": finding.judgement.text,
    }


def _lines(findings: "list[Finding]") -> Iterator[str]:
    """Yield a block for each file; a use takes one line, and a second one that says what differs."""
    from moorage.migration import in_short

    file = None
    for one in findings:
        if one.path != file:
            if file is not None:
                yield ""
            file = one.path
            yield printable(file.as_posix())
        place = f"{one.line}" if one.cell is None else f"cell {one.cell}:{one.line}"
        word = WORDS[one.judgement.verdict.value]
        yield printable(f"  {place:>10}  {word:<23}  {one.code}".rstrip())
        if one.judgement.text:
            names = f"{', '.join(in_short(one.names))}: " if one.names else ""
            yield printable(f"{'':39}{names}{one.judgement.text}")


def _summary_lines(report: "Report") -> Iterator[str]:
    if report.findings:
        yield ""
    yield f"{report.files} files looked at, {report.files_with_uses} of them use Azure ML v1"
    for verdict, count in report.counts.items():
        if count:
            yield f"  {count:>5}  {WORDS[verdict.value]}"
