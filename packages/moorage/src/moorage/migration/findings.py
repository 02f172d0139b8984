"""What a scan says: one record for each use of the old SDK or command line."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import PurePath

__all__ = ["Finding", "Judgement", "Report", "Verdict", "in_short", "merged"]

LONGEST_CODE = 160


class Verdict(Enum):
    """What becomes of a use; the value is what reports print."""

    WORKS = "works"
    DIFFERS = "differs"
    UNCLEAR = "unclear"
    """Not to be told from the text: a name that is not known, a command in a variable."""
    NOT_SUPPORTED = "notSupported"
    NOT_READ = "notRead"
    """A file, or a part of one, that mentions the old SDK and could not be understood."""

    @property
    def stands_in_the_way(self) -> bool:
        return self in (Verdict.NOT_SUPPORTED, Verdict.NOT_READ)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with what differs, or what to do instead; empty where everything works."""

    verdict: Verdict
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``line`` is that of the file, or of the notebook's code cell number ``cell`` (both from 1)."""

    path: PurePath
    """Relative to the folder that was scanned."""
    line: int
    cell: int | None = None
    code: str
    names: tuple[str, ...]
    judgement: Judgement

    @property
    def where(self) -> str:
        cell = "" if self.cell is None else f"cell {self.cell}, "
        return f"{self.path.as_posix()}, {cell}line {self.line}"


@dataclass(frozen=True, slots=True)
class Report:
    """``files`` were looked at; ``findings`` are in the order of path, cell and line."""

    files: int
    findings: tuple[Finding, ...]

    @property
    def counts(self) -> dict[Verdict, int]:
        found = Counter(one.judgement.verdict for one in self.findings)
        return {verdict: found[verdict] for verdict in Verdict}

    @property
    def files_with_uses(self) -> int:
        return len({one.path for one in self.findings})


def in_short(names: Iterable[str]) -> list[str]:
    """Return the names with the parameters of a function together: ``f(a)`` and ``f(b)`` are ``f(a, b)``."""
    grouped: dict[str, list[str]] = {}
    for name in names:
        function, _, parameter = name.partition("(")
        grouped.setdefault(function, []).extend([parameter.removesuffix(")")] if parameter else [])
    return [f"{name}({', '.join(given)})" if given else name for name, given in grouped.items()]


def merged(findings: list[Finding]) -> list[Finding]:
    """Return one finding for what is said twice about a line, in the order of the lines.

    A line of which there is something to say is not listed as one that works, too.
    """
    kept: dict[tuple[object, ...], Finding] = {}
    for one in findings:
        key = (one.path, one.cell, one.line, one.judgement)
        before = kept.get(key)
        names = one.names if before is None else tuple(dict.fromkeys((*before.names, *one.names)))
        kept[key] = replace(before or one, names=names, code=shortened((before or one).code))
    order = list(Verdict)
    told = {(f.path, f.cell, f.line) for f in findings if f.judgement.verdict is not Verdict.WORKS}
    return sorted(
        (
            one
            for one in kept.values()
            if one.judgement.verdict is not Verdict.WORKS or (one.path, one.cell, one.line) not in told
        ),
        key=lambda f: (f.path.as_posix(), f.cell or 0, f.line, order.index(f.judgement.verdict), f.names),
    )


def shortened(code: str) -> str:
    """Return code on one line, cut where it gets long."""
    text = " ".join(code.split())
    return text if len(text) <= LONGEST_CODE else f"{text[: LONGEST_CODE - 3]}..."
