"""Signals, closed pipes, terminals: ``moor`` as a process among others."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MOOR = [sys.executable, "-m", "moorage.cli"]


@pytest.fixture
def large_file(place: Path) -> Path:
    path = place / "large.bin"
    with path.open("wb") as file:
        file.truncate(1_500_000_000)  # a hole: takes no space, but its copy takes a while
    return path


@pytest.mark.parametrize(("kind", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_registration_leaves_nothing(
    moor: Callable[..., Any], home: Path, large_file: Path, kind: signal.Signals, code: int
) -> None:
    assert moor("model", "list").returncode == 0  # makes workspace and database
    blobs = home / "workspaces" / "default" / "blobs"
    child = subprocess.Popen(
        [*MOOR, "model", "register", "-n", "m", "-p", str(large_file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not any((blobs / "incoming").glob("*")):
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.002)
    child.send_signal(kind)
    stdout, stderr = child.communicate(timeout=60)
    assert (child.returncode, stdout) == (code, "")
    assert "Traceback" not in stderr
    if kind is signal.SIGINT:
        assert "Interrupted; what was not finished is undone." in stderr
    assert [path for path in blobs.rglob("*") if path.is_file()] == []
    assert moor("model", "list", "--query", "length(@)").stdout == "0\n"


def test_output_into_a_closed_pipe_ends_quietly(moor: Callable[..., Any]) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    result = subprocess.run(
        [*MOOR, "workspace", "list", "--help"], check=False, stdout=theirs, stderr=subprocess.PIPE, text=True
    )
    os.close(theirs)
    assert "Traceback" not in result.stderr
    assert "Exception" not in result.stderr


def test_large_files_show_a_bar_on_terminals_only(
    moor: Callable[..., Any], on_terminal: Callable[..., tuple[int, str]], place: Path
) -> None:
    for name, size_bytes in (("large.bin", 60 * 1024 * 1024), ("small.bin", 1000)):
        with (place / name).open("wb") as file:
            file.truncate(size_bytes)
    code, shown = on_terminal("model", "register", "-n", "m", "-p", "large.bin", "-o", "none")
    assert code == 0
    assert "Registering m" in shown
    assert on_terminal("model", "register", "-n", "m", "-p", "small.bin", "-o", "none") == (0, "")
    code, shown = on_terminal("model", "download", "-i", "m:1", "-t", "to", "-o", "none")
    assert "Downloading m:1" in shown
    assert moor("model", "download", "-i", "m:1", "-t", "elsewhere").stderr == ""


def test_version_and_help_and_no_arguments(moor: Callable[..., Any]) -> None:
    version = moor("--version")
    assert (version.returncode, version.stderr) == (0, "")
    assert version.stdout.startswith("moor ")
    assert moor("-V").stdout == moor("ml", "--version").stdout == version.stdout
    for arguments in (["--help"], ["-h"], ["model", "-h"]):
        shown = moor(*arguments)
        assert shown.returncode == 0
        assert "Usage: moor" in shown.stdout
    assert "Usage: moor" in moor().stdout + moor().stderr


def test_the_version_needs_no_library() -> None:
    program = (
        "import sys\nfrom moorage.cli.main import main\n"
        "try:\n    main(['--version'])\nexcept SystemExit:\n    pass\n"
        "sys.exit(any(name in sys.modules for name in ('typer', 'rich', 'sqlalchemy', 'pydantic')))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_looking_at_models_needs_no_service_and_no_server() -> None:
    program = (
        "import sys\nfrom moorage.cli.main import main\n"
        "try:\n    main(['model', 'list'])\nexcept SystemExit:\n    pass\n"
        "heavy = ('moorage.services', 'moorage_server', 'alembic', 'httpx', 'yaml', 'rich', 'obstore')\n"
        "main_again = [name for name in heavy if name in sys.modules]\n"
        "sys.exit(', '.join(main_again) or 0)\n"
    )
    subprocess.run([*MOOR, "model", "list"], check=True, capture_output=True)
    result = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("moor mod", "model"), ("moor model re", "register"), ("moor service get-k", "get-keys")],
)
def test_completion_of_the_shell(moor: Callable[..., Any], typed: str, offered: str) -> None:
    variables = {
        **os.environ,
        "_MOOR_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
    }
    assert moor(env=variables).stdout.split() == offered.split()


def test_serving_a_script_in_the_foreground(place: Path) -> None:
    import urllib.request

    (place / "score.py").write_text("def init(): pass\ndef run(data): return 'served ' + data\n")
    child = subprocess.Popen(
        [*MOOR, "serve", "score.py", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert child.stdout is not None
        line = child.stdout.readline()
        assert line.startswith(f"Serving {place / 'score.py'} at http://127.0.0.1:")
        address = line.split(" at ")[1].split(" ")[0]
        request = urllib.request.Request(address, b"text", {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            assert response.read() == b'"served text"'
    finally:
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("nothing.py", "nothing.py does not exist"),
        ("score.py --model-dir nothing", "folder nothing does not"),
    ],
)
def test_serving_what_is_not_there_is_refused(
    moor: Callable[..., Any], place: Path, arguments: str, message: str
) -> None:
    (place / "score.py").touch()
    result = moor("serve", *arguments.split())
    assert result.returncode == 1
    assert message in result.stderr


def test_a_missing_argument_file_is_a_usage_error(moor: Callable[..., Any]) -> None:
    result = moor("service", "run", "-n", "svc", "-d", "@nothing.json")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: the file of the argument @nothing.json cannot be read")
