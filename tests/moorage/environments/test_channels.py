"""Packages of conda channels: found, locked, installed with their Python, and refused in a clear sentence."""

import functools
import http.server
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from moorage.environments import CondaSpecification, choosing
from moorage.environments.building import build, lock_of
from moorage.environments.channels import process
from moorage.environments.choosing import look_at
from moorage.environments.collecting import collect_garbage
from moorage.environments.store import Store
from moorage.environments.wanted import translate
from moorage.errors import (
    EnvironmentBuildFailed,
    InterpreterNotFound,
    InvalidConfiguration,
    RequirementsUnsolvable,
    StorageFull,
)


@pytest.fixture
def channel(new_channel):
    """A channel with a Python; ``sail`` needs ``libsail`` 1, which ``keel`` cannot stand."""
    channel = new_channel()
    channel.add_python()
    channel.add("libsail", "1.0", files={"lib/sail.txt": "PREFIX/lib/sail", "share/sail.txt": "shared"})
    channel.add("libsail", "2.0")
    channel.add("sail", "1.0", needs=["libsail 1.*"], module="version = '1.0'\n")
    channel.add("keel", "2.0", needs=["libsail >=2"])
    channel.add("keel", "2.1", needs=["libsail >=2"])
    return channel


def wanted(channel, *packages, pip=(), channels=None):
    channels = (channel.url,) if channels is None else channels
    return translate(CondaSpecification(channels=channels, packages=packages, pip=tuple(pip)))


def ask(python, code):
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def left(store: Store) -> list[str]:
    """Return what a build left besides its log."""
    return [path.name for path in store.root.glob("[0-9a-f]*")] + asides(store)


def asides(store: Store) -> list[str]:
    return [path.name for path in (store.root / ".aside").iterdir()]


@pytest.fixture
def served(channel) -> Iterator[str]:
    """The address of the channel on a server of this machine."""
    yield from serve(channel, _Quiet)


@pytest.fixture
def private(channel) -> Iterator[str]:
    """The same, for those who know the password."""
    yield from serve(channel, _Private)


def serve(channel, kind) -> Iterator[str]:
    handler = functools.partial(kind, directory=str(channel.folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(30)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class _Private(_Quiet):
    def send_head(self):
        if self.headers.get("Authorization") == "Basic bWU6c2VjcmV0":  # me:secret
            return super().send_head()
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None


def test_packages_of_a_channel_and_of_pip_are_in_one_environment(channel, store, wheels):
    channel.add("rig", files={
        "etc/conda/activate.d/rig.sh": 'export RIG_DATA="$CONDA_PREFIX/share"; export UNTOUCHED=1\n',
        "bin/rig": "#!/bin/sh\necho PREFIX\n",
        "bin/.rig-post-link.sh": "#!/bin/sh\ntouch $PREFIX/was-run\n",
    })  # fmt: skip
    said = []
    asked = wanted(channel, "sail", "rig", pip=[*wheels, "boat"])
    built = build(asked, store=store, on_progress=said.append)
    code = "import boat, sail, sys; print(boat.version, sail.version, sys.prefix)"
    assert ask(built.python, code) == f"2.0 1.0 {built.folder}"
    assert built.lock.conda_packages.keys() == {"libsail", "python", "rig", "sail"}
    assert {"sail==1.0", "boat==2.0"} <= set(said)
    assert (built.folder / "lib/sail.txt").read_text() == f"{built.folder}/lib/sail"
    assert subprocess.check_output([built.folder / "bin/rig"], text=True).strip() == str(built.folder)
    assert not asides(store)
    assert "rig has a script to run after it is installed" in store.log_path(built.lock.hash).read_text()
    assert not (built.folder / "was-run").exists()
    assert store.variables(built.lock.hash) == {
        "CONDA_PREFIX": str(built.folder), "RIG_DATA": f"{built.folder}/share", "UNTOUCHED": "1",
    }  # fmt: skip
    seen = look_at(asked, store)
    assert seen.variables["PATH"].split(":")[0] == f"{built.folder}/bin"
    bill = json.loads((built.folder / "sbom.cdx.json").read_text())
    found = {c["name"]: c for c in bill["components"]}
    assert found["sail"]["purl"] == "pkg:conda/sail@1.0?build=0&channel=channel&subdir=noarch&type=tar.bz2"
    assert found["boat"]["purl"] == "pkg:pypi/boat@2.0"
    assert found["sail"]["licenses"] == [{"license": {"name": "MIT"}}]

    # Nothing is built or asked for a second time, and what the environments share is on the disk once.
    channel.folder.rename(channel.folder.with_name("gone"))
    assert build(asked, store=store).is_new is False
    cached = next(Path(os.environ["RATTLER_CACHE_DIR"]).glob("pkgs/libsail-1.0-0/share/sail.txt"))
    assert cached.samefile(built.folder / "share/sail.txt")
    assert [one.hash for one in collect_garbage(store.root.parent, kept_minutes=0)] == [built.folder.name]


def test_two_machines_find_the_same_lock(channel, served, tmp_path, monkeypatch):
    """Other addresses of the same files, other caches, another order in the file."""
    hashes = []
    for number, (url, packages) in enumerate(((channel.url, ("sail", "rig")), (served, ("rig", "sail")))):
        channel.add("rig")
        monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / f"cache{number}"))
        asked = wanted(channel, *packages, channels=(url,))
        hashes.append(lock_of(asked, store=Store(tmp_path / f"machine{number}"))[0].hash)
    assert hashes[0] == hashes[1]


