"""What the set-up decides, and what it says when it cannot go on."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def set_up(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("set_up")


@pytest.fixture
def elsewhere(set_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of the set-up is in a temporary folder."""
    monkeypatch.setattr(set_up, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(set_up, "VENV_PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(set_up, "STAMP", tmp_path / ".venv" / "moorage-set-up")
    monkeypatch.setattr(set_up, "CACHE", tmp_path / ".cache")
    return tmp_path


def test_settings_of_pip_are_read_with_variables_first(set_up: ModuleType) -> None:
    listing = "\n".join(
        [
            "global.cert='/etc/general.pem'",
            "global.index-url='http://mirror.test/simple'",
            "install.cert='/etc/install.pem'",
            ":env:.index-url='http://variable.test/simple'",
            "freeze.timeout='10'",
            "a line that is no setting",
            "global.broken='unfinished",
        ]
    )
    assert set_up.read_pip_settings(listing) == {
        "cert": "/etc/install.pem",
        "index-url": "http://variable.test/simple",
    }


def test_uv_is_told_what_pip_was_told(set_up: ModuleType) -> None:
    settings = {
        "index-url": "http://mirror.test/simple",
        "extra-index-url": "http://one.test/simple\nhttp://two.test/simple",
        "find-links": "/wheels /more",
        "cert": "/etc/ca.pem",
        "default-timeout": "180",
        "disable-pip-version-check": "1",
    }
    assert set_up.uv_environment(settings, {}) == {
        "UV_DEFAULT_INDEX": "http://mirror.test/simple",
        "UV_EXTRA_INDEX_URL": "http://one.test/simple http://two.test/simple",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "SSL_CERT_FILE": "/etc/ca.pem",
        "UV_HTTP_TIMEOUT": "180",
    }


def test_what_is_set_for_uv_stays(set_up: ModuleType) -> None:
    settings = {"index-url": "http://pip.test/simple", "cert": "/pip.pem", "proxy": "http://pip.test:1"}
    environ = {
        "UV_INDEX_URL": "http://uv.test/simple",
        "SSL_CERT_FILE": "/uv.pem",
        "https_proxy": "http://p:1",
    }
    assert set_up.uv_environment(settings, environ) == {}


def test_nothing_is_set_when_pip_has_no_settings(set_up: ModuleType) -> None:
    assert set_up.uv_environment(set_up.read_pip_settings(""), {}) == {}


def test_the_block_of_one_package(set_up: ModuleType) -> None:
    lock = (
        "ruff==1.0 \\\n    --hash=sha256:aa\n    # via x\n"
        "uv==0.13.8 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n    # via moorage\nuvicorn==2 \\\n"
    )
    assert set_up.locked_block("uv", lock) == "uv==0.13.8 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
    with pytest.raises(ValueError, match="make lock"):
        set_up.locked_block("pip", lock)


def test_only_a_stamp_with_the_right_digest_means_done(set_up: ModuleType, elsewhere: Path) -> None:
    assert not set_up.is_done("abc")
    set_up.VENV_PYTHON.parent.mkdir(parents=True)
    set_up.VENV_PYTHON.symlink_to(sys.executable)
    assert not set_up.is_done("abc")
    set_up.STAMP.write_text("abc\n")
    assert set_up.is_done("abc")
    assert not set_up.is_done("other")
    set_up.VENV_PYTHON.unlink()
    set_up.VENV_PYTHON.symlink_to(elsewhere / "gone")
    assert not set_up.is_done("abc")


def test_an_environment_without_a_stamp_is_made_anew(
    set_up: ModuleType, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(set_up, "run", lambda command, _environment: commands.append(command))
    set_up.VENV_PYTHON.parent.mkdir(parents=True)
    set_up.VENV_PYTHON.symlink_to(sys.executable)
    set_up.make_environment()
    assert [command[1:4] for command in commands] == [["-m", "venv", "--clear"]]
    commands.clear()
    set_up.STAMP.write_text("of another state\n")
    set_up.make_environment()
    assert commands == []


def test_a_failed_installation_leaves_no_stamp(
    set_up: ModuleType, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(command: list[str], _environment: object) -> None:
        raise subprocess.CalledProcessError(7, command)

    set_up.VENV_PYTHON.parent.mkdir(parents=True)
    set_up.VENV_PYTHON.symlink_to(sys.executable)
    set_up.STAMP.write_text("of another state\n")
    monkeypatch.setattr(set_up, "run", fail)
    monkeypatch.setattr(set_up, "install_uv", lambda: None)
    assert set_up.main() == 1
    assert not set_up.STAMP.exists()
    assert "ended with status 7" in capfd.readouterr().err


def test_a_second_run_neither_prints_nor_asks_the_network(root: Path) -> None:
    if not (root / ".venv" / "moorage-set-up").exists():
        pytest.skip("this checkout was not set up by make setup")
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9", "UV_DEFAULT_INDEX": "http://127.0.0.1:9"}
    command = [root / ".venv" / "bin" / "python", root / "scripts" / "set_up.py"]
    done = subprocess.run(
        command, env={**os.environ, **nowhere}, capture_output=True, text=True, check=False, timeout=60
    )
    if "setting up" in done.stdout:
        pytest.skip("the definition of the environment has changed since make setup")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("version", ["3.6", "3.8", "3.9"])
def test_an_old_python_gets_a_message(root: Path, version: str) -> None:
    found = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    if not found:
        pytest.skip(f"pyenv has no Python {version}")
    done = subprocess.run(
        [found[-1], root / "scripts" / "set_up.py"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "needs Python 3.10 or later" in done.stderr
    assert f" is {version}." in done.stderr
    assert "make PYTHON=" in done.stderr


def test_a_python_without_venv_gets_a_message(
    set_up: ModuleType, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        set_up.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object()
    )
    with pytest.raises(SystemExit, match="without the module ensurepip"):
        set_up.make_environment()
