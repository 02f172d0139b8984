"""Pythons that uv downloads, from a list and an archive of the test's own."""

import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from moorage.environments import choosing, interpreters
from moorage.environments.conda import CondaSpecification
from moorage.environments.downloads import MODE_VARIABLE
from moorage.environments.wanted import translate
from moorage.errors import InterpreterNotFound, InvalidConfiguration

RELEASE = ".".join(map(str, sys.version_info[:3]))
MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site with the Python of the tests under the release that is asked for; none but it is known here."""
    monkeypatch.setenv("MOORAGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(MODE_VARIABLE, "automatic")
    monkeypatch.setattr(interpreters, "_from_pyenv", lambda: iter(()))
    monkeypatch.setattr(interpreters, "_from_uv", lambda: iter(()))
    monkeypatch.setattr(interpreters, "this_python", lambda: interpreters.Python(Path("/none"), (3, 99, 0)))
    folder = tmp_path / "python"
    (folder / "bin").mkdir(parents=True)
    (folder / "lib" / f"python{MINOR}").mkdir(parents=True)
    (folder / "lib" / f"python{MINOR}" / "_sysconfigdata__linux_.py").write_text(
        "# system configuration generated and used by the sysconfig module\nbuild_time_vars = {}\n"
    )
    # Enough of an installation for uv: it starts the interpreter once.
    (folder / "bin" / f"python{MINOR}").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (folder / "bin" / f"python{MINOR}").chmod(0o755)
    (folder / "bin" / "python3").symlink_to(f"python{MINOR}")
    (folder / "bin" / "python").symlink_to("python3")
    archive = tmp_path / "python.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, "python")
    machine = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
    listed = tmp_path / "list.json"

    def publish(digest: str = "") -> None:
        entry = {
            "name": "cpython",
            "arch": {"family": machine[platform.machine().lower()], "variant": None},
            "os": "linux",
            "libc": "gnu",
            "major": sys.version_info[0],
            "minor": sys.version_info[1],
            "patch": sys.version_info[2],
            "prerelease": "",
            "url": archive.as_uri(),
            "sha256": digest or hashlib.sha256(archive.read_bytes()).hexdigest(),
            "variant": None,
            "build": "20260101",
        }
        listed.write_text(json.dumps({f"cpython-{RELEASE}-linux-x86_64-gnu": entry}))

    publish()
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS_JSON_URL", listed.as_uri())
    return publish


def wanted(python: str):
    return translate(CondaSpecification(packages=(f"python={python}",)))


@pytest.mark.skipif(sys.platform != "linux", reason="the list of the test is for Linux")
@pytest.mark.parametrize("asked", [MINOR, RELEASE, f"{MINOR}.99"])
def test_a_python_that_is_not_here_is_downloaded_once(site, tmp_path, asked):
    choice = choosing.find_python(wanted(asked))
    assert choice is not None
    assert choice.python.release == RELEASE
    assert bool(choice.notice) is asked.endswith(".99")
    assert tmp_path / "home" / "pythons" in choice.python.path.parents
    said = subprocess.run(
        [choice.python.path, "-c", "print('works')"], capture_output=True, text=True, check=True
    )
    assert said.stdout == "works\n"
    shutil.rmtree(tmp_path / "python")
    (tmp_path / "python.tar.gz").unlink()
    assert choosing.find_python(wanted(asked)) == choice


def test_nothing_is_downloaded_unless_that_is_allowed(site, monkeypatch, tmp_path):
    monkeypatch.delenv(MODE_VARIABLE)
    with pytest.raises(InterpreterNotFound, match=f"{MODE_VARIABLE}=automatic, and uv downloads it"):
        choosing.find_python(wanted(MINOR))
    assert not (tmp_path / "home" / "pythons").exists()


def test_what_uv_cannot_bring_is_said(site):
    with pytest.raises(InterpreterNotFound, match=r"python=3\.77 is asked for.*uv says: .*3\.77"):
        choosing.find_python(wanted("3.77"))
    with pytest.raises(InterpreterNotFound) as caught:
        choosing.find_python(wanted("3.6"))  # uv has none so old
    assert MODE_VARIABLE not in str(caught.value)


def test_a_damaged_download_is_refused_and_leaves_no_python(site, tmp_path):
    site("0" * 64)
    with pytest.raises(InterpreterNotFound, match=r"uv says: .*[Hh]ash mismatch"):
        choosing.find_python(wanted(MINOR))
    assert list((tmp_path / "home" / "pythons").glob("cpython-3.*")) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the list of the test is for Linux")
def test_an_installation_that_was_broken_off_is_made_anew(site, tmp_path):
    first = choosing.find_python(wanted(MINOR)).python
    installation = first.path.parents[1]
    (installation / "moorage-complete").unlink()
    (installation / "bin" / f"python{MINOR}").write_text("half of a progr")
    assert list(interpreters._downloaded()) == []
    assert choosing.find_python(wanted(MINOR)).python == first
    subprocess.run([first.path, "-c", ""], check=True)


def test_a_place_that_cannot_be_written_is_said(site, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "pythons").write_text("a file")
    with pytest.raises(InterpreterNotFound, match=r"cannot be downloaded to .*pythons"):
        choosing.find_python(wanted(MINOR))


def test_another_word_than_automatic_or_never_is_refused(site, monkeypatch):
    monkeypatch.setenv(MODE_VARIABLE, "yes")
    with pytest.raises(InvalidConfiguration, match="yes is neither automatic nor never"):
        choosing.find_python(wanted(MINOR))
