"""From what is asked for to a lock, or to sentences that say what cannot be had and what would do."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from moorage.environments.interpreters import Python
from moorage.environments.locking import (
    Lock,
    Unresolved,
    direct_requirements,
    resolve,
)
from moorage.environments.wanted import Wanted
from moorage.errors import EnvironmentBuildFailed, RequirementsUnsolvable

MINORS = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
RELAX = "(write it into the file, or see: moor environment build --relax)"
_MOST_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Resolution:
    """``changed`` says which requirements were loosened, for `relax`."""

    lock: Lock
    changed: tuple[str, ...] = ()


def find_lock(
    wanted: Wanted,
    python: Python,
    *,
    relax: bool = False,
    resolve: Callable[..., Lock] = resolve,
) -> Resolution:
    """Return exact versions for a Python.

    Wheels are preferred; a package that has none for any Python is built from its source. With ``relax``
    a version that this Python cannot have is replaced by the nearest newer one that it can.

    Raises:
        RequirementsUnsolvable: a sentence for each requirement that cannot be had, or for the conflict.
        EnvironmentBuildFailed: uv or the package index cannot be reached.
    """
    if wanted.refusals:
        raise RequirementsUnsolvable([*wanted.refusals, *_further_problems(wanted, python, resolve)])
    sources: set[str] = set()
    changed: list[str] = []
    for _round in range(_MOST_ROUNDS):
        try:
            lock = resolve(wanted, python, from_source=sources)
        except Unresolved as fault:
            look = _Look(wanted, python, fault, resolve)
            new_sources = look.only_source() - sources
            if new_sources:
                sources |= new_sources
                continue
            loosened = look.loosened() if relax else {}
            if not loosened:
                raise RequirementsUnsolvable(look.problems(), str(fault)) from fault
            changed += [f"{old} became {new}" for old, new in loosened.items()]
            lines = tuple(loosened.get(line, line) for line in wanted.requirements)
            wanted = replace(wanted, requirements=lines)
        else:
            return Resolution(lock, tuple(changed))
    raise RequirementsUnsolvable(["no solution was found in reasonable time"])


def _further_problems(wanted: Wanted, python: Python, resolve: Callable[..., Lock]) -> tuple[str, ...]:
    """Return what else is wrong, so that everything is said at once."""
    try:
        find_lock(replace(wanted, refusals=()), python, resolve=resolve)
    except RequirementsUnsolvable as error:
        return error.problems
    except EnvironmentBuildFailed:  # nobody can be asked; what was refused is wrong anyway
        return ()
    return ()


@dataclass
class _Look:
    """Looks at a failure requirement by requirement; each question is one short call of uv."""

    wanted: Wanted
    python: Python
    fault: Unresolved
    resolve: Callable[..., Any]

    def only_source(self) -> set[str]:
        """Return the packages blamed for having no wheels that have none for any other Python either."""
        named = {canonicalize_name(r.name): str(r) for r in direct_requirements(self.wanted)}
        return {
            name
            for name in self.fault.without_wheels
            if not self._pythons_with(named.get(canonicalize_name(name), name))
            and self._can_have(name, from_source={name})
        }

    def problems(self) -> list[str]:
        """Return a sentence for each requirement that alone cannot be had; else one about the conflict."""
        alone = [text for r in direct_requirements(self.wanted) if (text := self._problem(r))]
        return alone or [f"the requirements contradict each other. {_explained(str(self.fault))}"]

    def loosened(self) -> dict[str, str]:
        """Return what to ask for instead of the lines that cannot be had."""
        found = {}
        for line, requirement in zip(self.wanted.requirements, direct_requirements(self.wanted), strict=True):
            if not self._can_have(line):
                nearest = self._nearest(requirement)
                if nearest is not None:
                    marker = f" ; {requirement.marker}" if requirement.marker else ""
                    found[line] = f"{_bare(requirement)}=={nearest}{marker}"
        return found

    def _problem(self, requirement: Requirement) -> str | None:
        line = str(requirement)
        if self._can_have(line):
            return None
        if requirement.name in self.fault.unknown or not self._is_known(requirement):
            return f"no package named {requirement.name} is in the package index; check the spelling"
        pythons = self._pythons_with(line)
        nearest = self._nearest(requirement)
        text = f"{line} cannot be had for Python {self.python.minor}"
        if pythons:
            text += f"; it needs Python {_span(pythons)}"
        if nearest is not None:
            text += f"; the nearest version for {self.python.minor} is {nearest} {RELAX}"
        elif not pythons:
            text += "; there is no such version"
        return text

    def _is_known(self, requirement: Requirement) -> bool:
        try:
            self._ask(_bare(requirement))
        except Unresolved as fault:
            return not fault.unknown
        return True

    def _nearest(self, requirement: Requirement) -> str | None:
        """Return the lowest version from the one asked for that this Python can have, else the highest."""
        versions = [s.version.removesuffix(".*") for s in requirement.specifier if s.operator in ("==", "~=")]
        bare = _bare(requirement)
        if versions:
            try:
                lock = self._ask(f"{bare}>={versions[0]}", "--resolution", "lowest")
                return lock.packages.get(canonicalize_name(requirement.name))
            except Unresolved:
                pass
        try:
            return self._ask(bare).packages.get(canonicalize_name(requirement.name))
        except Unresolved:
            return None

    def _pythons_with(self, line: str) -> list[str]:
        return [minor for minor in MINORS if self._can_have(line, version=minor)]

    def _can_have(self, line: str, **how: Any) -> bool:
        try:
            self._ask(line, **how)
        except Unresolved:
            return False
        return True

    def _ask(self, line: str, *options: str, **how: Any) -> Lock:
        asked = Wanted(requirements=(line,), options=self.wanted.options)
        lock: Lock = self.resolve(asked, self.python, options=("--no-deps", *options), **how)
        return lock


def _bare(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return requirement.name + extras


def _span(minors: list[str]) -> str:
    """Return ``3.6 and 3.7`` for two, ``3.6 to 3.9`` for a longer row."""
    if len(minors) == 1:
        return minors[0]
    return f"{minors[0]} and {minors[1]}" if len(minors) == 2 else f"{minors[0]} to {minors[-1]}"


def _explained(said: str) -> str:
    """Return the sentences of uv's explanation without its frame."""
    lines = [line.strip().removeprefix("cause: ") for line in said.splitlines()]
    kept = [line for line in lines if line and not line.startswith(("error:", "hint:", "warning:"))]
    return " ".join(kept)
