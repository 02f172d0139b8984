"""Building environments: once per lock, aside and then renamed, by one process at a time."""

import errno
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from moorage.environments.channels.installing import install_packages, settle
from moorage.environments.channels.locking import differing_python, find_channel_lock
from moorage.environments.choosing import find_python, python_of
from moorage.environments.interpreters import Python
from moorage.environments.locking import Lock, without_passwords
from moorage.environments.resolution import find_lock
from moorage.environments.sbom import write_sbom
from moorage.environments.store import DESCRIPTION, LOCK_FILE, SBOM_FILE, Store
from moorage.environments.tool import quiet_variables, uv_path
from moorage.environments.wanted import Wanted
from moorage.errors import EnvironmentBuildFailed, StorageFull, StorageUnavailable
from moorage.folders import make_private_folder
from moorage.storage.locks import exclusive_lock

OnProgress = Callable[[str], None]
_SHOWN = ("Downloading", "Building", "Built", " + ")


@dataclass(frozen=True, slots=True)
class Built:
    """An environment that is ready: its interpreter, its folder, and how it came to be."""

    lock: Lock
    python: Path
    folder: Path
    is_new: bool = False
    notices: tuple[str, ...] = ()


def lock_of(
    wanted: Wanted,
    *,
    relax: bool = False,
    upgrade: bool = False,
    store: Store | None = None,
    python: Python | None = None,
    may_bring_python: bool = True,
) -> tuple[Lock, Python, tuple[str, ...]]:
    """Return the lock for requirements, the Python it is for, and notices.

    Requirements that were locked on this machine before keep their lock, also without a network;
    ``upgrade`` looks for newer versions. The Python of a lock with packages of channels is one of them: its
    path is where it will be. ``may_bring_python`` False: a Python that is not here is an error, also where
    the channels may have it.

    Raises:
        InterpreterNotFound, RequirementsUnsolvable, EnvironmentBuildFailed: see there.
    """
    store = store or Store.of()
    choice = find_python(wanted, may_bring=may_bring_python)
    if choice is None:
        return _channel_lock(wanted, relax, upgrade, store)
    python = python or choice.python
    notices = (*wanted.notices, *((choice.notice,) if choice.notice else ()))
    known = None if relax or upgrade else store.known_lock(wanted, python)
    if known is not None:
        return known, python, notices
    found = find_lock(wanted, python, relax=relax)
    if not found.changed:
        # What was loosened is not what these requirements say.
        store.remember(wanted, python, found.lock)
    return found.lock, python, (*notices, *found.changed)


def _channel_lock(
    wanted: Wanted, relax: bool, upgrade: bool, store: Store
) -> tuple[Lock, Python, tuple[str, ...]]:
    known = None if relax or upgrade else store.known_lock(wanted, None)
    if known is not None:
        return known, python_of(known, store), (*wanted.notices, *differing_python(wanted, known))
    found = find_channel_lock(wanted, relax=relax)
    if not found.changed:
        store.remember(wanted, None, found.lock)
    notices = (*wanted.notices, *differing_python(wanted, found.lock), *found.changed)
    return found.lock, python_of(found.lock, store), notices


def build(
    wanted: Wanted,
    *,
    relax: bool = False,
    upgrade: bool = False,
    store: Store | None = None,
    on_progress: OnProgress = lambda line: None,
) -> Built:
    """Return the environment for requirements, built if it is not there yet.

    Raises:
        InterpreterNotFound, RequirementsUnsolvable: it cannot be had; nothing was built.
        EnvironmentBuildFailed: it could not be built; the log is kept.
        StorageFull: the disk is full; nothing is left of it.
    """
    store = store or Store.of()
    lock, python, notices = lock_of(wanted, relax=relax, upgrade=upgrade, store=store)
    return replace(build_lock(lock, python, store=store, on_progress=on_progress), notices=notices)


