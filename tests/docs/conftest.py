"""Turns a page into one shell script: what a reader would type, in the order of the page.

Blocks and what becomes of them::

    ```sh               typed in a terminal that stays open over the whole page
    ```sh serve         typed in another terminal; it has to answer, and ends before the next one
    ```python           run
    ```python NAME      saved as NAME in the current folder; likewise ```json NAME
    anything else       shown to the reader only
"""

import re
import shlex
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from moorage import services

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w+)(?: +(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORTS = ("8890", "8891")  # the ports of all pages; free ones take their place

PRELUDE = """
set -euo pipefail
server=
stop_server() {
  if [ -z "$server" ]; then return; fi
  kill "$server" 2>/dev/null || true
  wait "$server" || true
  server=
}
trap stop_server EXIT
make() {
  # This is `make test` already, and measuring takes longer than a test may.
  case "$*" in
    *test*|*bench*|*setup*|*check*|*format*) command make -C "$checkout" --dry-run "$@" ;;
    *) command make -C "$checkout" "$@" ;;
  esac
}
"""


def script_of(page: str) -> str:
    """Return the shell script for the text of a page."""
    parts = [PRELUDE]
    for language, argument, content in BLOCK.findall(page):
        if language == "sh" and argument == "serve":
            port = content.split("--port ")[1].split()[0]
            parts.append(f"stop_server\n{content.strip()} &\nserver=$!")
            # Whatever it answers, it is there.
            parts.append(
                f"curl --silent --retry 60 --retry-delay 1 --retry-connrefused http://127.0.0.1:{port}/"
            )
        elif language == "sh":
            parts.append(content)
        elif argument:
            parts.append(f"cat > {shlex.quote(argument)} <<'END-OF-BLOCK'\n{content}END-OF-BLOCK")
        elif language == "python":
            parts.append(f"python - <<'END-OF-BLOCK'\n{content}END-OF-BLOCK")
    return "\n".join(parts) + "\n"


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


@pytest.fixture
def read_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], str]]:
    """Return a function that does what a page says, in a copy of the checkout, and returns all output."""
    for program in ("bash", "curl", "make"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    checkout, home = tmp_path / "checkout", tmp_path / "home"
    checkout.mkdir()
    (checkout / ".venv").symlink_to(ROOT / ".venv")
    shutil.copytree(
        ROOT / "examples", checkout / "examples", ignore=shutil.ignore_patterns("__pycache__", "*.pkl")
    )
    monkeypatch.setenv("MOORAGE_HOME", str(home))
    for name in ("MOORAGE_WORKSPACE", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL"):
        monkeypatch.delenv(name, raising=False)

    def follow(page: Path) -> str:
        text = f"checkout={shlex.quote(str(ROOT))}\n{script_of(page.read_text())}"
        old_code = checkout / "examples" / "diabetes" / "azure_ml_v1.py"
        for port in PORTS:
            free = free_port()
            text = text.replace(port, free)
            old_code.write_text(old_code.read_text().replace(port, free))
        script = tmp_path / "page.sh"
        script.write_text(text)
        done = subprocess.run(
            ["bash", "-x", script],
            cwd=checkout,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 0, f"{page.name} does not work as written:\n{done.stdout[-6000:]}"
        return done.stdout

    yield follow
    # Processes of a service know nothing of the home; their folders do.
    services.down(home)
    left = [process for process in psutil.process_iter() if belongs_to(process, home)]
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=10)


def belongs_to(process: psutil.Process, home: Path) -> bool:
    try:
        return process.environ().get("MOORAGE_HOME") == str(home)
    except (psutil.Error, OSError):
        return False
