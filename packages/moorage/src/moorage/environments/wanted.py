"""What an environment asks for, in one language: requirements for pip and a Python. Pure functions."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from moorage.environments.conda import CondaSpecification

# Options of a pip list that change where packages come from; uv reads them in a requirements file.
_KEPT_OPTION = re.compile(
    r"\s*(-i|--index-url|--extra-index-url|-f|--find-links|--no-index)\b[\s=]*(.*)", re.DOTALL
)
_HASH = re.compile(r"\s--hash[=\s]\S+")
_WHEEL_ADDRESS = re.compile(r"(https?|file)://\S+\.whl")
_REFUSED_OPTION = re.compile(r"\s*(-r|--requirement|-c|--constraint|-e|--editable)\b")
_CONDA = re.compile(r"(?:\S+::)?([A-Za-z0-9_.-]+)\s*(?:(={1,2})\s*([^\s=]+)(?:=\S*)?|([<>!~].*))?\s*")
# The other spellings of a version: "numpy 1.21.*", "numpy 1.21 py38_0", "numpy[version='>=1.21']".
_SPACED = re.compile(r"(\S+)\s+(\d\S*)(?:\s+([^\s=]+))?")
_BRACKETS = re.compile(r"(\S+)\s*\[\s*version\s*=\s*([\"']?)([^\"'\]]+)\2\s*\]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """``python`` is conda's spelling (``3.6.2``, ``>=3.6``) or None; ``requirements`` are sorted lines.

    ``options`` are lines such as ``--index-url``; they may hold passwords. ``notices`` say what was changed
    on the way here, ``refusals`` what cannot be had and what to do: with any of those nothing can be built.
    ``conda`` are packages that only ``channels`` have (none named: a default), in conda's spelling.
    ``constraints`` say of those that the index has too which versions would fit, if a channel brings them.
    """

    python: str | None = None
    requirements: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The content of the requirements file."""
        return "".join(f"{line}\n" for line in (*self.options, *self.requirements))


@dataclass
class _Draft:
    requirements: list[str]
    options: list[str]
    notices: list[str]
    refusals: list[str]
    conda: list[str]
    constraints: list[str]


def translate(conda: CondaSpecification | None, pip: Iterable[str] = ()) -> Wanted:
    """Return what a conda definition and lines for pip ask for together."""
    draft = _Draft([], [], [], [], [], [])
    for package in conda.packages if conda else ():
        _add_conda(draft, package)
    for line in _joined((*(conda.pip if conda else ()), *pip)):
        _add_line(draft, line)
    return Wanted(
        python=conda.python if conda else None,
        requirements=tuple(sorted(set(draft.requirements), key=str.lower)),
        options=tuple(dict.fromkeys(draft.options)),
        notices=tuple(dict.fromkeys(draft.notices)),
        refusals=tuple(dict.fromkeys(draft.refusals)),
        channels=conda.channels if conda else (),
        conda=tuple(sorted(set(draft.conda))),
        constraints=tuple(sorted(set(draft.constraints))),
    )


def is_retired(name: str) -> bool:
    """Tell whether a package is one whose work is done by the runtime here."""
    return canonicalize_name(name) in _table("retired.json")


def name_on_index(conda_name: str) -> str | None:
    """Return the normalised name that a conda package has on the package index, None if it is not known."""
    name = conda_name.lower()
    found = _table("conda_names.json")["other"].get(name) or (name if name in _same_names() else None)
    return None if found is None else canonicalize_name(found)


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """Join lines that end with a backslash to the next one, as pip does."""
    begun = ""
    for line in lines:
        text = line.rstrip()
        if text.endswith("\\") and not text.lstrip().startswith("#"):
            begun += text[:-1] + " "
        else:
            yield begun + line
            begun = ""
    if begun:
        yield begun