def test_scripts_of_pip_name_the_folder_that_they_end_up_in(channel, store, tmp_path):
    from moorage.environments.channels.installing import settle

    folder, final = tmp_path / "aside", tmp_path / "final"
    (folder / "bin").mkdir(parents=True)
    script = folder / "bin" / "tool"
    script.write_text(f"#!{folder}/bin/python\nimport tool\n")
    script.chmod(0o755)
    shared = tmp_path / "shared"
    os.link(script, shared)
    settle(folder, final, print)
    assert script.read_text() == f"#!{final}/bin/python\nimport tool\n"
    assert os.access(script, os.X_OK)
    assert shared.read_text().startswith(f"#!{folder}")  # never changed in place


@pytest.mark.parametrize("is_served", [False, True])
def test_a_package_that_is_not_what_was_locked_is_refused(channel, store, request, is_served):
    url = request.getfixturevalue("served") if is_served else channel.url
    asked = wanted(channel, "sail", channels=(url,))
    lock_of(asked, store=store)
    index = channel.folder / "noarch" / "repodata.json"
    known = index.read_text()
    channel.add("sail", "1.0", needs=["libsail 1.*"], module="version = 'evil'\n")
    index.write_text(known)
    with pytest.raises(
        EnvironmentBuildFailed, match="package sail is not the file that was locked"
    ) as caught:
        build(asked, store=store)
    assert "expected" in str(caught.value)
    assert left(store) == []
    log = next((store.root / "logs").iterdir())
    assert str(log) in str(caught.value)
    assert "error: expected" in log.read_text()


@pytest.mark.parametrize(
    ("packages", "said"),
    [
        (("sial",), ["no conda package named sial is in the channel", "there is sail"]),
        (
            ("sail=7",),
            [
                "sail=7 is not in the channel",
                "the nearest version there is 1.0 (write it into the file, or see: moor environment build",
            ],
        ),
        (("keel=2.0.5",), ["the nearest version there is 2.1"]),
        (("sial", "sail=7"), ["named sial", "sail=7"]),
        (("sail", "python=3.97"), ["python 3.97.* is not in the channel"]),
        (("sail", "keel"), ["cannot be had together", "keel 2.", "sail 1.0 would require"]),
        (("sail>1..b",), ["'sail>1..b' is no package"]),
    ],
)
def test_what_cannot_be_had_is_told_by_name(channel, store, packages, said):
    with pytest.raises((RequirementsUnsolvable, EnvironmentBuildFailed)) as caught:
        build(wanted(channel, *packages), store=store)
    assert all(text in str(caught.value) for text in said), str(caught.value)
    assert not list(store.root.glob("*/environment.json"))


def test_all_that_is_wrong_is_told_at_once(channel, store):
    with pytest.raises(RequirementsUnsolvable) as caught:
        lock_of(wanted(channel, "notebook", "sial", pip=["-r other.txt"]), store=store)
    assert [text.split()[2] for text in caught.value.problems] == ["notebook:", "points", "package"]


