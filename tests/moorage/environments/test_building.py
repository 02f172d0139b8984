"""Built environments: once per lock, whole or not at all, and removed when nothing uses them."""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from moorage.environments import CondaSpecification, building
from moorage.environments.building import build, lock_of
from moorage.environments.collecting import collect_garbage
from moorage.environments.interpreters import this_python
from moorage.environments.store import Store
from moorage.environments.wanted import translate
from moorage.errors import (
    EnvironmentBuildFailed,
    RequirementsUnsolvable,
    StorageFull,
    StorageUnavailable,
)


def ask(python, code):
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_an_environment_has_what_was_asked_for_and_nothing_of_ours(store, wheels):
    said = []
    built = build(translate(None, [*wheels, "boat"]), store=store, on_progress=said.append)
    assert built.is_new
    assert ask(built.python, "import boat, mast; print(boat.version, mast.version)") == "2.0 1.0"
    assert ask(built.python, "import importlib.util as u; print(u.find_spec('moorage'))") == "None"
    assert any(line.startswith("boat") for line in said)
    assert not list((store.root / ".aside").iterdir())
    bill = json.loads((built.folder / "sbom.cdx.json").read_text())
    assert bill["specVersion"] == "1.6"
    assert [(c["name"], c["version"], c["purl"]) for c in bill["components"]] == [
        ("boat", "2.0", "pkg:pypi/boat@2.0"),
        ("mast", "1.0", "pkg:pypi/mast@1.0"),
    ]
    assert bill["components"][0]["licenses"] == [{"license": {"name": "MIT"}}]
    assert "sha256:" in (built.folder / "lock.txt").read_text()


def test_the_same_requirements_are_built_once_and_keep_their_lock(store, wheels):
    first = build(translate(None, [*wheels, "boat"]), store=store)
    # A newer version appears; whoever asks for the same things still gets the same environment.
    again = build(translate(None, ["boat", *wheels]), store=store)
    assert (again.is_new, again.folder) == (False, first.folder)
    assert build(translate(None, [*wheels, "mast"]), store=store).folder != first.folder


def test_building_twice_at_the_same_time_builds_once(store, wheels):
    wanted = translate(None, [*wheels, "boat"])
    lock_of(wanted, store=store)
    results = []
    threads = [threading.Thread(target=lambda: results.append(build(wanted, store=store))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(built.is_new for built in results) == [False, False, True]


BUILD = """\
import sys
from moorage.environments.building import build
from moorage.environments.wanted import translate
print(build(translate(None, sys.argv[1:])).is_new)
"""


def test_two_processes_at_the_same_time_build_once(store, wheels):
    command = [sys.executable, "-c", BUILD, *wheels, "boat"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(process.communicate(timeout=120)[0].strip() for process in processes) == ["False", "True"]
    assert len([path for path in store.root.iterdir() if (path / "environment.json").is_file()]) == 1


def test_two_machines_find_the_same_lock(tmp_path, wheels, monkeypatch):
    """Other folders, other caches, other addresses of the same files."""
    twin = tmp_path / "twin"
    shutil.copytree(tmp_path / "wheels", twin)
    hashes = []
    for number, folder in enumerate((tmp_path / "wheels", twin)):
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / f"cache{number}"))
        wanted = translate(None, ["--no-index", f"--find-links {folder}", "boat"])
        hashes.append(lock_of(wanted, store=Store(tmp_path / f"machine{number}"))[0].hash)
    assert hashes[0] == hashes[1]


def test_environments_share_files_by_hard_links(store, wheels, tmp_path, monkeypatch):
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))  # on the same disk, as a home usually is
    one = build(translate(None, [*wheels, "boat"]), store=store)
    other = build(translate(None, [*wheels, "mast==1.0"]), store=store)
    files = [next(built.folder.glob("lib/*/site-packages/mast.py")) for built in (one, other)]
    assert files[0].samefile(files[1])


def test_a_full_disk_leaves_the_log_alone(store, wheels, tmp_path, monkeypatch):
    wanted = translate(None, [*wheels, "boat"])
    lock, _python, _notices = lock_of(wanted, store=store)
    full = tmp_path / "uv"
    full.write_text(
        "#!/bin/sh\nmkdir -p \"$(eval echo \\${$#})\"\necho 'error: No space left on device'; exit 2\n"
    )
    full.chmod(0o755)
    monkeypatch.setattr("moorage.environments.building.uv_path", lambda: str(full))
    with pytest.raises(StorageFull, match="no space left for an environment; free some"):
        build(wanted, store=store)
    assert "No space left" in store.log_path(lock.hash).read_text()
    assert not store.folder(lock.hash).exists()
    assert not list((store.root / ".aside").iterdir())


def test_without_a_network_what_is_known_stays_and_the_rest_is_told(store, wheels, tmp_path, monkeypatch):
    known = build(translate(None, [*wheels, "boat"]), store=store)
    monkeypatch.setenv("UV_OFFLINE", "1")
    assert build(translate(None, [*wheels, "boat"]), store=store).folder == known.folder
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    with pytest.raises(EnvironmentBuildFailed, match="UV_OFFLINE is set"):
        build(translate(None, ["boat"]), store=store)


