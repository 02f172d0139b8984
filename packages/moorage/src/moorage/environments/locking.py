"""The lock of an environment: every package with its exact version and hashes, and what it hangs on."""

import hashlib
import json
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from moorage.environments.channels.packages import CondaPackage
from moorage.environments.interpreters import Python
from moorage.environments.tool import quiet_variables, uv_path
from moorage.environments.wanted import Wanted
from moorage.errors import EnvironmentBuildFailed

FORMAT = 1
LOCK_TIMEOUT_S = 600.0
_PACKAGE = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:==(\S+)| @ (\S+))", re.MULTILINE)
_PASSWORD = re.compile(r"(://)[^/\s@]+@")


@dataclass(frozen=True, slots=True)
class Lock:
    """``text`` is a requirements file with hashes; it is empty for an environment without packages.

    ``python`` is a minor version such as ``3.8``, ``platform`` such as ``linux-x86_64``. ``from_source`` are
    packages without wheels. ``options`` (addresses of other indexes) are not part of the text and the hash:
    the same files from another place are the same environment. ``conda`` are the packages of channels, by
    name, Python among them; an environment without any is made from a Python of the machine.
    """

    python: str
    platform: str
    text: str
    options: tuple[str, ...] = ()
    from_source: tuple[str, ...] = ()
    conda: tuple[CondaPackage, ...] = ()

    @property
    def hash(self) -> str:
        """What names the environment: 64 hexadecimal digits, equal for equal locks on any machine."""
        content = {
            "format": FORMAT,
            "python": self.python,
            "platform": self.platform,
            "packages": self.text.splitlines(),
            **({"conda": [package.line for package in self.conda]} if self.conda else {}),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def conda_packages(self) -> Mapping[str, str]:
        """Names of the packages of channels to their versions."""
        return {package.name: package.version for package in self.conda}

    @property
    def packages(self) -> Mapping[str, str]:
        """Normalised names to versions (or addresses)."""
        found = _PACKAGE.findall(self.text)
        return {canonicalize_name(name): version or address for name, version, address in found}

    def to_document(self) -> dict[str, object]:
        return {
            "format": FORMAT,
            "python": self.python,
            "platform": self.platform,
            "text": self.text,
            "options": list(self.options),
            "from_source": list(self.from_source),
            "conda": [package.to_document() for package in self.conda],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Lock":
        return cls(
            document["python"],
            document["platform"],
            document["text"],
            tuple(document["options"]),
            tuple(document["from_source"]),
            tuple(CondaPackage.from_document(one) for one in document.get("conda", ())),
        )


class Unresolved(Exception):
    """uv found no solution; ``str(error)`` is what it says, ``without_wheels`` are the packages it blames."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.without_wheels = tuple(sorted(set(re.findall(r"Wheels are required for `([^`]+)`", said))))
        self.unknown = tuple(
            dict.fromkeys(re.findall(r"[Bb]ecause (\S+) was not found in the (?:provided )?package", said))
        )


def this_platform() -> str:
    return f"{sys.platform}-{platform.machine().lower()}"


def resolve(
    wanted: Wanted,
    python: Python,
    *,
    from_source: Iterable[str] = (),
    options: Iterable[str] = (),
    version: str | None = None,
) -> Lock:
    """Ask uv for the versions; ``from_source`` may be built here, all else has to come as wheels.

    ``options`` are further ones for uv, ``version`` another Python than the one that asks.

    Raises:
        Unresolved: there is no solution.
        EnvironmentBuildFailed: uv cannot be run, or cannot reach the package index.
    """
    sources = tuple(sorted(from_source))
    with tempfile.TemporaryDirectory(prefix="moorage-lock-") as folder:
        requirements = Path(folder, "requirements.in")
        requirements.write_text(wanted.text, encoding="utf-8")
        command = [uv_path(), "pip", "compile", str(requirements), "--quiet", "--generate-hashes"]
        command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
        command += ["--only-binary", ":all:", "--python", str(python.path), "--no-strip-extras"]
        for name in sources:
            command += ["--no-binary", name]
        if version is not None:
            command += ["--python-version", version]
        answer = run_uv([*command, *options], cwd=folder)
    if answer.returncode != 0:
        raise _fault(answer.stderr)
    return Lock(
        version or python.minor, this_platform(), answer.stdout.strip() + "\n", wanted.options, sources
    )


def run_uv(command: list[str], cwd: str) -> "subprocess.CompletedProcess[str]":
    """Run uv and return what it said.

    Raises:
        EnvironmentBuildFailed: it cannot be run, or takes longer than `LOCK_TIMEOUT_S`.
    """
    try:
        return subprocess.run(  # noqa: S603 - our own tool; the requirements are in a file
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LOCK_TIMEOUT_S,
            cwd=cwd,
            env=quiet_variables(),
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentBuildFailed(f"the packages cannot be looked up: {error}") from error


def without_passwords(text: str) -> str:
    """Return a text that may be shown and logged: addresses lose the user and password in them."""
    return _PASSWORD.sub(r"\1", text)


def direct_requirements(wanted: Wanted) -> Iterator[Requirement]:
    """Yield what was asked for by name; all lines of a `Wanted` were read before."""
    for line in wanted.requirements:
        try:
            yield Requirement(line)
        except InvalidRequirement as error:  # pragma: no cover
            raise AssertionError(line) from error


def _fault(said: str) -> Exception:
    text = without_passwords(said.strip())
    if "network was disabled" in text:
        return EnvironmentBuildFailed(
            "the packages are not all known here, and the package index is not asked: UV_OFFLINE is set; "
            "unset it, or collect wheels in a folder and say --no-index and --find-links FOLDER beside them"
        )
    if "No solution found" in text or "unsatisfiable" in text:
        return Unresolved(text)
    unreachable = ("error sending request", "Could not connect", "dns error", "timed out", "Network")
    if any(sign in text for sign in unreachable):
        return EnvironmentBuildFailed(
            "the package index cannot be reached, and the packages are not all known here; "
            f"uv says: {text.splitlines()[-1].strip()}"
        )
    return Unresolved(text) if "Failed to build" in text else EnvironmentBuildFailed(f"uv says: {text}")
