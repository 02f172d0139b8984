"""A live service with an entry script of the old imports."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

START_S = 60


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], AbstractContextManager[str]]:
    """Return a context manager that serves the text of an entry script and gives its address."""

    @contextlib.contextmanager
    def served(script: str) -> Iterator[str]:
        folder = tmp_path_factory.mktemp("service")
        (folder / "score.py").write_text(textwrap.dedent(script), encoding="utf-8")
        log = folder / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(Path(sys.executable).parent / "moor"), "serve", "score.py", "--port", "0"],
                cwd=folder,
                env={**os.environ, "MOORAGE_HOME": str(folder / "home")},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield wait_until_healthy(process, log)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)

    return served


def wait_until_healthy(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """Return the address that the server printed, once it answers there."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text(encoding="utf-8", errors="replace"))
        if found:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(found.group(), timeout=5).close()
                return found.group()
        time.sleep(0.05)
    raise AssertionError(f"the service did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")