def test_a_misspelt_name_is_told_by_name(store, wheels):
    with pytest.raises(RequirementsUnsolvable, match="no package named boot is in the package index"):
        build(translate(None, [*wheels, "boot", "mast"]), store=store)


def test_a_failed_build_leaves_the_log_and_nothing_else(store, wheels, tmp_path):
    wanted = translate(None, [*wheels, "boat"])
    lock, _python, _notices = lock_of(wanted, store=store)
    wheel = tmp_path / "wheels" / "boat-2.0-py3-none-any.whl"
    wheel.unlink()
    with pytest.raises(EnvironmentBuildFailed, match="boat") as caught:
        build(wanted, store=store)
    log = store.log_path(lock.hash)
    assert str(log) in str(caught.value)
    assert "boat" in log.read_text()
    assert not store.folder(lock.hash).exists()
    assert not list((store.root / ".aside").iterdir())


def test_a_conflict_is_told_before_anything_is_built(store, wheels):
    with pytest.raises(RequirementsUnsolvable, match=r"contradict.*boat>=2\.0 depends on mast<2.*mast==2\.0"):
        build(translate(None, [*wheels, "boat==2.0", "mast==2.0"]), store=store)
    assert not (store.root / ".aside").exists()


def test_an_environment_without_packages_is_a_python(store):
    built = build(translate(CondaSpecification(packages=(f"python={this_python().minor}",))), store=store)
    assert (
        ask(built.python, "import sys; print('.'.join(map(str, sys.version_info[:2])))")
        == this_python().minor
    )


def test_an_environment_whose_interpreter_is_gone_is_built_anew(store, wheels):
    wanted = translate(None, [*wheels, "mast"])
    built = build(wanted, store=store)
    built.python.unlink()
    built.python.symlink_to("/nowhere/python")
    again = build(wanted, store=store)
    assert again.is_new
    assert ask(again.python, "import mast; print(mast.version)") == "2.0"


def use(home: Path, python: Path) -> Path:
    file = home / "workspaces" / "w" / "services" / "s" / "revisions" / "1" / "service.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"python": str(python)}))
    return file


def test_only_environments_that_nothing_names_are_removed(home, store, wheels):
    used = build(translate(None, [*wheels, "boat"]), store=store)
    unused = build(translate(None, [*wheels, "mast"]), store=store)
    settings = use(home, used.python)
    assert collect_garbage(home) == []  # both are young
    (would,) = collect_garbage(home, kept_minutes=0, is_dry_run=True)
    assert would.hash == unused.folder.name
    assert unused.folder.is_dir()
    (removed,) = collect_garbage(home, kept_minutes=0)
    assert removed.hash == unused.folder.name
    assert removed.size_bytes > 0
    assert not unused.folder.exists()
    assert used.folder.is_dir()
    settings.unlink()
    assert [one.hash for one in collect_garbage(home, kept_minutes=0)] == [used.folder.name]


def test_what_an_interrupted_build_left_goes_after_a_while(home, store):
    left = store.new_aside("0" * 64)
    left.mkdir()
    collect_garbage(home, kept_minutes=0)
    assert left.is_dir()
    os.utime(left, (0, 0))
    collect_garbage(home, kept_minutes=0)
    assert not left.exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize("what", ["write_sbom", "_install", "make_private_folder"])
def test_a_disk_that_takes_nothing_more_leaves_no_half_environment(store, wheels, monkeypatch, number, what):
    wanted = translate(None, [*wheels, "mast"])

    def fails(*_arguments):
        raise OSError(number, os.strerror(number), "somewhere")

    with monkeypatch.context() as patch:
        patch.setattr(building, what, fails)
        expected = StorageFull if number == errno.ENOSPC else StorageUnavailable
        with pytest.raises(expected, match="environment"):
            build(wanted, store=store)
    aside = store.root / ".aside"
    assert not aside.exists() or not list(aside.iterdir())
    assert build(wanted, store=store).is_new


def test_a_disk_that_is_really_full(home, wheels, tmp_path):
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    small = tmp_path / "small"
    small.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "moorage-test", str(small)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        store = Store(small / "environments")
        wanted = translate(None, [*wheels, "mast"])
        lock_of(wanted, store=store)
        outcomes = []
        # The disk is full sooner or later in the work: with the folder, the log, the files of uv, or ours.
        for free_bytes in (0, 8192, 24_576, 49_152, 98_304):
            filler = small / "filler"
            filler.write_bytes(b"x" * (shutil.disk_usage(small).free - free_bytes))
            try:
                shutil.rmtree(build(wanted, store=store).folder)
                outcomes.append("built")
            except StorageFull as error:
                outcomes.append(str(error).partition(" left")[0])
            filler.unlink()
            assert not list((store.root / ".aside").iterdir())
        assert outcomes[0] == "no space"
        assert set(outcomes) <= {"no space", "built"}
        assert build(wanted, store=store).is_new
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
