import re
import shutil
import subprocess
from pathlib import Path

import pytest

TARGETS = {"help", "setup", "demo", "test", "lint", "types", "imports", "check", "bench", "format", "clean"}


@pytest.fixture(scope="module")
def helped(root: Path) -> str:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    done = subprocess.run(["make"], cwd=root, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_make_alone_lists_every_target(root: Path, helped: str) -> None:
    listed = set(re.findall(r"^  ([a-z-]+) ", helped, re.MULTILINE))
    defined = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
    assert listed == defined
    assert listed >= TARGETS


def test_every_target_is_phony(root: Path, helped: str) -> None:
    declared = re.search(r"^\.PHONY: (.*)$", (root / "Makefile").read_text(), re.MULTILINE)
    assert declared
    assert set(declared.group(1).split()) == set(re.findall(r"^  ([a-z-]+) ", helped, re.MULTILINE))


@pytest.mark.parametrize("script", ["check", "lock", "test", "with-postgres", "../.ci/run"])
def test_shell_scripts_are_executable_and_parse(root: Path, script: str) -> None:
    path = root / "scripts" / script
    assert path.stat().st_mode & 0o111
    assert "set -euo pipefail" in path.read_text()
    subprocess.run(["bash", "-n", path], check=True, timeout=10)


def test_the_command_of_with_postgres_decides_its_status(root: Path) -> None:
    script = root / "scripts" / "with-postgres"
    done = subprocess.run(
        [script, "bash", "-c", "exit 3"], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 3, done.stderr