def test_the_nearest_version_is_taken_on_request(channel, store):
    lock, _python, notices = lock_of(wanted(channel, "sail=7"), store=store, relax=True)
    assert lock.conda_packages["sail"] == "1.0"
    assert "sail=7 became sail ==1.0" in notices


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("file:///nowhere/at/all", "file:///nowhere/at/all does not exist; check the spelling"),
        ("http://127.0.0.1:9/team", "http://127.0.0.1:9/team cannot be reached (Connection refused"),
    ],
)
def test_a_channel_that_does_not_answer_is_named_with_what_was_wanted(channel, store, address, said):
    asked = wanted(channel, "sail", "keel", channels=(channel.url, address))
    with pytest.raises(EnvironmentBuildFailed) as caught:
        build(asked, store=store)
    assert said in str(caught.value)
    assert "wanted from it: keel, sail" in str(caught.value)
    assert not store.root.exists() or left_nothing(store)


def left_nothing(store: Store) -> bool:
    return not [path for path in store.root.rglob("*") if path.is_file()]


@pytest.mark.slow
def test_the_password_of_a_channel_is_in_a_file_and_nowhere_else(
    channel, private, store, tmp_path, monkeypatch
):
    asked = wanted(channel, "sail", channels=(private,))
    with pytest.raises(EnvironmentBuildFailed, match=r"refuses us \(401 Unauthorized\); put its password"):
        lock_of(asked, store=store)
    (tmp_path / "auth.json").write_text(
        '{"127.0.0.1": {"BasicHTTP": {"username": "me", "password": "secret"}}}'
    )
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(tmp_path / "auth.json"))
    built = build(asked, store=store)
    assert ask(built.python, "import sail; print(sail.version)") == "1.0"
    texts = [
        path for path in store.root.rglob("*") if path.is_file() and path.suffix in (".json", ".txt", ".log")
    ]
    assert texts
    assert not any("secret" in path.read_text() for path in texts)


@pytest.mark.slow
def test_without_a_network_what_is_known_is_enough(channel, served, store, monkeypatch):
    asked = wanted(channel, "libsail=1", channels=(served,))
    first = build(asked, store=store)
    monkeypatch.setenv("UV_OFFLINE", "1")
    assert build(asked, store=store).folder == first.folder
    # From what the cache has of the channel.
    assert (
        lock_of(wanted(channel, "sail", channels=(served,)), store=store)[0].conda_packages["sail"] == "1.0"
    )
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(store.root / "empty"))
    with pytest.raises(EnvironmentBuildFailed, match="is not asked, because UV_OFFLINE is set"):
        lock_of(wanted(channel, "keel", channels=(served,)), store=store)


@pytest.mark.slow
def test_what_a_channel_brings_is_not_installed_by_pip_too(channel, store, tmp_path, wheels):
    """``six`` is on both sides: the file's own wish for a version holds for whoever brings it."""
    channel.add("six", "1.15.0", module="__version__ = '1.15.0'\n")
    channel.add("six", "1.16.0", module="__version__ = '1.16.0'\n")
    channel.add("rig", needs=["six"])
    lock, _python, _notices = lock_of(wanted(channel, "rig", "six=1.15", pip=[*wheels, "mast"]), store=store)
    assert lock.conda_packages["six"] == "1.15.0"
    assert lock.packages == {"mast": "2.0"}
    lock, *_ = lock_of(wanted(channel, "rig", pip=[*wheels, "six<1.16"]), store=store)
    assert (lock.conda_packages["six"], dict(lock.packages)) == ("1.15.0", {})
    # Nobody brings it: the index does, as for a file without packages of channels.
    with pytest.raises(RequirementsUnsolvable, match="no package named six is in the package index"):
        lock_of(wanted(channel, "sail", "six=1.15", pip=wheels), store=store)
    with pytest.raises(RequirementsUnsolvable, match="six"):
        lock_of(wanted(channel, "rig", "six=1.14", pip=wheels), store=store)


