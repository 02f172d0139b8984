"""Asking py-rattler: whether it is here, the request, and what its answers mean."""

import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Any

from moorage.environments.tool import quiet_variables
from moorage.errors import EnvironmentBuildFailed, StorageFull

INSTALL = "pip install 'moorage[conda]'"
TIMEOUT_S = 1800.0
_CACHE_VARIABLE = "RATTLER_CACHE_DIR"
_MACHINES = {"x86_64": "64", "amd64": "64", "aarch64": "aarch64", "arm64": "arm64", "ppc64le": "ppc64le"}

OnLine = Callable[[str], None]


def is_available() -> bool:
    """Tell whether py-rattler, an extra, is installed."""
    return importlib.util.find_spec("rattler") is not None


def subdir() -> str:
    """Return conda's name for the platform of this machine, such as ``linux-64``."""
    machine = platform.machine().lower()
    if sys.platform == "darwin":
        return "osx-arm64" if machine == "arm64" else "osx-64"
    system = "win" if sys.platform == "win32" else "linux"
    word = _MACHINES.get(machine, machine)
    return f"{system}-{'aarch64' if system == 'linux' and word == 'arm64' else word}"


def cache_folder() -> Path:
    """Return where channels' packages are kept: py-rattler's own place, which other tools share."""
    chosen = os.environ.get(_CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "rattler" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rattler" / "cache"


def ask(request: Mapping[str, Any], on_line: OnLine = lambda line: None) -> dict[str, Any]:
    """Run the worker with a request and return its last line: ``result``, ``problems`` or ``fault``.

    Raises:
        EnvironmentBuildFailed: it cannot be run, or ends without an answer.
    """
    command = [sys.executable, "-I", str(Path(__file__).with_name("worker.py"))]
    full = {"cache": str(cache_folder()), "platform": subdir(), **request}
    said: list[str] = []
    last: dict[str, Any] = {}
    try:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=quiet_variables(),
            cwd="/",
        )
    except OSError as error:
        raise EnvironmentBuildFailed(f"py-rattler cannot be run: {error.strerror}") from error
    limit = Timer(TIMEOUT_S, process.kill)
    limit.start()
    with process:
        try:
            _write(process, full)
            for line in process.stdout or ():
                found = _read(line)
                if found is None:
                    said.append(line.rstrip())
                elif "say" in found:
                    on_line(str(found["say"]))
                else:
                    last = found
        except BaseException:
            process.kill()  # it would be waited for until it is done
            raise
        finally:
            limit.cancel()
    if not last:
        reason = said[-1] if said else f"it ended with {process.returncode}"
        raise EnvironmentBuildFailed(f"the conda packages cannot be looked at: py-rattler says: {reason}")
    return last


def channel_fault(fault: Mapping[str, Any], channels: Sequence[str], packages: Sequence[str]) -> Exception:
    """Return the error for a channel that does not answer as it should: which, and what is wanted of it."""
    number = int(fault.get("channel", -1))
    names = [channels[number]] if 0 <= number < len(channels) else list(channels)
    which = f"the conda channel{'s' if len(names) > 1 else ''} {', '.join(names)}"
    wanted, reason = ", ".join(packages), fault.get("reason", "")
    texts = {
        "missing": f"{which} does not exist; check the spelling under channels: in the conda file",
        "forbidden": f"{which} refuses us ({reason}); put its password into the file of RATTLER_AUTH_FILE",
        "offline": f"{which} is not asked, because UV_OFFLINE is set, and what it has is not known here",
        "unreachable": f"{which} cannot be reached ({reason})",
    }
    text = texts.get(str(fault.get("kind")))
    if text is None:
        return EnvironmentBuildFailed(f"the conda packages cannot be looked up: {reason}")
    return EnvironmentBuildFailed(f"{text}; wanted from it: {wanted}")


def package_fault(fault: Mapping[str, Any], log: Path | None) -> Exception:
    """Return the error for a package that cannot be installed."""
    name, reason = fault.get("package"), fault.get("reason", "")
    what = f"the conda package {name}" if name else "a conda package"
    at = f"; the log is {log}" if log else ""
    if fault.get("kind") == "full":
        return StorageFull("no space left for an environment; free some (moor environment gc) and try again")
    if fault.get("kind") == "hash":
        return EnvironmentBuildFailed(
            f"{what} is not the file that was locked ({reason}): it was changed or damaged; if the channel "
            f"replaced it, --upgrade locks anew{at}"
        )
    return EnvironmentBuildFailed(f"{what} cannot be installed: {reason}{at}")


def virtual_packages() -> list[tuple[str, str, str]]:
    """Return what packages may expect of the system: name, version, build.

    The same on every machine, or locks would differ: Linux 4.18 with glibc 2.28, no GPU. Conda's variables
    (``CONDA_OVERRIDE_CUDA=12.4``, ``CONDA_OVERRIDE_GLIBC``, ...) say otherwise.
    """
    if sys.platform == "darwin":
        found = {"__unix": "0", "__osx": "13.0"}
    else:
        found = {"__unix": "0", "__linux": "4.18", "__glibc": _glibc()}
    for name in ("glibc", "cuda", "linux", "osx"):
        value = os.environ.get(f"CONDA_OVERRIDE_{name.upper()}", "").strip()
        if re.fullmatch(r"\d+(\.\d+)*", value):
            found[f"__{name}"] = value
    machine = platform.machine().lower()
    archspec = ("__archspec", "1", {"amd64": "x86_64"}.get(machine, machine))
    return [*((name, version, "0") for name, version in found.items()), archspec]


def _glibc() -> str:
    library, version = platform.libc_ver()
    newest = (2, 28)
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    return ".".join(map(str, min(numbers, newest) if library == "glibc" and numbers else newest))


def _write(process: "subprocess.Popen[str]", request: Mapping[str, Any]) -> None:
    assert process.stdin is not None
    # What it said on its way out is read by whoever asked.
    with suppress(BrokenPipeError), process.stdin:
        process.stdin.write(json.dumps(request))


def _read(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
