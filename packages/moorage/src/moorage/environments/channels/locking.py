"""From what is asked for to a lock of two parts: packages of channels, Python among them, and pip's."""

import os
import re
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from moorage.environments.channels import process
from moorage.environments.channels.names import channel_priority, find_channels
from moorage.environments.channels.packages import CondaPackage
from moorage.environments.interpreters import Python, this_python
from moorage.environments.locking import Lock, resolve
from moorage.environments.resolution import RELAX, find_lock
from moorage.environments.wanted import Wanted, name_on_index
from moorage.errors import EnvironmentBuildFailed, RequirementsUnsolvable

_OLDEST = "3.6"


@dataclass(frozen=True, slots=True)
class Solution:
    """``changed`` says what was loosened, for `relax`."""

    lock: Lock
    changed: tuple[str, ...] = ()


def check_available(packages: Sequence[str]) -> None:
    """Raise `EnvironmentBuildFailed` where py-rattler is missing; the text names what needs it."""
    if not process.is_available():
        which = f"the conda package{'s' if len(packages) > 1 else ''} {', '.join(packages)}"
        raise EnvironmentBuildFailed(
            f"{which} can be had from conda channels alone, and what installs from there is missing; "
            f"{process.INSTALL}; or, if the package index has them too, list them below pip under their "
            "names there"
        )


def find_channel_lock(
    wanted: Wanted, *, relax: bool = False, resolve: Callable[..., Lock] = resolve
) -> Solution:
    """Return exact packages of the channels, and of the package index for the Python that comes with those.

    What the channels bring is not taken from the index a second time, and limits what is.

    Raises:
        RequirementsUnsolvable: a sentence for each package that cannot be had, or for the conflict.
        EnvironmentBuildFailed: py-rattler is missing; or a channel or the index is out of reach.
        InvalidConfiguration: a channel is none.
    """
    check_available(wanted.conda or (f"python={wanted.python}",))
    try:
        packages, changed = _solved(wanted, relax)
    except RequirementsUnsolvable as error:
        problems = [*wanted.refusals, *error.problems, *_no_python_here(wanted)]
        raise RequirementsUnsolvable(problems, error.details) from error
    except EnvironmentBuildFailed as error:
        if wanted.refusals:
            raise RequirementsUnsolvable(wanted.refusals) from error
        raise EnvironmentBuildFailed("; ".join([str(error), *_no_python_here(wanted)])) from error
    if wanted.refusals:
        raise RequirementsUnsolvable(wanted.refusals)
    python = _release(next(p.version for p in packages if p.name == "python"))
    with tempfile.TemporaryDirectory(prefix="moorage-lock-") as folder:
        from_pip = find_lock(
            wanted,
            Python(Path(sys.executable), python),
            relax=relax,
            resolve=_resolver(packages, python, Path(folder), resolve),
        )
    minor = f"{python[0]}.{python[1]}"
    lock = replace(from_pip.lock, python=minor, conda=tuple(packages))
    return Solution(lock, (*changed, *from_pip.changed))


def _solved(wanted: Wanted, relax: bool) -> tuple[list[CondaPackage], tuple[str, ...]]:
    channels = find_channels(wanted.channels)
    names = [channel.name for channel in channels]
    specs = [_with_address(spec) for spec in wanted.conda]
    request = {
        "command": "solve",
        "channels": [channel.source for channel in channels] + _further(specs, channels),
        "priority": channel_priority(),
        "specs": specs,
        "pythons": _python_specs(wanted.python),
        "constraints": [*wanted.constraints, *_constraints(wanted.requirements)],
        "virtual": process.virtual_packages(),
        "relax": relax,
        "is_offline": bool(os.environ.get("UV_OFFLINE")),
    }
    answer = process.ask(request)
    if "fault" in answer:
        shown = [*wanted.conda, *([f"python={wanted.python}"] if not wanted.conda else [])]
        raise process.channel_fault(answer["fault"], names, shown)
    if "problems" in answer:
        raise RequirementsUnsolvable(_sentences(answer["problems"], answer["said"], names), answer["said"])
    found = answer["result"]
    packages = [CondaPackage.from_document(one) for one in found["packages"]]
    for package in packages:
        if not package.sha256 and not package.md5:
            raise EnvironmentBuildFailed(
                f"the channel {package.channel} has no hash of {package.file_name}, so no lock can hold it"
            )
    changed = tuple(f"{old} became {new}" for old, new in found["changed"])
    return sorted(packages, key=lambda package: package.name), changed


def _no_python_here(wanted: Wanted) -> list[str]:
    """Return what else would do, where the channels were asked for a Python alone."""
    if wanted.conda:
        return []
    advice = "install one (uv python install, pyenv install)"
    return [f"no Python of this machine fits python={wanted.python} either; {advice}"]


