"""Python programs: which names of the old SDK they use, found by reading, never by running them."""

import ast
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from moorage.migration import uses
from moorage.migration.sources import Source
from moorage.migration.statements import Reader
from moorage.migration.values import Value

if TYPE_CHECKING:
    from moorage.migration.project import Project

__all__ = ["CannotParse", "names_in", "parse", "scan_lines", "scan_python"]

PASSES = 3
"""Types reach functions that stand before what they use, and through one more function."""

_IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+import\s+(.+)|import\s+([\w., ]+))")


class CannotParse(Exception):
    """``line`` is where Python stops to understand the text."""

    def __init__(self, line: int, text: str) -> None:
        self.line = line
        super().__init__(text)


def parse(text: str) -> ast.Module:
    """Parse a program of any Python 3.

    Raises:
        CannotParse: it is none, or too deeply nested.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes and comparisons: the program's own affair
            return ast.parse(text)
    except SyntaxError as error:
        hint = "; it is Python 2" if re.search(r"^\s*print\s+[\"'\w]", text, re.MULTILINE) else ""
        raise CannotParse(error.lineno or 1, f"Python does not understand it: {error.msg}{hint}.") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise CannotParse(1, f"Python cannot read it: {error or type(error).__name__}.") from error


def scan_python(source: Source, tree: ast.Module | None = None) -> None:
    """Note the uses in a program; one that Python does not understand is searched for imports only."""
    if tree is None:
        try:
            tree = parse(source.text)
        except CannotParse as error:
            source.not_read(error.line, f"{error} Only its imports and commands are looked at.")
            scan_lines(source, source.lines)
            return
    reader = Reader(source)
    try:
        for number in range(PASSES):
            reader.is_last = number == PASSES - 1
            reader.begin()
            reader.block(tree.body)
    except RecursionError:
        source.not_read(1, "It is nested too deeply to be read.")


def scan_lines(source: Source, lines: Sequence[str], first: int = 1) -> None:
    """Note the imports and commands in lines that are no program."""
    for number, line in enumerate(lines, first):
        match = _IMPORT.match(line)
        if match is None:
            continue
        module, names, modules = match.groups()
        if module and uses.is_old(module):
            for name in re.findall(r"\w+", re.sub(r"\bas\s+\w+|#.*", "", names)):
                source.add(number, [f"{module}.{name}"], uses.judge_import(module, name))
        for one in re.findall(r"[\w.]+", re.sub(r"\bas\s+\w+", "", modules or "")):
            if uses.is_old(one):
                source.add(number, [one], uses.judge_module(one))
    source.add_commands("\n".join(lines), first)


def names_in(path: PurePath, text: str, project: "Project") -> Mapping[str, Value]:
    """Return what the names of a program are that another one imports; uses in it are noted elsewhere."""
    try:
        tree = parse(text)
        reader = Reader(Source(path, text, project))
        for _ in range(PASSES - 1):
            reader.begin()
            reader.block(tree.body)
    except (CannotParse, RecursionError):
        return {}
    return {name: value for name, value in reader.scopes[0].items() if value is not None}
