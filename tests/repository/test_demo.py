"""`make demo` ends without leaving a process, also when it is interrupted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

# Lines of the demo after which it is interrupted, each with a pause so that the work has begun.
MOMENTS = {
    "while training": ("== Train", 0.3),
    "while deploying": ("registered diabetes:1", 0.2),
    "while the first command runs": ("$ moor model register", 0.1),
    "while deploying on the command line": ("$ moor model deploy", 0.9),
    "while updating": ("$ moor service update", 0.8),
}


def start(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", root / "scripts" / "demo.py"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that an interrupt reaches the whole group, as Ctrl-C does
    )


def read_until(process: subprocess.Popen[str], beginning: str) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(beginning):
            return lines
    pytest.fail(f"the demo ended before {beginning!r}:\n{''.join(lines)}")


def processes_naming(home: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            named = home in process.environ().get("MOORAGE_HOME", "") or home in " ".join(process.cmdline())
        except (psutil.Error, OSError):
            continue
        if named:
            found.append(process)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_leaves_no_process_and_no_folder(root: Path, moment: str) -> None:
    beginning, pause_s = MOMENTS[moment]
    demo = start(root)
    try:
        lines = read_until(demo, beginning)
        time.sleep(pause_s)
        os.killpg(demo.pid, signal.SIGINT)
        output, _ = demo.communicate(timeout=60)
    finally:
        demo.kill()
    home = root / lines[0].split()[-1]
    assert home.name.startswith("demo-")
    assert demo.returncode == 130, output
    assert "Interrupted" in output
    assert "Traceback" not in output
    assert processes_naming(str(home)) == []
    assert not home.exists()
