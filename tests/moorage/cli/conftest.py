"""Ways to run ``moor``: in this process, in a process of its own, and on a terminal."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from moorage.cli.app import app
from moorage.cli.arguments import normalise

MOOR = [sys.executable, "-m", "moorage.cli"]


@pytest.fixture(autouse=True)
def place(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and an empty current folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    return folder


@pytest.fixture
def invoke() -> Callable[..., Any]:
    """Run ``moor`` in this process: quick. The result has stdout, stderr, exit_code."""

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, normalise(arguments), prog_name="moor")

    return run


@pytest.fixture
def answer(invoke: Callable[..., Any]) -> Callable[..., Any]:
    """Run ``moor`` in this process and return its JSON answer; the command must succeed."""

    def run(*arguments: str) -> Any:
        result = invoke(*arguments)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


@pytest.fixture
def moor() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``moor`` as users do, in a process of its own."""

    def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*MOOR, *arguments], check=False, capture_output=True, text=True, timeout=120, **options
        )

    return run


@pytest.fixture
def on_terminal() -> Callable[..., tuple[int, str]]:
    """Run ``moor`` with a terminal for all three streams; return exit code and what it showed."""

    def run(*arguments: str, **variables: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", **variables}
        for name in ("NO_COLOR", "FORCE_COLOR"):
            if name not in variables:
                environment.pop(name, None)
        with subprocess.Popen(
            [*MOOR, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        ) as child:
            os.close(theirs)
            shown = b""
            while True:
                try:
                    piece = os.read(ours, 65536)
                except OSError:  # the other end is closed: it has ended
                    break
                if not piece:
                    break
                shown += piece
            os.close(ours)
            return child.wait(60), shown.decode()

    return run


@pytest.fixture
def model_path(place: Path) -> Path:
    path = place / "model.pkl"
    path.write_bytes(b"a trained model")
    return path


@pytest.fixture
def delete_services(moor: Callable[..., Any]) -> Iterator[None]:
    """Leave no service behind, whatever the test did."""
    yield
    listed = moor("service", "list", "--query", "[].name", "-o", "json")
    for name in json.loads(listed.stdout or "[]"):
        moor("service", "delete", "-n", name)
