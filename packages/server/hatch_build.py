"""Compiles what is in ``native/`` where there is a C compiler; without it the same is done, more slowly."""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FLAGS = (
    *("-O2", "-g0", "-std=gnu11", "-fPIC", "-shared", "-fvisibility=hidden", "-ffp-contract=off"),
    # One file for every CPython from 3.10 on.
    "-DPy_LIMITED_API=0x030A0000",
)


class CannotCompile(Exception):
    """There is no compiler, or it failed."""


class NativeBuildHook(BuildHookInterface[Any]):
    """Adds ``moorage_server/_numbers.abi3.so`` to the wheel, or to the sources of an editable one."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; ``version`` is "standard" or "editable". ``MOORAGE_NATIVE=0`` leaves it out."""
        target = Path(self.root, "src", "moorage_server", "_numbers.abi3.so")
        target.unlink(missing_ok=True)
        try:
            compile_extension(sorted(Path(self.root, "native").glob("*.c")), target)
        except CannotCompile as error:
            self.app.display_warning(f"Without the compiled parser of numbers and tables: {error}")
            return
        if version != "editable":
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["pure_python"] = False
            build_data["tag"] = f"cp310-abi3-{platform}"
            build_data["force_include"][str(target)] = "moorage_server/_numbers.abi3.so"


def compile_extension(sources: list[Path], target: Path) -> None:
    """Make the shared object ``target``.

    Raises:
        CannotCompile: it cannot be made here, with the reason.
    """
    compiler = shlex.split(os.environ.get("CC", "")) or [shutil.which("cc") or shutil.which("gcc") or ""]
    include = sysconfig.get_path("include")
    if os.environ.get("MOORAGE_NATIVE") == "0":
        raise CannotCompile("MOORAGE_NATIVE=0")
    if sys.platform == "win32" or sys.implementation.name != "cpython":
        raise CannotCompile("it is for CPython on Linux and macOS")
    if not compiler[0]:
        raise CannotCompile("no C compiler")
    if not Path(include, "Python.h").is_file():
        raise CannotCompile(f"no Python.h in {include}")
    further = ("-undefined", "dynamic_lookup") if sys.platform == "darwin" else ()
    # Made aside and moved into place: another process may have the old one open.
    new = target.with_suffix(f".{os.getpid()}.new")
    command = [*compiler, *FLAGS, *further, f"-I{include}", *map(str, sources), "-o", str(new)]
    try:
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    except subprocess.CalledProcessError as error:
        raise CannotCompile(str(error.stderr).strip()[-500:]) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotCompile(str(error)) from error
    new.replace(target)
