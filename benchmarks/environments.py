"""A virtual environment for every server that is measured, under .cache/peers, made when first needed."""

import hashlib
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.servers.base import REPOSITORY, Server

PEERS = REPOSITORY / ".cache" / "peers"
TRAIN = Path(__file__).resolve().parent / "apps" / "train.py"
UV = Path(sys.executable).parent / "uv"


class CannotBeInstalled(Exception):
    """The environment of a server could not be made; the text is the last thing that the installer said."""


def python_for(server: Server) -> Path:
    """Return the interpreter in which the server is installed, after installing it if necessary.

    Raises:
        CannotBeInstalled: it could not be.
    """
    if not server.requirements:
        return Path(sys.executable)
    folder = PEERS / server.peer
    python = folder / "bin" / "python"
    stamp = folder / "installed"
    digest = hashlib.sha256("\n".join((sys.version, *server.requirements)).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return python
    print(f"installing {server.peer} ...", flush=True)
    shutil.rmtree(folder, ignore_errors=True)  # models and figures of other benchmarks may be there
    _execute([UV, "venv", "--quiet", "--python", sys.executable, folder])
    _execute([UV, "pip", "install", "--quiet", "--python", python, *server.requirements])
    stamp.write_text(digest)
    return python


def version_of(server: Server, python: Path) -> str:
    """Return the installed version of the server's first requirement; ours for Moorage."""
    if server.is_outside or not server.requirements:
        return f"moorage-server {version('moorage-server')}"
    name = server.requirements[0].split("[")[0].split("=")[0]
    question = f"import importlib.metadata as m; print(m.version({name!r}))"
    answer = subprocess.run([python, "-c", question], capture_output=True, text=True, check=True, timeout=60)
    return f"{name} {answer.stdout.strip()}"


def model_dir_for(server: Server, python: Path) -> Path:
    """Return a folder with ridge_model.pkl, trained by the interpreter that will load it."""
    # Inside the environment: made anew, it takes a model of other versions with it.
    target = PEERS / server.peer / "models"
    if not (target / "ridge_model.pkl").exists() or not server.requirements:
        _execute([python, TRAIN, target])
    return target


def _execute(command: list[object]) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"status {done.returncode}"]
        raise CannotBeInstalled("\n".join(lines[-15:]))
