"""Packages of conda channels in the files of an image: complete, equal each time, or refused beforehand."""

import json
import os
import shutil
import sys
import tarfile

import pytest

from moorage import packaging
from moorage.environments import CondaSpecification, DockerSpecification, Environment
from moorage.errors import EnvironmentBuildFailed, InvalidConfiguration
from moorage.packaging.dockerfile import Recipe

pytestmark = pytest.mark.usefixtures("offline")
MINOR = "{}.{}".format(*sys.version_info)


@pytest.fixture
def channel(new_channel):
    channel = new_channel("team")
    channel.add_python()
    activate = 'export SAIL_DATA="$CONDA_PREFIX/share/sail"\n'
    channel.add(
        "sail",
        files={"bin/sail": "#!PREFIX/bin/python\n", "etc/conda/activate.d/sail.sh": activate},
        links={"lib/libsail.so": "libsail.so.1"},
    )
    return channel


@pytest.fixture
def make(workspace, model, script, channel):
    def make(*packages, docker=None, **options):
        conda = CondaSpecification(channels=(channel.url,), packages=packages or ("sail",))
        config = script(environment=Environment("e", conda=conda, docker=docker))
        return packaging.package(workspace, [model], config, generate_dockerfile=True, **options)

    return make


def test_the_files_hold_what_the_channels_brought(make, channel, tmp_path):
    said = []
    made = make(on_line=said.append)
    assert any("sail==1.0" in line for line in said)
    with tarfile.open(made.context / "environment/conda.tar") as archive:
        entries = {entry.name: entry for entry in archive.getmembers()}
        archive.extractall(tmp_path, filter="tar")
    assert {entry.mtime for entry in entries.values()} == {315532800}
    assert {(entry.uid, entry.gid) for entry in entries.values()} == {(0, 0)}
    assert entries["environment/lib/libsail.so"].linkname == "libsail.so.1"
    assert (entries["environment/bin/sail"].mode, entries["environment/etc"].mode) == (0o755, 0o755)
    assert (tmp_path / "environment/bin/sail").read_text() == "#!/opt/environment/bin/python\n"
    record = json.loads((tmp_path / "environment/conda-meta/sail-1.0-0.json").read_text())
    assert (record["url"], record["channel"]) == ("sail-1.0-0.tar.bz2", "team")
    for path in (tmp_path / "environment").rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert str(channel.folder).encode() not in path.read_bytes(), path
    text = (made.context / "Dockerfile").read_text()
    assert f"ARG BASE_IMAGE=docker.io/library/python:{MINOR}-slim-bookworm" in text
    assert "ADD environment/conda.tar /opt/" in text
    assert "/opt/environment/bin/python -m ensurepip" in text
    assert 'SAIL_DATA="/opt/environment/share/sail"' in text
    assert 'PATH="/opt/environment/bin:/usr/local/sbin:' in text
    assert "sail-1.0-0.tar.bz2 sha256:" in (made.context / "environment/conda.txt").read_text()
    assert list((made.context / "environment").glob(".*")) == []


def test_equal_packages_give_equal_archives(make):
    one, other = (make().context / "environment/conda.tar" for _ in range(2))
    assert one.read_bytes() == other.read_bytes()


def test_what_cannot_come_into_an_image_is_refused_before_anything_is_made(
    make, workspace, tmp_path, monkeypatch
):
    with pytest.raises(InvalidConfiguration, match="conda packages sail come from channels, and the folder"):
        make(wheels=tmp_path)
    monkeypatch.setattr("moorage.packaging.conda_prefix.sys.platform", "darwin")
    with pytest.raises(InvalidConfiguration, match="images are Linux"):
        make()
    assert not (workspace.path / "packages").exists()


def test_a_package_that_was_changed_leaves_nothing(make, workspace, channel):
    make("sail")
    index = next(channel.folder.glob("*/sail-*")).with_name("repodata.json")
    known = index.read_text()
    channel.add("sail", files={"bin/sail": "evil"})
    index.write_text(known)
    shutil.rmtree(os.environ["RATTLER_CACHE_DIR"])
    with pytest.raises(EnvironmentBuildFailed, match="package sail is not the file that was locked"):
        make("sail")
    assert len(list((workspace.path / "packages").iterdir())) == 1


def test_the_server_runs_with_the_base_image_s_python(make):
    text = (
        make(docker=DockerSpecification(base_image="team/base:1")).context.joinpath("Dockerfile").read_text()
    )
    assert "sys.version_info >= (3, 10)" in text
    assert "v == " not in text  # the script's Python is in the archive
    old = Recipe("3.6", conda=frozenset({"python", "pip"}))
    assert (old.base, old.is_old) == ("docker.io/library/python:3.11-slim-bookworm", False)
    assert (old.server_lock_python, "ensurepip" in old.text) == ("3.11", False)
