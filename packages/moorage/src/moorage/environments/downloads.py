"""Pythons that uv downloads: only where ``MOORAGE_PYTHON_DOWNLOADS=automatic`` allows it.

They are in ``<home>/pythons``, shared by all workspaces of a machine, and are found there without asking uv.
uv's own variables say where from: ``UV_PYTHON_INSTALL_MIRROR``, ``UV_PYTHON_DOWNLOADS_JSON_URL``.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from moorage.environments.tool import quiet_variables, uv_path
from moorage.errors import EnvironmentBuildFailed, InvalidConfiguration
from moorage.folders import make_private_folder
from moorage.storage.locks import exclusive_lock
from moorage.workspace import home_folder

MODE_VARIABLE = "MOORAGE_PYTHON_DOWNLOADS"
_COMPLETE = "moorage-complete"  # an empty file in each installation that uv has finished
_TIMEOUT_S = 900.0


def may_download() -> bool:
    """Say whether missing Pythons are downloaded.

    Raises:
        InvalidConfiguration: the variable has another value than "automatic" or "never".
    """
    mode = os.environ.get(MODE_VARIABLE, "never")
    if mode not in ("automatic", "never"):
        raise InvalidConfiguration(f"{MODE_VARIABLE}={mode} is neither automatic nor never")
    return mode == "automatic"


def downloaded() -> Iterator[tuple[Path, tuple[int, int, int]]]:
    """Yield the interpreters that were downloaded, with their versions."""
    for folder, version in _installations(_folder()):
        python = folder / "bin" / "python3"
        if (folder / _COMPLETE).is_file() and os.access(python, os.X_OK):
            yield python, version


def download(wanted: str) -> None:
    """Let uv download the Python for uv's spelling of a version, such as ``3.9`` or ``>=3.8,<3.10``.

    Raises:
        EnvironmentBuildFailed: it has none, or cannot be reached; the text has what uv says.
    """
    folder = _folder()
    try:
        make_private_folder(folder)
        with exclusive_lock(folder / ".moorage-lock"):
            # uv takes what it was broken off at for an installation.
            for installation, _ in _installations(folder):
                if not (installation / _COMPLETE).is_file():
                    shutil.rmtree(installation)
            _install(wanted, folder)
            for installation, _ in _installations(folder):
                (installation / _COMPLETE).touch()
    except OSError as error:
        raise EnvironmentBuildFailed(f"Python {wanted} cannot be downloaded to {folder}: {error}") from error


def _install(wanted: str, folder: Path) -> None:
    command = [uv_path(), "python", "install", "--no-bin", "--install-dir", str(folder), "--", wanted]
    try:
        answer = subprocess.run(  # noqa: S603 - our own tool; the version was checked
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            env={**quiet_variables(), "UV_PYTHON_DOWNLOADS": "manual"},
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentBuildFailed(f"Python {wanted} cannot be downloaded: {error}") from error
    if answer.returncode != 0:
        said = " ".join(re.sub(r"^error:\s*", "", answer.stderr.strip()).split())
        raise EnvironmentBuildFailed(f"Python {wanted} cannot be downloaded; uv says: {said}")


def _installations(folder: Path) -> Iterator[tuple[Path, tuple[int, int, int]]]:
    for path in sorted(folder.glob("cpython-3.*")):
        match = re.match(r"cpython-(\d+)\.(\d+)\.(\d+)-", path.name)
        if match and not path.is_symlink():
            yield path, (int(match[1]), int(match[2]), int(match[3]))


def _folder() -> Path:
    return home_folder(None) / "pythons"
