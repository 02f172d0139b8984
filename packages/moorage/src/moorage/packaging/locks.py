"""The two locks of an image: the script's packages, and the server's."""

import functools
import sys
from pathlib import Path

from moorage.environments import Environment
from moorage.environments.building import lock_of
from moorage.environments.interpreters import Python, minor_of, this_python
from moorage.environments.locking import Lock, resolve
from moorage.environments.resolution import find_lock
from moorage.environments.store import Store
from moorage.environments.wanted import Wanted, translate
from moorage.errors import InterpreterNotFound
from moorage.packaging.wheels import requirements_of


def environment_lock(environment: Environment) -> tuple[Lock | None, str, tuple[str, ...]]:
    """Return the lock of a script's packages, the minor version of its Python, and notices.

    A user-managed environment has no lock: it is the base image. No Python of the version asked for has to be
    on this machine.
    """
    if environment.user_managed:
        return None, this_python().minor, ()
    wanted = translate(environment.conda, environment.pip_requirements)
    try:
        lock, python, notices = lock_of(wanted)
    except InterpreterNotFound:
        minor = minor_of(wanted.python or "")
        if minor is None:
            raise
        return _lock_for(wanted, minor), minor, wanted.notices
    return lock, python.minor, notices


def server_lock(minor: str) -> Lock:
    """Return the lock of what the server needs, without our own distributions."""
    return _lock_for(translate(None, requirements_of("moorage-server", without="moorage-runtime")), minor)


def _lock_for(wanted: Wanted, minor: str) -> Lock:
    """Return the lock for a Python that may not be here; remembered as others are."""
    store = Store.of()
    major, second = map(int, minor.split("."))
    python = Python(Path(sys.executable), (major, second, 0))
    known = store.known_lock(wanted, python)
    if known is not None:
        return known
    found = find_lock(wanted, python, resolve=functools.partial(_resolve_for, minor)).lock
    store.remember(wanted, python, found)
    return found


def _resolve_for(minor: str, wanted: Wanted, python: Python, **how: object) -> Lock:
    options: dict[str, object] = {"version": minor, **how}
    return resolve(wanted, python, **options)  # type: ignore[arg-type]
