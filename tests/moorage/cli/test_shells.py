"""Completion as shells do it: the scripts are loaded by real ones, and asked."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from moorage.cli import shells
from moorage.cli.main import main
from moorage.workspace import Workspace

# Completes each line and prints what was found, separated by blanks.
ASK = """
source script
try() {
  local IFS=$' \\t\\n'
  COMP_WORDS=($1); [[ $1 == *" " ]] && COMP_WORDS+=("")
  COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 )); COMPREPLY=()
  _moor_completion moor
  echo "${COMPREPLY[*]}"
}
complete -p moor
"""


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["--show-completion", shell])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_bash_completes_commands_flags_and_names(
    place: Path,
    answer: Callable[..., Any],
    model_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Workspace.create("ocean").close()
    answer("model", "register", "-n", "diabetes", "-p", str(model_path))
    capsys.readouterr()
    (place / "script").write_text(script("bash", capsys))
    (place / "moor").write_text(f'#!/bin/sh\nexec {sys.executable} -m moorage.cli "$@"\n')
    (place / "moor").chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    lines = {
        "moor mod": "model",
        "moor model up": "update",
        "moor model list --lat": "--latest",
        "moor ml model show -n dia": "diabetes",
        "moor service update -m ": "diabetes:1",
        "moor workspace show -w o": "ocean",
    }
    asked = ASK + "".join(f"try '{line}'\n" for line in lines)
    done = subprocess.run(
        ["bash", "--norc", "-c", asked], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["complete -o default -F _moor_completion moor", *lines.values()]


@pytest.mark.parametrize("shell", shells.SHELLS)
def test_scripts_are_well_formed(shell: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(shell, capsys)
    assert "_MOOR_COMPLETE" in text
    assert "moor" in text
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (place / "script").write_text(text)
    done = subprocess.run([shell, "-n", "script"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_script_is_installed_for_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SystemExit):
        main(["--install-completion=fish"])
    assert str(tmp_path) in capsys.readouterr().out
    assert "_MOOR_COMPLETE" in (tmp_path / ".config/fish/completions/moor.fish").read_text()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    with pytest.raises(SystemExit) as ended:
        main(["--install-completion", "fish"])
    assert ended.value.code == 1
    assert "cannot be written" in capsys.readouterr().err


def test_another_shell_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--show-completion", "tcsh"])
    assert ended.value.code == 2
    assert "bash, zsh, fish, not for 'tcsh'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("moor ml model li", "moor model li"), ("moor ml", "moor ml"), ("moor model", "moor model")],
)
def test_the_old_prefix_is_dropped(typed: str, expected: str) -> None:
    words = {
        "_MOOR_COMPLETE": "complete_bash",
        "COMP_WORDS": typed.replace(" ", "\n"),
        "COMP_CWORD": str(len(typed.split()) - 1),
        "_TYPER_COMPLETE_ARGS": typed,
    }
    shells.drop_old_prefix(words)
    assert words["_TYPER_COMPLETE_ARGS"] == words["COMP_WORDS"].replace("\n", " ") == expected
    assert int(words["COMP_CWORD"]) == len(expected.split()) - 1
    untouched = {"COMP_WORDS": "moor\nml\nx", "COMP_CWORD": "2"}
    shells.drop_old_prefix(untouched)
    assert untouched == {"COMP_WORDS": "moor\nml\nx", "COMP_CWORD": "2"}
