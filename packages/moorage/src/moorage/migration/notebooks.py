"""Jupyter notebooks: the code cells as one program, with magics and shell lines taken out and looked at."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from moorage.migration import python_code
from moorage.migration.packages import judge_install
from moorage.migration.python_code import CannotParse, parse, scan_lines, scan_python
from moorage.migration.sources import Source

__all__ = ["NotANotebook", "code_cells", "scan_cells", "scan_notebook"]

_SHELL_CELLS = {"bash", "sh", "script", "cmd", "powershell", "!"}
_OTHER_CELLS = {"html", "javascript", "js", "latex", "markdown", "svg", "perl", "ruby", "R", "sql"}
_MAGIC_LINE = re.compile(r"^(\s*)(?:[\w., ]+=\s*)?([!%]{1,2})(.*)$")
_HELP_LINE = re.compile(r"^\s*\?{1,2}[\w.]+\s*$|^\s*[\w.]+\?{1,2}\s*$")


class NotANotebook(Exception):
    """The text is no notebook; says why."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Code cell number ``number`` (from 1)."""

    number: int
    text: str


def code_cells(text: str) -> list[Cell]:
    """Return the code cells of a notebook (format 3 or 4).

    Raises:
        NotANotebook: it is not JSON, or has no cells.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise NotANotebook(f"It is not JSON: {error}.") from error
    except RecursionError as error:
        raise NotANotebook("It is nested too deeply.") from error
    if not isinstance(document, dict):
        raise NotANotebook("It is JSON, but no notebook.")
    sheets = document.get("worksheets")
    cells = document.get("cells")
    if cells is None and isinstance(sheets, list):
        cells = [cell for sheet in sheets if isinstance(sheet, dict) for cell in sheet.get("cells", ())]
    if not isinstance(cells, list):
        raise NotANotebook("It has no cells.")
    code = [cell for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    return [Cell(number, _source_of(cell)) for number, cell in enumerate(code, 1)]


def _source_of(cell: dict[str, Any]) -> str:
    found = cell.get("source", cell.get("input", ""))
    if isinstance(found, list):
        found = "".join(part for part in found if isinstance(part, str))
    return found if isinstance(found, str) else ""


def scan_notebook(whole: Source) -> None:
    """Note the uses in a notebook; what cannot be understood is said, too."""
    text, whole.text = whole.text, ""
    try:
        cells = code_cells(text)
    except NotANotebook as error:
        whole.not_read(1, str(error))
    else:
        scan_cells(whole, cells)


def scan_cells(whole: Source, cells: list[Cell]) -> None:
    """Note the uses in cells, which are parts of one program."""
    program: list[str] = []
    for cell in cells:
        source = whole.part(cell.text, 1, cell.number)
        lines = _python_lines(source)
        if lines is not None:
            try:
                parse("\n".join(lines))
            except CannotParse as error:
                source.not_read(error.line, f"{error} Only its imports and commands are looked at.")
                scan_lines(source, lines)
            else:
                whole.places += [(cell.number, number) for number in range(1, len(lines) + 1)]
                program += lines
        whole.findings += source.findings
    if program:
        whole.text, whole.cell = "\n".join(program), None
        scan_python(whole)


def _python_lines(source: Source) -> list[str] | None:
    """Return a cell's lines of Python, the others blank; None if it is a file or another language."""
    lines = source.text.splitlines()
    at = next((n for n, line in enumerate(lines) if line.strip()), None)
    if at is None:
        return []
    if lines[at].startswith("%%"):
        magic, _, rest = lines[at][2:].strip().partition(" ")
        if magic == "writefile":
            _scan_written(source, rest, lines, at)
            return None
        if magic in _SHELL_CELLS:
            source.add_commands("\n".join(lines[at + 1 :]), at + 2)
            return None
        if magic in _OTHER_CELLS:
            return None
        lines[at] = ""
    return list(_without_magics(source, lines))


def _scan_written(source: Source, arguments: str, lines: list[str], at: int) -> None:
    """Look at the file that a cell writes, as what its name says."""
    words = [word for word in arguments.split() if not word.startswith("-")]
    name = PurePath(words[-1].strip("\"'")) if words else PurePath("unnamed")
    inner = source.part("\n".join(lines[at + 1 :]), at + 2)
    if name.suffix == ".py":
        scan_python(inner)
    elif name.suffix in {".yml", ".yaml", ".json", ".txt"}:
        from moorage.migration.documents import scan_document

        scan_document(inner, name.name)
    else:
        inner.add_commands(inner.text)
    source.findings += inner.findings


def _without_magics(source: Source, lines: list[str]) -> Iterator[str]:
    """Yield the lines, ``pass`` in place of those that are not Python; commands in them are noted."""
    at = 0
    while at < len(lines):
        line = lines[at]
        match = _MAGIC_LINE.match(line)
        if match is None or _is_inside_python(lines, at):
            yield re.sub(r"\S.*", "pass", line) if _HELP_LINE.match(line) else line
            at += 1
            continue
        indent, mark, command = match.groups()
        end = at
        while lines[end].endswith("\\") and end + 1 < len(lines):
            end += 1
        text = "\n".join([command, *lines[at + 1 : end + 1]])
        if mark == "!" or command.split(" ")[0] in {"sx", "system", "sh"}:
            source.add_commands(text, at + 1)
        elif command.split(" ")[0] in {"pip", "conda"}:
            for name, judgement in judge_install(tuple(text.replace("\\\n", " ").split())):
                source.add(at + 1, [name], judgement)
        elif command.startswith(("time ", "timeit ", "prun ")):
            yield indent + command.partition(" ")[2]
            at += 1
            continue
        yield f"{indent}pass"
        yield from [""] * (end - at)
        at = end + 1


def _is_inside_python(lines: list[str], at: int) -> bool:
    """Tell whether a line that looks like a magic belongs to an expression or a text above it."""
    text = "\n".join(re.sub(r"^(\s*)[!%].*", r"\1pass", line) for line in lines[:at])
    try:
        python_code.parse(text)
    except CannotParse as error:
        return any(sign in str(error) for sign in ("never closed", "unterminated triple", "EOF"))
    return False