def build_lock(
    lock: Lock, python: Python, *, store: Store, on_progress: OnProgress = lambda line: None
) -> Built:
    """Build the environment of a lock, or wait for whoever builds it. Raises as `build`."""
    final = store.folder(lock.hash)
    with exclusive_lock(store.lock_path(lock.hash)):
        there = store.python(lock.hash)
        if there is not None:
            os.utime(final)  # young: not garbage while its revision is being written
            return Built(lock, there, final)
        aside = store.new_aside(lock.hash)
        try:
            _fill(_Place(aside, final, store.log_path(lock.hash)), lock, python, on_progress)
            if final.exists():
                # Its interpreter is gone; services that ran with it cannot start again as they were.
                broken = store.new_aside(lock.hash)
                final.rename(broken)
                shutil.rmtree(broken, ignore_errors=True)
            aside.rename(final)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _full() from error
            text = f"the environment cannot be written: {error.filename or store.root}: {error.strerror}"
            raise StorageUnavailable(text) from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return Built(lock, final / "bin" / "python", final, is_new=True)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an environment is made, where it will be, and where its log is."""

    aside: Path
    final: Path
    log: Path


def _fill(place: _Place, lock: Lock, python: Python, on_progress: OnProgress) -> None:
    folder, final, log = place.aside, place.final, place.log
    make_private_folder(folder.parent)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:

        def tell(line: str) -> None:
            shown = without_passwords(line.rstrip())
            print(shown, file=file, flush=True)
            if shown.startswith(_SHOWN):
                on_progress(shown.strip().removeprefix("+ "))

        if lock.conda:
            # Its files name the folder that they will be in.
            install_packages(lock.conda, folder, final, tell, log)
        else:
            # Relocatable: the scripts in bin/ must not name the folder that is renamed.
            make = [uv_path(), "venv", "--relocatable", "--no-project", "--python", str(python.path)]
            _run([*make, str(folder)], tell, log)
        lock_file = folder / LOCK_FILE
        lock_file.write_text(lock.text, encoding="utf-8")
        if lock.packages:
            _install(folder, lock, tell, log)
        variables = settle(folder, final, tell) if lock.conda else {}
    write_sbom(folder, lock, folder / SBOM_FILE)
    description = {
        "hash": lock.hash,
        "python": python.release,
        "base_interpreter": None if lock.conda else str(python.path),
        "variables": variables,
        "created_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")


def _install(folder: Path, lock: Lock, tell: OnProgress, log: Path) -> None:
    command = [uv_path(), "pip", "install", "--require-hashes", "--no-deps"]
    command += ["--python", str(folder / "bin" / "python"), "--only-binary", ":all:"]
    if lock.conda:
        command.append("--break-system-packages")  # a Python of a channel may say that it is a system's
    for name in lock.from_source:
        command += ["--no-binary", name]
    command += ["-r", str(folder / LOCK_FILE)]
    if not lock.options:
        return _run(command, tell, log)
    # In a file that goes away: an address on a command line can be read by everybody, its password too.
    with tempfile.NamedTemporaryFile("w", prefix="moorage-", suffix=".txt") as options:
        options.write("".join(f"{line}\n" for line in lock.options))
        options.flush()
        return _run([*command, "-r", options.name], tell, log)


def _run(command: list[str], tell: OnProgress, log: Path) -> None:
    said: list[str] = []
    try:
        with subprocess.Popen(  # noqa: S603 - our own tool; what it installs was locked with hashes
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            env=quiet_variables(),
            cwd="/",
        ) as process:
            for line in process.stdout or ():
                tell(line)
                said.append(without_passwords(line.rstrip()))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # of the log
        raise EnvironmentBuildFailed(f"uv cannot be run: {error.strerror}") from error
    if process.returncode == 0:
        return
    text = "\n".join(said)
    if "No space left on device" in text or "os error 28" in text:
        raise _full()
    causes = [line.strip() for line in said if line.strip().startswith(("error:", "cause:"))]
    reason = causes or said[-1:] or ["it says nothing"]
    raise EnvironmentBuildFailed(f"the environment cannot be built: {' '.join(reason)}; the log is {log}")


def _full() -> StorageFull:
    return StorageFull("no space left for an environment; free some (moor environment gc) and try again")
