"""The short form of ``make chaos``, for every change; the long one has a minute for each fault."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# One of each kind. What is not here has tests of its own, or needs the long form to say something.
FAULTS = (
    "update",
    "roll_back",
    "change_keys",
    "renew_certificate",
    "kill_worker",
    "kill_front",
    "kill_supervisor",
    "kill_command",
    "full_disk",
    "damaged_blob",
    "truncated_database",
    "clock_set_back",
)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform != "linux", reason="kills processes by what /proc says of them")
def test_nothing_is_lost() -> None:
    command = [sys.executable, "-m", "tests.chaos", "--quick", *FAULTS]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=580, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    last = ran.stdout.splitlines()[-1]
    found = re.search(r"requests sent: (\d+), failed: (\d+), reset: (\d+) .*things lost: (\d+)", last)
    assert found is not None, last
    sent, _failed, _reset, lost = map(int, found.groups())
    assert sent > 500
    assert lost == 0
