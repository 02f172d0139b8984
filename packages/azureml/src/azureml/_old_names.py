"""Older names of parameters, accepted beside the present ones."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["accepts"]

F = TypeVar("F", bound=Callable[..., Any])


def accepts(**older: str) -> Callable[[F], F]:
    """Let callers write ``older_name=`` for a parameter; the signature keeps showing the present name."""

    def wrap(function: F) -> F:
        @functools.wraps(function)
        def translated(*arguments: Any, **named: Any) -> Any:
            present = {older.get(name, name): value for name, value in named.items()}
            return function(*arguments, **present)

        return translated  # type: ignore[return-value]

    return wrap
