"""Where the Python of an environment comes from, and what is known of it before anything is looked up."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from moorage.environments.channels import process
from moorage.environments.channels.installing import path_with
from moorage.environments.channels.locking import check_available, differing_python, release_of
from moorage.environments.channels.names import find_channels
from moorage.environments.downloads import may_download
from moorage.environments.interpreters import (
    OLDEST,
    Choice,
    Python,
    bring_python,
    can_be_downloaded,
    choose_python,
    minor_of,
)
from moorage.environments.locking import Lock
from moorage.environments.store import Store
from moorage.environments.wanted import Wanted
from moorage.errors import InterpreterNotFound


@dataclass(frozen=True, slots=True)
class Prospect:
    """What this machine knows. ``python`` is the one it is or will be made from; None: a channel brings it.

    ``lock`` None: it has to be looked up first. ``built`` is its interpreter, if it is there; ``variables``
    are what its packages want to be set for a script.
    """

    python: Python | None
    release: str
    lock: Lock | None
    built: Path | None
    notices: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


def find_python(wanted: Wanted, *, may_bring: bool = True) -> Choice | None:
    """Return the Python of this machine that an environment is made from, None if a channel brings it.

    That is so for packages of channels, which are made for a Python of the same place; and, if ``may_bring``,
    for a version that is not here where the conda file names channels, which may have it. Where downloads are
    allowed, uv is asked before.

    Raises:
        InterpreterNotFound: none here fits, and no channel may be asked for it.
        EnvironmentBuildFailed: packages of channels are asked for, and py-rattler is missing.
    """
    if wanted.conda:
        check_available(wanted.conda)
        return None
    try:
        return choose_python(wanted.python)
    except InterpreterNotFound as error:
        minor = minor_of(wanted.python or "")
        is_too_old = minor is not None and tuple(map(int, minor.split("."))) < OLDEST
        may_ask_channels = may_bring and wanted.channels and not is_too_old
        if may_bring and can_be_downloaded(error.wanted) and may_download():
            try:
                return bring_python(error.wanted)
            except InterpreterNotFound:
                if not may_ask_channels:
                    raise
        if not may_ask_channels:
            raise
        if not process.is_available():
            further = f"; or let the channels of the file bring it: {process.INSTALL}"
            raise InterpreterNotFound(error.wanted, error.known, further) from None
        return None


def python_of(lock: Lock, store: Store) -> Python:
    """Return the Python among the packages of a lock, at the place where it will be."""
    return Python(store.folder(lock.hash) / "bin" / "python", release_of(lock))


def look_at(wanted: Wanted, store: Store | None = None) -> Prospect:
    """Return what is known here of an environment; asks neither channels nor the package index.

    A Python that is missing is downloaded here already, where `downloads.may_download`.

    Raises:
        InterpreterNotFound, EnvironmentBuildFailed: as `find_python`.
        InvalidConfiguration: a channel is none.
    """
    store = store or Store.of()
    choice = find_python(wanted)
    if choice is not None:
        lock = store.known_lock(wanted, choice.python)
        notices = (*wanted.notices, *((choice.notice,) if choice.notice else ()))
        built = store.python(lock.hash) if lock is not None else None
        return Prospect(choice.python, choice.python.release, lock, built, notices)
    lock = store.known_lock(wanted, None)
    if lock is None:
        names = ", ".join(channel.name for channel in find_channels(wanted.channels))
        release = f"{wanted.python or 'of its own'} from {names}"
        return Prospect(None, release, None, None, wanted.notices)
    notices = (*wanted.notices, *differing_python(wanted, lock))
    release = ".".join(map(str, release_of(lock)))
    built = store.python(lock.hash)
    if built is None:
        return Prospect(None, release, lock, None, notices)
    path = path_with(str(store.folder(lock.hash)), os.environ.get("PATH", ""))
    variables = {**store.variables(lock.hash), "PATH": path}
    return Prospect(None, release, lock, built, notices, variables)
