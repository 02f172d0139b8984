"""``az`` for old scripts: typed in a real shell, beside a real Azure CLI and without one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from azureml._az import command, defaults
from azureml._az.answers import answer
from azureml._az.main import is_about_our_extension
from azureml._az.script import MARK, is_ours, script_text
from moorage.cli.app import app

REAL = '#!/bin/sh\necho real "$@"\nexit 7\n'


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, an empty project, no settings of an Azure CLI, and a PATH of system folders."""
    folder = tmp_path / "my project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("MOORAGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "bin"), "/usr/bin", "/bin"]))
    for name in list(os.environ):
        if name.startswith("AZURE_") or name in {"MOORAGE_WORKSPACE", "MOORAGE_OUTPUT"}:
            monkeypatch.delenv(name)
    return folder


@pytest.fixture
def bin_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


@pytest.fixture
def install(bin_dir: Path) -> Callable[..., Any]:
    def run(*more: str, folder: Path = bin_dir) -> Any:
        return CliRunner().invoke(app, ["install-az-shim", "--bin-dir", str(folder), *more])

    return run


@pytest.fixture
def bash() -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Type a line into a shell that knows the ``az`` of the test only."""

    def run(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", "-c", line], capture_output=True, text=True, timeout=120, check=False
        )

    return run


def real_cli(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "az"
    path.write_text(REAL)
    path.chmod(0o755)
    return path


def test_az_ml_is_answered_in_a_shell(install: Any, bash: Any, place: Path) -> None:
    assert install().exit_code == 0
    (place / "model.pkl").write_bytes(b"trained")
    # A project may have files with the names of modules.
    (place / "moorage.py").write_text("raise SystemExit('the wrong file')")
    (place / "json.py").write_text("raise SystemExit('the wrong file')")
    done = bash(
        "set -e; az login >/dev/null; az account set -s 1234; az extension add -n azure-cli-ml\n"
        "az ml workspace create -w ocean -g harbour -o none\n"
        "az configure --defaults workspace_name=ocean group=harbour\n"
        "az ml model register -n mymodel -p model.pkl --tag 'a=b c'"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tags"] == {"a": "b c"}
    assert done.stderr.count("Nothing is needed") == 3


def test_everything_else_goes_to_the_azure_cli(
    install: Any, bash: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = real_cli(tmp_path / "real")
    monkeypatch.setenv("PATH", os.pathsep.join([os.environ["PATH"], str(real.parent)]))
    made = json.loads(install().stdout)
    assert made["isFoundFirst"] is True
    assert made["azureCli"] == str(real)
    done = bash("az storage blob list -c 'a b'; az extension add -n azure-cli-ml; az account show")
    assert done.stdout == "real storage blob list -c a b\nreal account show\n"
    assert done.returncode == 7
    assert "Nothing is needed: azure-cli-ml" in done.stderr


def test_without_an_azure_cli_the_rest_is_refused(install: Any, bash: Any) -> None:
    install()
    done = bash("az storage blob list")
    assert (done.returncode, done.stdout) == (127, "")
    assert "'storage blob' is a matter of the Azure CLI, and none is on PATH" in done.stderr


def test_a_real_az_is_not_overwritten(install: Any, bin_dir: Path) -> None:
    real = real_cli(bin_dir)
    for more in ([], ["--uninstall"]):
        result = install(*more)
        assert result.exit_code == 2
        assert f"{real} is another program" in result.stderr
    assert real.read_text() == REAL
    real.unlink()
    (bin_dir / "az").symlink_to("nowhere")
    assert install().exit_code == 2


def test_it_is_put_in_place_again_and_removed(install: Any, bin_dir: Path) -> None:
    assert json.loads(install().stdout)["path"] == str(bin_dir / "az")
    assert install().exit_code == 0
    assert is_ours(bin_dir / "az")
    assert json.loads(install("--uninstall").stdout) == {"installed": False, "path": str(bin_dir / "az")}
    assert list(bin_dir.iterdir()) == []
    result = install("--uninstall")
    assert result.exit_code == 2
    assert "there is no" in result.stderr


def test_a_place_that_no_shell_looks_into_is_told(install: Any, tmp_path: Path) -> None:
    assert "is not in PATH; add it" in install(folder=tmp_path / "else where").stderr
    real_cli(tmp_path / "bin2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tmp_path / 'bin2'}:{tmp_path / 'bin'}")
        result = install()
    assert "a shell finds" in result.stderr
    assert json.loads(result.stdout)["isFoundFirst"] is False


def test_the_default_folder_is_that_of_moor(bin_dir: Path, tmp_path: Path) -> None:
    assert command.default_folder() == tmp_path / "user" / ".local" / "bin"
    moor = bin_dir / "moor"
    moor.write_text("#!/bin/sh\n")
    moor.chmod(0o755)
    assert command.default_folder() == bin_dir


def test_a_python_that_is_gone_is_told(bash: Any, bin_dir: Path) -> None:
    (bin_dir / "az").write_text(script_text("/no where/python"))
    (bin_dir / "az").chmod(0o755)
    done = bash("az ml model list")
    assert done.returncode == 127
    assert f"/no where/python, is not there any more; remove this file: {bin_dir / 'az'}" in done.stderr
    assert MARK in script_text(sys.executable)[:300]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("extension add -n azure-cli-ml", True),
        ("extension add --name=azure-cli-ml", True),
        ("extension remove -n azure-devops", False),
        ("extension list", False),
        ("acr show -n azure-cli-ml", False),
    ],
)
def test_our_extension_is_known_in_every_spelling(line: str, expected: bool) -> None:
    assert is_about_our_extension(line.split()) is expected


def test_answers_can_be_queried_like_all_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["account", "show", "--query", "name", "-o", "tsv"]) == 0
    assert capsys.readouterr().out == "local\n"
    assert answer(["account", "list", "-otable"]) == 0
    assert capsys.readouterr().out.split()[:2] == ["EnvironmentName", "Id"]
    assert answer(["extension", "list", "--query", "[].name", "--output=json"]) == 0
    assert json.loads(capsys.readouterr().out) == ["azure-cli-ml"]
    assert answer(["group", "create", "-n", "harbour", "-l", "westeurope"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "harbour"
    for line in ("account show -o xml", "account show --query [", "configure", "configure --defaults x"):
        assert answer(line.split()) == 2
    assert answer(["extension", "add", "-n", "azure-devops"]) == 127
    for line in ("", "--help", "--version", "version -o none", "login -u me -p secret", "cloud set -n x"):
        assert answer(line.split()) == 0
    assert "secret" not in capsys.readouterr().err


def test_defaults_are_read_where_the_azure_cli_keeps_them(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert defaults.setting("defaults", *defaults.WORKSPACE_KEYS) is None
    assert answer(["configure", "--defaults", "workspace=user", "group=g%1"]) == 0
    assert (tmp_path / "user" / ".azure" / "config").is_file()
    assert answer(["config", "set", "defaults.workspace=project", "--local"]) == 0
    assert (place / ".azure" / "config").is_file()
    assert defaults.setting("defaults", "workspace") == "project"
    assert answer(["configure", "--list-defaults", "-o", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {one["name"]: one["value"] for one in listed} == {"workspace": "project", "group": "g%1"}
    capsys.readouterr()
    assert answer(["configure", "--scope", "local", "--defaults", "workspace="]) == 0
    assert capsys.readouterr().err == "Forgotten: workspace.\n"
    assert answer(["config", "get", "defaults.workspace", "--query", "value"]) == 0
    assert json.loads(capsys.readouterr().out) == "user"
    assert answer(["config", "get", "defaults.nothing"]) == 2
    monkeypatch.setenv("AZURE_DEFAULTS_WORKSPACE", "variable")
    assert defaults.setting("defaults", "workspace") == "variable"
    (tmp_path / "user" / ".azure" / "config").write_text("this is [no ini file")
    assert defaults.all_defaults() == {}
