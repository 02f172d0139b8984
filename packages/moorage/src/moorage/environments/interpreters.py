"""The Pythons of this machine, and the one among them that an environment asks for."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from moorage.environments import downloads
from moorage.environments.tool import quiet_variables, uv_path
from moorage.errors import EnvironmentBuildFailed, InterpreterNotFound, InvalidConfiguration

OLDEST = (3, 6)
_OLDEST_DOWNLOADED = (3, 8)  # that uv has
_LIST_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Python:
    """A CPython of this machine; ``version`` has three numbers."""

    path: Path
    version: tuple[int, int, int]

    @property
    def minor(self) -> str:
        return f"{self.version[0]}.{self.version[1]}"

    @property
    def release(self) -> str:
        return ".".join(map(str, self.version))


@dataclass(frozen=True, slots=True)
class Choice:
    """``notice`` says where the Python differs from what was asked for."""

    python: Python
    notice: str | None = None


def this_python() -> Python:
    """Return the Python that runs Moorage."""
    return Python(Path(sys.executable), sys.version_info[:3])


def installed_pythons() -> list[Python]:
    """Return every CPython from 3.6 on that is here: this one, pyenv's, downloads, and those uv knows of."""
    found = {
        python.version: python for python in (*_from_uv(), *_downloaded(), *_from_pyenv(), this_python())
    }
    return sorted(found.values(), key=lambda python: python.version)


def choose_python(wanted: str | None, installed: Sequence[Python] | None = None) -> Choice:
    """Return the Python for conda's spelling of a version: the same release, else the same minor version.

    Raises:
        InterpreterNotFound: none here fits; the text names the nearest one.
        InvalidConfiguration: ``wanted`` is no version.
    """
    if wanted is None:
        return Choice(this_python())
    exact, specifiers = _understood(wanted)
    current = this_python()
    nearby = _fitting(wanted, exact, specifiers, [current])
    if nearby is not None and installed is None:
        return nearby
    if installed is not None:
        found = _fitting(wanted, exact, specifiers, installed)
    else:
        # uv looks everywhere, which takes a second; where pyenv has one that fits it is not asked.
        found = _fitting(wanted, exact, specifiers, [*_downloaded(), *_from_pyenv()])
        installed = [] if found else installed_pythons()
        found = found or _fitting(wanted, exact, specifiers, installed)
    if found is None:
        raise InterpreterNotFound(wanted, [python.release for python in installed], _how_to_download(wanted))
    return found


def bring_python(wanted: str) -> Choice:
    """Download the Python for conda's spelling of a version: the same release, else the same minor version.

    Raises:
        InterpreterNotFound: uv has none that fits, or it cannot be reached.
        InvalidConfiguration: ``wanted`` is no version.
    """
    exact, specifiers = _understood(wanted)
    attempts = [exact, minor_of(exact)] if exact else [minor_of(wanted) or str(specifiers)]
    reason = ""
    for attempt in attempts:
        try:
            downloads.download(str(attempt))
        except EnvironmentBuildFailed as error:
            reason = f"; {error}"
            continue
        found = _fitting(wanted, exact, specifiers, list(_downloaded()))
        if found is not None:
            return found
    raise InterpreterNotFound(wanted, [python.release for python in installed_pythons()], reason)


def can_be_downloaded(wanted: str) -> bool:
    """Say whether uv may have a Python that is asked for: it has those from 3.8 on."""
    minor = minor_of(wanted)
    return minor is None or tuple(map(int, minor.split("."))) >= _OLDEST_DOWNLOADED


def minor_of(wanted: str) -> str | None:
    """Return ``3.6`` for ``3.6``, ``3.6.2`` and ``3.6.*``, None for what leaves the minor version open."""
    match = re.fullmatch(r"(\d+\.\d+)(\.[\d*]+)?", wanted.replace(" ", ""))
    return match[1] if match else None


def _fitting(
    wanted: str, exact: str | None, specifiers: SpecifierSet, installed: Sequence[Python]
) -> Choice | None:
    pythons = sorted(installed, key=lambda python: python.version)
    if exact is None:
        fits = [python for python in pythons if specifiers.contains(python.release)]
        return Choice(fits[-1]) if fits else None
    same = [python for python in pythons if python.release == exact]
    if same:
        return Choice(same[-1])
    minor = ".".join(exact.split(".")[:2])
    near = [python for python in pythons if python.minor == minor]
    if not near:
        return None
    text = f"python={wanted} is asked for; {near[-1].release}, the {minor} here, is taken"
    return Choice(near[-1], text)


def _understood(wanted: str) -> tuple[str | None, SpecifierSet]:
    """Return an exact release, or None and what versions may be."""
    text = wanted.replace(" ", "")
    if re.fullmatch(r"\d+\.\d+\.\d+", text):
        return text, SpecifierSet(f"=={text}")
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return None, SpecifierSet(f"=={text}.*")
    if re.fullmatch(r"\d+(\.\d+)*\.?\*", text):
        return None, SpecifierSet(f"=={text.rstrip('.*')}.*")
    try:
        return None, SpecifierSet(text)
    except InvalidSpecifier as error:
        raise InvalidConfiguration(f"python={wanted} is no version of Python such as 3.8 or >=3.6") from error


def _how_to_download(wanted: str) -> str:
    if not can_be_downloaded(wanted):
        return ""
    return f"; or set {downloads.MODE_VARIABLE}=automatic, and uv downloads it"


def _downloaded() -> Iterator[Python]:
    for path, version in downloads.downloaded():
        yield Python(path, version)


def _from_pyenv() -> Iterator[Python]:
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for path in root.glob("3.*/bin/python"):
        match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", path.parts[-3])
        if match:
            version = (int(match[1]), int(match[2]), int(match[3]))
            if version >= OLDEST:
                yield Python(path, version)


def _from_uv() -> Iterator[Python]:
    command = [uv_path(), "python", "list", "--only-installed", "--output-format", "json"]
    try:
        answer = subprocess.run(  # noqa: S603 - our own tool
            [*command, "--no-python-downloads"],
            capture_output=True,
            text=True,
            timeout=_LIST_TIMEOUT_S,
            env=quiet_variables(),
            check=False,
        )
        listed = json.loads(answer.stdout or "[]")
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return  # the others are still of use
    for one in listed:
        parts = one.get("version_parts") or {}
        if one.get("implementation") != "cpython" or one.get("variant", "default") != "default":
            continue
        version = (int(parts.get("major", 0)), int(parts.get("minor", 0)), int(parts.get("patch", 0)))
        if version >= OLDEST and one.get("path"):
            yield Python(Path(one["path"]), version)