def _with_address(spec: str) -> str:
    """Replace the name of a channel before ``::`` by its address, which follows the alias of this machine."""
    channel, separator, rest = spec.rpartition("::")
    return f"{find_channels([channel])[0].source}::{rest}" if separator else spec


def _further(specs: Sequence[str], channels: Sequence[Any]) -> list[str]:
    """Return channels that only a package names; as in conda they come after those of the file."""
    known = {channel.source for channel in channels}
    named = (spec.rpartition("::")[0] for spec in specs)
    return [source for source in dict.fromkeys(named) if source and source not in known]


def _python_specs(wanted: str | None) -> list[str]:
    """Return what may stand for the Python asked for, the best first; without any, the one that runs here."""
    if wanted is None:
        return [f"python {this_python().minor}.*", f"python >={_OLDEST}"]
    text = wanted.replace(" ", "")
    if re.fullmatch(r"\d+\.\d+\.\d+", text):
        return [f"python =={text}", f"python {text.rpartition('.')[0]}.*"]
    if re.fullmatch(r"\d+(\.\d+)*(\.?\*)?", text):
        return [f"python {text.rstrip('.*')}.*"]
    return [f"python {text}"]


def differing_python(wanted: Wanted, lock: Lock) -> tuple[str, ...]:
    """Return a notice where the Python of the channels is not the one that was to be expected."""
    release = ".".join(map(str, release_of(lock)))
    asked = wanted.python
    if asked is None:
        if lock.python == this_python().minor:
            return ()
        return (f"the packages cannot be had for Python {this_python().minor}; {release} is taken",)
    if re.fullmatch(r"\d+\.\d+\.\d+", asked) is None or asked == release:
        return ()
    return (f"python={asked} is asked for; {release}, which the channels have, is taken",)


def release_of(lock: Lock) -> tuple[int, int, int]:
    """Return the release of the Python among the packages of a lock."""
    return _release(lock.conda_packages["python"])


def _release(version: str) -> tuple[int, int, int]:
    numbers = [int(part) for part in re.findall(r"\d+", version)]
    major, minor, micro = [*numbers, 0, 0][:3]
    return (major, minor, micro)


def _constraints(requirements: Iterable[str]) -> Iterator[str]:
    """Yield what lines for pip say of packages that channels bring along: those must fit too."""
    for line in requirements:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:  # pragma: no cover - all lines of a `Wanted` were read before
            continue
        marker = requirement.marker
        if requirement.url is None and requirement.specifier and (marker is None or marker.evaluate()):
            # A number and a star stand alone in conda's language.
            parts = (
                str(part).removeprefix("==")
                if str(part).endswith(".*") and part.operator == "=="
                else str(part)
                for part in requirement.specifier
            )
            yield f"{canonicalize_name(requirement.name)} {','.join(sorted(parts))}"


def _sentences(problems: Sequence[dict[str, Any]], said: str, channels: Sequence[str]) -> list[str]:
    where = f"the channel{'s' if len(channels) > 1 else ''} {', '.join(channels)}"
    found = []
    for one in problems:
        if "near" in one:
            near = f"; there is {', '.join(one['near'])}" if one["near"] else ""
            found.append(f"no conda package named {one['name']} is in {where}; check the spelling{near}")
        else:
            found.append(
                f"{one['spec']} is not in {where}; the nearest version there is {one['nearest']} {RELAX}"
            )
    if found:
        return found
    text = f"the conda packages cannot be had together.\n{said.strip()}"
    if re.search(r"\b__(cuda|glibc|linux|osx)\b", said):
        text += "\nNames with __ stand for the system: CONDA_OVERRIDE_CUDA=12.4 says that it has a GPU."
    return [text]


def _resolver(
    packages: Sequence[CondaPackage], python: tuple[int, int, int], folder: Path, resolve: Callable[..., Lock]
) -> Callable[..., Lock]:
    """Return `resolve` for the Python of a channel, with its packages as something that is there already."""
    there = {name: p.version for p in packages if (name := name_on_index(p.name)) is not None}
    wheels = (_empty_wheel(folder, name, version) for name, version in sorted(there.items()))
    lines = [f"{name} @ {wheel.as_uri()}" for name, wheel in zip(sorted(there), wheels, strict=True)]
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    further = ["--constraint", str(constraints)] if lines else []
    for name in there:
        further += ["--no-emit-package", name]
    release = ".".join(map(str, python))

    def resolve_beside(
        wanted: Wanted, here: Python, *, version: str | None = None, options: Iterable[str] = (), **how: Any
    ) -> Lock:
        return resolve(wanted, here, version=version or release, options=(*options, *further), **how)

    return resolve_beside


def _empty_wheel(folder: Path, name: str, version: str) -> Path:
    """Write a wheel with a name and a version and nothing else: uv takes it for what a channel brings."""
    project = name.replace("-", "_")
    path = folder / f"{project}-{version}-py3-none-any.whl"
    info = f"{project}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path
