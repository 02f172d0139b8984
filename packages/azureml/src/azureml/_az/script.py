"""The file named ``az``: how it is written, recognised, and how another one is found behind it."""

import os
import secrets
import shlex
import sys
from pathlib import Path

MARK = "Moorage answers az ml"
"""In the first lines of every file that we have written."""

TEXT = """\
#!/bin/sh
# {mark} and passes everything else to the Azure CLI, if that is installed.
# Made by: moor install-az-shim; removed by: moor install-az-shim --uninstall
if [ ! -x {python} ]; then
  echo {gone} >&2
  exit 127
fi
exec {python} -c {program} "$@"
"""
# The current folder must not be searched for modules: it is the user's project.
PROGRAM = "import sys; sys.path[:1] == [''] and sys.path.pop(0); from azureml._az.main import main; main()"


def script_text(python: str = sys.executable) -> str:
    """Return the content of the file."""
    gone = f"az: the Python of Moorage, {python}, is not there any more; remove this file:"
    return TEXT.format(
        mark=MARK, python=shlex.quote(python), program=shlex.quote(PROGRAM), gone=shlex.quote(gone) + ' "$0"'
    )


def is_ours(path: Path) -> bool:
    """Tell whether we wrote the file; False if it cannot be read."""
    try:
        with path.open("rb") as file:
            return MARK.encode() in file.read(300)
    except OSError:
        return False


def write_script(path: Path) -> None:
    """Write the file whole or not at all; it replaces what is there."""
    aside = path.with_name(f".az.{secrets.token_hex(4)}")
    try:
        aside.write_text(script_text(), encoding="utf-8")
        aside.chmod(0o755)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def folders_of_path() -> list[Path]:
    return [Path(entry) for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if entry]


def real_az() -> Path | None:
    """Return the first ``az`` on PATH that is not ours."""
    for folder in folders_of_path():
        path = folder / "az"
        if path.is_file() and os.access(path, os.X_OK) and not is_ours(path):
            return path
    return None


def first_az() -> Path | None:
    """Return the ``az`` that a shell finds."""
    for folder in folders_of_path():
        path = folder / "az"
        if path.is_file() and os.access(path, os.X_OK):
            return path
    return None
