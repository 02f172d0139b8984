"""A text with places: which line of which file, or of which cell of a notebook, a line of it is."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING

from moorage.migration.commands import find_commands, judge
from moorage.migration.findings import Finding, Judgement, Verdict

if TYPE_CHECKING:
    from moorage.migration.project import Project

__all__ = ["Source"]


@dataclass
class Source:
    """``places`` has cell (None: no notebook) and line for each line of ``text``; empty: as they are."""

    path: PurePath
    text: str
    project: "Project"
    first_line: int = 1
    cell: int | None = None
    places: list[tuple[int | None, int]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    _lines: list[str] | None = None

    @property
    def lines(self) -> list[str]:
        if self._lines is None:
            # As Python counts them: a form feed is not the end of a line.
            self._lines = re.split(r"\r\n|\r|\n", self.text)
        return self._lines

    def add(self, line: int, names: Iterable[str], judgement: Judgement, code: str | None = None) -> None:
        """Note a use in a line, counted from 1."""
        if code is None:
            code = self.lines[line - 1].strip() if 0 < line <= len(self.lines) else ""
        cell, shown = (self.cell, line + self.first_line - 1) if not self.places else self._place(line)
        self.findings.append(
            Finding(path=self.path, line=shown, cell=cell, code=code, names=tuple(names), judgement=judgement)
        )

    def part(self, text: str, first_line: int, cell: int | None = None) -> "Source":
        """Return a text within this one, with findings of its own."""
        return Source(self.path, text, self.project, first_line, self.cell if cell is None else cell)

    def not_read(self, line: int, text: str) -> None:
        self.add(line, (), Judgement(Verdict.NOT_READ, text))

    def add_commands(self, text: str, line: int = 1, *, is_one_line: bool = False) -> None:
        """Note the command lines in a part of the text that begins at ``line``."""
        for command in find_commands(text):
            for name, judgement in judge(command):
                self.add(line + (0 if is_one_line else command.line), (name,), judgement, command.code)

    def _place(self, line: int) -> tuple[int | None, int]:
        return self.places[min(line, len(self.places)) - 1]
