"""The two tables of old names, ``sdk.json`` and ``commands.json``, which scripts/migration_tables.py writes.

A type is written as in the first: the full name of a class, ``list of ...`` or ``dict of ...``.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Entry", "commands", "member_of", "members_of", "module_names", "name_entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A class, function, method or attribute; ``key`` is the full name that `differences` uses."""

    key: str
    kind: str
    parameters: tuple[str, ...] | None = None
    any_keyword: bool = False
    returns: str | None = None
    instead: str | None = None
    """What to do instead, if it is only there so that old code imports."""


@cache
def _sdk() -> Mapping[str, Any]:
    table: Mapping[str, Any] = json.loads(files(__package__).joinpath("sdk.json").read_text("utf-8"))
    return table


@cache
def commands() -> Mapping[str, Any]:
    """Return the old commands without ``az ml``: their flags, and what to do instead of them."""
    table: Mapping[str, Any] = json.loads(files(__package__).joinpath("commands.json").read_text("utf-8"))
    return table


def module_names(module: str) -> Mapping[str, str] | None:
    """Return name to key of what a module offers, None if there is no such module."""
    names: Mapping[str, str] | None = _sdk()["modules"].get(module)
    return names


def name_entry(key: str) -> Entry | None:
    found = _sdk()["names"].get(key)
    return None if found is None else _entry(key, found)


def bases_of(key: str) -> Iterator[str]:
    """Yield a class and its bases, in the order in which they are looked through."""
    yield key
    for base in _sdk()["names"].get(key, {}).get("bases", ()):
        yield from bases_of(base)


def constructor_of(key: str) -> Entry | None:
    """Return the class with the parameters of its constructor, which a base may have."""
    own = name_entry(key)
    for base in bases_of(key):
        found = name_entry(base)
        if own is not None and found is not None and found.parameters is not None:
            return Entry(key, own.kind, found.parameters, found.any_keyword, key, own.instead)
    return own


def member_of(key: str, name: str) -> Entry | None:
    """Return the member of a class, its own or that of a base."""
    for base in bases_of(key):
        found = _sdk()["names"].get(base, {}).get("members", {}).get(name)
        if found is not None:
            return _entry(f"{base}.{name}", found)
    return None


def classes_below(key: str) -> Iterator[str]:
    for other in all_keys():
        if other != key and key in bases_of(other):
            yield other


def related(method: str) -> Iterator[Entry]:
    """Yield the methods of the same name in the subclasses of a method's class."""
    owner, _, name = method.rpartition(".")
    for below in classes_below(owner):
        found = member_of(below, name)
        if found is not None:
            yield found


def is_documented(key: str) -> bool:
    """Tell whether all members of a class are known, because the list of the old SDK has it."""
    return any(_sdk()["names"].get(base, {}).get("documented", False) for base in bases_of(key))


def members_of(key: str) -> list[str]:
    return [name for base in bases_of(key) for name in _sdk()["names"].get(base, {}).get("members", ())]


def modules() -> list[str]:
    return list(_sdk()["modules"])


def all_keys() -> list[str]:
    return list(_sdk()["names"])


def _entry(key: str, found: Mapping[str, Any]) -> Entry:
    parameters = found.get("parameters")
    return Entry(
        key,
        found["kind"],
        None if parameters is None else tuple(parameters),
        found.get("any_keyword", False),
        found.get("returns"),
        found.get("instead"),
    )