def _add_conda(draft: _Draft, package: str) -> None:
    package = _with_operator(package.strip())
    match = _CONDA.fullmatch(package)
    if match is None:
        draft.refusals.append(f"{package!r} is not the name and version of a conda package")
        return
    written, equals, version, specifiers = match.groups()
    names = _table("conda_names.json")
    name = written.lower()
    if name == "python":
        return
    if name in names["not_needed"]:
        if name != "pip":
            draft.notices.append(f"{written} is left out: {names['not_needed'][name]}")
        return
    if is_retired(name):
        _add_line(draft, written)
        return
    if name in names["refused"]:
        draft.refusals.append(f"conda package {written}: {names['refused'][name]}")
        return
    spec = "".join(package.split())
    target = names["other"].get(name) or (name if name in _same_names() else None)
    if target is None:
        draft.conda.append(spec)
        return
    draft.constraints.append(spec.rpartition("::")[2])
    if target != name:
        draft.notices.append(f"conda package {written} is installed as {target}")
    if equals == "=" and not version.endswith("*"):
        # conda's single "=" takes the versions below it too: 1.2 is 1.2.*, and 0.20.0 is 0.20.0 itself.
        specifiers = f"=={version}" if version.count(".") >= 2 else f"=={version}.*"
    elif equals:
        specifiers = f"=={version}"
    _add_line(draft, f"{target}{(specifiers or '').replace(' ', '')}")


def _with_operator(package: str) -> str:
    """Return a package in the spelling with an operator, if it is in another one."""
    if spaced := _SPACED.fullmatch(package):
        name, version, build = spaced.groups()
        return f"{name}=={version}={build}" if build else f"{name}=={version}"
    if brackets := _BRACKETS.fullmatch(package):
        name, version = brackets[1], brackets[3].strip()
        return f"{name}=={version}" if version[:1].isdigit() else f"{name}{version}"
    return package


def _add_line(draft: _Draft, line: str) -> None:
    text = re.split(r"\s+#|^#", line)[0].strip()
    if not text:
        return
    if _REFUSED_OPTION.match(text):
        advice = "write the packages themselves, or build a wheel and name its folder with --find-links"
        draft.refusals.append(f"{text!r} points to other files, which a lock cannot hold; {advice}")
        return
    option = _KEPT_OPTION.fullmatch(text)
    if option is not None:
        draft.options.append(f"{option[1]} {option[2]}".strip())
        return
    if _HASH.search(text):
        # Every lock here has hashes; which they are, the index says that the packages come from.
        draft.notices.append("hashes in the list are left out; the lock has those of the package index")
        text = _HASH.sub("", text).strip()
    if text.startswith("-"):
        draft.notices.append(f"the option {text.split()[0]!r} is left out: it has no meaning here")
        return
    if _WHEEL_ADDRESS.fullmatch(text):
        with suppress(InvalidWheelFilename):
            name = parse_wheel_filename(unquote(text.rpartition("/")[2]))[0]
            text = f"{name} @ {text}"
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        draft.refusals.append(f"{text!r} is no requirement ({reason})")
        return
    if requirement.url is not None and not requirement.url.startswith(("https://", "http://", "file://")):
        advice = "name an archive (https://....whl), or a version of a package index"
        draft.refusals.append(f"{text!r} has no hash that a lock could hold; {advice}")
    elif is_retired(requirement.name):
        kept = tuple(_instead_of(requirement))
        draft.requirements += kept
        stays = f"; what came with it stays: {', '.join(kept)}" if kept else ""
        draft.notices.append(f"{requirement.name} is not installed: Moorage does its work{stays}")
    else:
        draft.requirements.append(text)


def _instead_of(requirement: Requirement) -> Iterator[str]:
    """Yield what scripts could import because a retired package brought it."""
    table: Mapping[str, list[str]] = _table("retired.json")
    name = canonicalize_name(requirement.name)
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    for key in (name, *(f"{name}[{extra.lower()}]" for extra in sorted(requirement.extras))):
        yield from (kept + marker for kept in table.get(key, ()))


@cache
def _table(file: str) -> Any:
    return json.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))


@cache
def _same_names() -> frozenset[str]:
    return frozenset(_table("conda_names.json")["same"])
