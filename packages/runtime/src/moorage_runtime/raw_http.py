"""``@rawhttp``: marks a script whose ``run`` wants the HTTP request itself."""

from typing import Any, Callable, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class _State:
    is_wanted = False


def rawhttp(func: F) -> F:
    """Have ``run`` called with the HTTP request itself; returns ``func`` unchanged.

    The mark holds for the whole process, whichever function carries it.
    """
    _State.is_wanted = True
    return func


def is_wanted() -> bool:
    """Return whether ``@rawhttp`` was applied to anything so far."""
    return _State.is_wanted
