"""The two locks of an image: the script's packages, and the server's."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from moorage.environments import Environment
from moorage.environments.building import lock_of
from moorage.environments.interpreters import Python, choose_python, minor_of, this_python
from moorage.environments.locking import Lock, resolve
from moorage.environments.resolution import find_lock
from moorage.environments.store import Store
from moorage.environments.wanted import Wanted, translate
from moorage.errors import InterpreterNotFound, InvalidConfiguration, RequirementsUnsolvable
from moorage.packaging.conda_prefix import refuse_elsewhere
from moorage.packaging.wheels import requirements_of

# A Python of no release names the lock that holds for all of them from 3.10 on.
_ANY = "3.0"


def environment_lock(
    environment: Environment, further: tuple[str, ...] = (), wheels: Path | None = None
) -> tuple[Lock | None, str, tuple[str, ...]]:
    """Return the lock of a script's packages, the minor version of its Python, and notices.

    A user-managed environment has no lock: it is the base image. No Python of the version asked for has to be
    on this machine. ``further`` are more lines for pip; with ``wheels`` all comes from that folder.

    Raises:
        InvalidConfiguration: packages come from a folder of this machine, which no image has; or those of
            conda channels cannot come into one.
    """
    if environment.user_managed:
        return None, this_python().minor, ()
    wanted = translate(environment.conda, (*environment.pip_requirements, *further))
    _refuse_local(wanted)
    refuse_elsewhere(wanted, wheels)
    if wheels is not None:
        minor = chosen_minor(wanted)
        return _from_wheels(wanted, minor, wheels), minor, wanted.notices
    try:
        # A Python alone comes from its own image; packages of channels bring theirs along.
        lock, python, notices = lock_of(wanted, may_bring_python=False)
    except InterpreterNotFound:
        minor = chosen_minor(wanted)
        return _lock_for(wanted, minor), minor, wanted.notices
    return lock, python.minor, notices


def server_lock(minor: str | None, wheels: Path | None = None) -> Lock:
    """Return the lock of what the server needs, without our own distributions; None: for any Python."""
    wanted = translate(None, requirements_of("moorage-server", without="moorage-runtime"))
    if wheels is None:
        return _lock_for(wanted, minor or _ANY)
    return _from_wheels(wanted, minor or _ANY, wheels)


def chosen_minor(wanted: Wanted) -> str:
    """Return the minor version of the Python that is asked for, also if it is not on this machine."""
    try:
        return choose_python(wanted.python).python.minor
    except InterpreterNotFound:
        minor = minor_of(wanted.python or "")
        if minor is None:
            raise
        return minor


def _refuse_local(wanted: Wanted) -> None:
    for line in (*wanted.options, *wanted.requirements):
        source = line.rpartition(" ")[2]
        is_folder = line.startswith(("-f ", "--find-links ")) and "://" not in source
        if is_folder or source.startswith("file://"):
            raise InvalidConfiguration(
                f"{line!r} is on this machine, where the build of an image cannot reach it; collect all "
                "wheels in a folder and give that (wheels=, --wheels)"
            )


def _from_wheels(wanted: Wanted, minor: str, wheels: Path) -> Lock:
    """Return the lock of what a folder has; not remembered, because the folder may change."""
    options = ("--no-index", f"--find-links {wheels.absolute()}")
    try:
        found = find_lock(replace(wanted, options=options), _named(minor), resolve=_resolver(minor)).lock
    except RequirementsUnsolvable as error:
        there = [text.replace(" is in the package index", " is there") for text in error.problems]
        raise RequirementsUnsolvable([f"in the folder {wheels}: {text}" for text in there]) from error
    return replace(found, options=())


def _lock_for(wanted: Wanted, minor: str) -> Lock:
    """Return the lock for a Python that may not be here; remembered as others are."""
    store = Store.of()
    python = _named(minor)
    known = store.known_lock(wanted, python)
    if known is not None:
        return known
    found = find_lock(wanted, python, resolve=_resolver(minor)).lock
    store.remember(wanted, python, found)
    return found


def _named(minor: str) -> Python:
    major, second = map(int, minor.split("."))
    return Python(Path(sys.executable), (major, second, 0))


def _resolver(minor: str) -> Callable[..., Lock]:
    def resolve_for(
        wanted: Wanted, python: Python, *, version: str | None = None, options: Iterable[str] = (), **how: Any
    ) -> Lock:
        if minor == _ANY:
            return resolve(
                wanted, python, version=version or "3.10", options=("--universal", *options), **how
            )
        return resolve(wanted, python, version=version or minor, options=options, **how)

    return resolve_for
