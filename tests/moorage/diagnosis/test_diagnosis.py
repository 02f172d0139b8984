"""What `moor doctor` finds on machines that lack something."""

import json
import os
import shutil
import socket
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from moorage.cli.app import app
from moorage.diagnosis import diagnose, machine, programs
from moorage.diagnosis.workspaces import check_workspace
from moorage.workspace import Workspace

Usage = namedtuple("Usage", ["total", "used", "free"])


@pytest.fixture(autouse=True)
def elsewhere(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOORAGE_WORKSPACE", raising=False)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Make a program and let it be the only one on PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def make(name: str, text: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    return make


def test_this_machine_is_looked_at_without_changing_it(home: Path) -> None:
    before = sorted(home.rglob("*"))
    checks = list(diagnose())
    assert sorted(home.rglob("*")) == before
    names = [check.name for check in checks]
    assert len(names) == len(set(names))
    wanted = ["Python", "uv", "home", "disk", "ports", "workspace", "container engine", "kubectl", "mlflow"]
    assert set(wanted) <= set(names)
    assert all(check.enables and check.found for check in checks)
    assert all(check.help for check in checks if check.state != "ok")


def test_the_workspace(home: Path) -> None:
    assert check_workspace(None).found.startswith("none yet")
    assert check_workspace("ocean").state == "fault"
    assert "moor workspace create -w ocean" in check_workspace("ocean").help
    Workspace.create("ocean").close()
    assert check_workspace(None).state == check_workspace("ocean").state == "ok"
    Workspace.create("lake").close()
    assert (check_workspace(None).state, check_workspace(None).found) == ("warning", "several: lake, ocean")
    (home / "workspaces" / "ocean" / "registry.db").write_bytes(b"this is no database" * 100)
    damaged = check_workspace("ocean")
    assert damaged.state == "fault"
    assert "ocean: database: " in damaged.found


def test_a_database_that_is_not_there_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    Workspace.create("ocean").close()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nothing listens there
        port = taken.getsockname()[1]
        monkeypatch.setenv("MOORAGE_DATABASE_URL", f"postgresql://ada:secret@127.0.0.1:{port}/moorage")
        pytest.importorskip("psycopg", reason="PostgreSQL needs moorage[postgres]")
        check = check_workspace("ocean")
    assert check.state == "fault"
    assert "secret" not in check.found + check.help


def test_engines_and_programs(program: Callable[[str, str], Path]) -> None:
    assert (programs.check_engine().state, programs.check_kubectl().state) == ("missing", "missing")
    program("docker", "echo 'Cannot connect to the daemon' >&2; exit 1")
    program("kubectl", "exit 3")
    engine = programs.check_engine()
    assert (engine.state, engine.found) == ("warning", "docker: Cannot connect to the daemon")
    assert programs.check_kubectl().found.endswith("it ends with 3")
    podman, kubectl = program("podman", "exit 0"), program("kubectl", "exit 0")
    assert programs.check_engine().found == f"podman, {podman}"
    assert programs.check_kubectl().found == str(kubectl)


def test_uv(program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    assert programs.check_uv().state == "fault"
    program("uv", "echo uv 9.9")
    assert programs.check_uv().found.startswith("uv 9.9, ")
    program("uv", "exit 1")
    assert programs.check_uv().state == "fault"


def test_optional_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "OPTIONAL", {"x": (("json", "no_such_module"), "xs", "pip install x")})
    (check,) = programs.check_packages()
    assert (check.state, check.found, check.help) == (
        "missing",
        "not installed: no_such_module",
        "pip install x",
    )


def test_distributions_of_different_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    assert programs.check_moorage().state == "ok"
    monkeypatch.setattr(programs, "version", lambda name: "2.0" if name == "moorage-server" else "1.0")
    assert programs.check_moorage().state == "fault"


@pytest.mark.parametrize(("free", "state"), [(5e9, "ok"), (1e9, "warning"), (1e8, "fault")])
def test_the_disk(monkeypatch: pytest.MonkeyPatch, free: float, state: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1, 1, free))
    assert machine.check_disk().state == state


def test_a_home_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MOORAGE_HOME", str(tmp_path / "file" / "home"))
    assert machine.check_home().state == "fault"
    monkeypatch.setenv("MOORAGE_HOME", str(tmp_path / "not" / "yet"))
    assert machine.check_home().found.endswith("made on first use")
    assert not (tmp_path / "not").exists()

    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    assert "No locks available" in machine.check_home().found


def test_a_taken_port_and_few_files(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(machine, "SERVE_PORT", taken.getsockname()[1])
        assert machine.check_ports().state == "warning"
    assert machine.check_ports().state == "ok"
    monkeypatch.setattr("resource.getrlimit", lambda which: (256, 4096))
    assert machine.check_open_files().help == "ulimit -n 4096"


def test_the_command_says_what_is_missing_and_fails_for_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "installed_pythons", list)
    monkeypatch.setenv("PATH", os.devnull)
    result = CliRunner().invoke(app, ["doctor", "-o", "json"])
    assert result.exit_code == 0, result.output
    kubectl = next(one for one in json.loads(result.stdout) if one["name"] == "kubectl")
    assert kubectl["state"] == "missing"
    shown = CliRunner().invoke(app, ["doctor", "-o", "table"]).stdout
    assert f"for {kubectl['enables']}" in shown
    assert CliRunner().invoke(app, ["doctor", "-w", "nowhere"]).exit_code == 1