@pytest.mark.slow
def test_a_python_that_only_a_channel_has_comes_from_there(channel, store, monkeypatch, wheels):
    def not_here(asked):
        raise InterpreterNotFound(asked or "", ["3.8.18"])

    monkeypatch.setattr(choosing, "choose_python", not_here)
    channel.add_python("3.67.4")
    asked = wanted(channel, "python=3.67", pip=[*wheels, "mast"])
    assert look_at(asked, store).release == f"3.67 from {channel.url}"
    built = build(asked, store=store)
    assert (built.lock.python, dict(built.lock.packages)) == ("3.67", {"mast": "2.0"})
    assert ask(built.python, "import mast; print(mast.version)") == "2.0"
    _lock, python, notices = lock_of(wanted(channel, "python=3.67.1"), store=store)
    assert (python.release, notices) == (
        "3.67.4",
        ("python=3.67.1 is asked for; 3.67.4, which the channels have, is taken",),
    )
    with pytest.raises(
        RequirementsUnsolvable, match=r"python 3\.66\.\* is not in.*is 3\.67.*no Python of this machine fits"
    ):
        lock_of(wanted(channel, "python=3.66"), store=store)
    # Too old for any script here; no channel named; not allowed, as for images.
    for refused in (wanted(channel, "python=3.5"), wanted(channel, "python=3.67", channels=())):
        with pytest.raises(InterpreterNotFound):
            lock_of(refused, store=store)
    with pytest.raises(InterpreterNotFound):
        lock_of(asked, store=store, may_bring_python=False)
    monkeypatch.setattr(process, "is_available", lambda: False)
    with pytest.raises(
        InterpreterNotFound, match=r"let the channels of the file bring it: pip install 'moorage\[conda\]'"
    ):
        lock_of(asked, store=store)


def test_without_py_rattler_the_packages_that_need_it_are_named(channel, store, monkeypatch):
    monkeypatch.setattr(process, "is_available", lambda: False)
    with pytest.raises(
        EnvironmentBuildFailed, match=r"conda packages keel, sail can be .* 'moorage\[conda\]'"
    ):
        build(wanted(channel, "sail", "keel", "numpy"), store=store)


@pytest.mark.slow
def test_the_first_channel_goes_first(new_channel, store, monkeypatch):
    one, two = new_channel("one"), new_channel("two")
    one.add_python()
    one.add("sail", "1.0")
    two.add("sail", "2.0")
    two.add("mizzen", "1.0", needs=["sail >=2"])

    def version(*packages, channels=(one.url, two.url)):
        return lock_of(wanted(one, *packages, channels=channels), store=store)[0].conda_packages["sail"]

    assert version("sail") == "1.0"
    assert version("sail", channels=(two.url, one.url)) == "2.0"
    assert version(f"{two.url}::sail") == "2.0"
    assert version("mizzen") == "2.0"  # as conda does: the second one, where the first cannot help
    monkeypatch.setenv("CONDA_CHANNEL_PRIORITY", "disabled")
    assert version("sail") == "2.0"
    monkeypatch.setenv("CONDA_CHANNEL_PRIORITY", "strict")
    with pytest.raises(RequirementsUnsolvable, match="mizzen"):
        version("mizzen")
    monkeypatch.setenv("CONDA_CHANNEL_PRIORITY", "strickt")
    with pytest.raises(InvalidConfiguration, match="strickt is none of strict, flexible, disabled"):
        version("mizzen")


def test_a_full_disk_is_called_that():
    fault = process.package_fault({"kind": "full", "package": "sail", "reason": "os error 28"}, None)
    assert isinstance(fault, StorageFull)


def test_whoever_stops_a_build_leaves_nothing(channel, store):
    def stop(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(wanted(channel, "sail"), store=store, on_progress=stop)
    assert left(store) == []


def test_what_the_system_lacks_can_be_said_to_be_there(channel, store, monkeypatch):
    channel.add("engine", needs=["__cuda >=12"])
    asked = wanted(channel, "engine")
    with pytest.raises(RequirementsUnsolvable, match="CONDA_OVERRIDE_CUDA"):
        lock_of(asked, store=store)
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.4")
    lock_of(asked, store=store)
    monkeypatch.delenv("CONDA_OVERRIDE_CUDA")
    with pytest.raises(
        RequirementsUnsolvable
    ):  # what was found for the other system is not known for this one
        lock_of(asked, store=store)


def test_a_worker_that_dies_is_told(channel, store, monkeypatch):
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(EnvironmentBuildFailed, match="py-rattler says: it ended with 1"):
        process.ask({"command": "solve"})
