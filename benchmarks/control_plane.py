"""How long a user waits: for a deployment, and for the registration of a large model."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx

from benchmarks.environments import TRAIN
from benchmarks.servers.base import REPOSITORY

EXAMPLE = REPOSITORY / "examples" / "diabetes"
MOOR = Path(sys.executable).parent / "moor"
SCORING_TIMEOUT_S = 60.0
MB = 1_000_000


def deployment_s(repeats: int) -> list[float]:
    """Return the seconds from the start of `moor model deploy` to the first scored request, each time."""
    with _home() as home:
        subprocess.run([sys.executable, TRAIN, home], check=True)
        _moor("model", "register", "-n", "ridge", "-p", home / "ridge_model.pkl")
        return [_deploy_once(f"bench-{number}") for number in range(repeats)]


def _deploy_once(name: str) -> float:
    files = ("--ic", "inferenceconfig.json", "--dc", "deploymentconfig.json")
    started = time.perf_counter()
    deployed = json.loads(_moor("model", "deploy", "-n", name, "-m", "ridge:1", *files, "-o", "json"))
    try:
        answer = httpx.post(
            deployed["scoringUri"],
            content=(EXAMPLE / "rows.json").read_bytes(),
            headers={"Content-Type": "application/json"},
            timeout=SCORING_TIMEOUT_S,
        )
        answer.raise_for_status()
        return time.perf_counter() - started
    finally:
        _moor("service", "delete", "-n", name)


def registration_s(size_bytes: int, repeats: int) -> tuple[float, float]:
    """Return the median seconds to register a file of random bytes, and those of ``sha256sum`` plus ``cp``.

    Both read the file from the page cache and end when the copy is on the disk.
    """
    from moorage import models
    from moorage.workspace import Workspace

    ours: list[float] = []
    theirs: list[float] = []
    with _home() as home:
        workspace = Workspace.create("bench", home=home)
        try:
            for number in range(repeats):
                source = home / "model.bin"
                _write_random(source, size_bytes)
                copy = home / "copy.bin"
                started = time.perf_counter()
                subprocess.run(["sha256sum", source], check=True, stdout=subprocess.DEVNULL)
                subprocess.run(["cp", source, copy], check=True)
                _sync(copy)
                theirs.append(time.perf_counter() - started)
                copy.unlink()
                started = time.perf_counter()
                model = models.register(workspace, source, f"large-{number}")
                ours.append(time.perf_counter() - started)
                models.delete(workspace, model)
                source.unlink()
        finally:
            workspace.close()
    return median(ours), median(theirs)


def _write_random(path: Path, size_bytes: int) -> None:
    """Write bytes that differ each time: a file that is known already would not be stored again."""
    block = os.urandom(min(size_bytes, 8 * MB))
    with path.open("wb") as file:
        written = 0
        while written < size_bytes:
            piece = hashlib.sha256(block[:64] + str(written).encode()).digest() + block
            piece = piece[: size_bytes - written]
            written += file.write(piece)
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _home() -> Iterator[Path]:
    # Beside the repository's caches and not in /tmp, which may be memory.
    cache = REPOSITORY / ".cache"
    cache.mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="bench-", dir=cache))
    before = os.environ.get("MOORAGE_HOME")
    os.environ["MOORAGE_HOME"] = str(home)
    try:
        yield home
    finally:
        if before is None:
            del os.environ["MOORAGE_HOME"]
        else:
            os.environ["MOORAGE_HOME"] = before
        shutil.rmtree(home, ignore_errors=True)


def _moor(*arguments: object) -> str:
    words = [str(MOOR), *map(str, arguments)]
    done = subprocess.run(
        words, cwd=EXAMPLE, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise RuntimeError(f"moor {' '.join(words[1:3])} failed: {done.stderr.strip()}")
    return done.stdout
