"""Channels by name: what conda files call them, and the addresses that they are at. Reads variables only."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from moorage.errors import InvalidConfiguration

# The names are conda's own, so that what is set for conda on a machine holds here too.
ALIAS_VARIABLE = "CONDA_CHANNEL_ALIAS"
DEFAULTS_VARIABLE = "CONDA_DEFAULT_CHANNELS"
PRIORITY_VARIABLE = "CONDA_CHANNEL_PRIORITY"

DEFAULT_CHANNEL = "conda-forge"  # of a file that names none
_DEFAULTS = ("main", "r")  # what "defaults" stands for, as channels of the alias
_PRIORITIES = ("strict", "flexible", "disabled")
_SCHEMES = ("https", "http", "file")


@dataclass(frozen=True, slots=True)
class Channel:
    """``name`` is what the file says; ``source`` its address, or a name whose address the library has."""

    name: str
    source: str


def find_channels(names: Sequence[str]) -> tuple[Channel, ...]:
    """Return the channels that a conda file names, in its order; `DEFAULT_CHANNEL` if it names none.

    ``defaults`` stands for two channels, or for those that `DEFAULTS_VARIABLE` lists. ``nodefaults`` is none:
    defaults are not asked where they are not named.

    Raises:
        InvalidConfiguration: one is no channel, or has a password in its address.
    """
    wanted = [name.strip() for name in names if name.strip() and name.strip() != "nodefaults"]
    found = [channel for name in wanted or [DEFAULT_CHANNEL] for channel in _expanded(name)]
    return tuple({channel.source: channel for channel in found}.values())


def channel_priority() -> str:
    """Return whether a package of an earlier channel hides those of later ones: conda's default, flexible.

    Raises:
        InvalidConfiguration: `PRIORITY_VARIABLE` has another value than conda's three.
    """
    chosen = os.environ.get(PRIORITY_VARIABLE, "flexible").strip().lower()
    if chosen not in _PRIORITIES:
        raise InvalidConfiguration(f"{PRIORITY_VARIABLE}={chosen} is none of {', '.join(_PRIORITIES)}")
    return chosen


def _expanded(name: str) -> list[Channel]:
    if name != "defaults":
        return [_channel(name, name)]
    named = [part for part in re.split(r"[\s,]+", os.environ.get(DEFAULTS_VARIABLE, "")) if part]
    return [_channel(f"defaults ({part})", part) for part in named or _DEFAULTS]


def _channel(name: str, source: str) -> Channel:
    if "://" in source:
        return Channel(name if name != source else source, _checked(source))
    if source.startswith(("/", "~", "./", "../")):
        try:
            return Channel(name, Path(source).expanduser().resolve().as_uri())
        except (OSError, RuntimeError, ValueError) as error:  # no such user, links in a circle, a zero byte
            raise InvalidConfiguration(f"{source!r} is not the folder of a conda channel: {error}") from None
    if re.fullmatch(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*", source) is None:
        raise InvalidConfiguration(f"{source!r} is not the name or the address of a conda channel")
    alias = os.environ.get(ALIAS_VARIABLE, "").strip()
    return Channel(name, f"{_checked(alias)}/{source}" if alias else source)


def _checked(address: str) -> str:
    try:
        parts = urlsplit(address)
        has_password = bool(parts.username or parts.password)
    except ValueError as error:
        raise InvalidConfiguration(f"{address!r} is not the address of a conda channel: {error}") from None
    if parts.scheme.lower() not in _SCHEMES or not (parts.netloc or parts.path.strip("/")):
        schemes = ", ".join(f"{scheme}://" for scheme in _SCHEMES)
        raise InvalidConfiguration(f"{address!r} is not the address of a conda channel ({schemes})")
    if has_password or re.match(r"/t/[^/]+/", parts.path):
        # It would be in the lock, and in what is shown.
        raise InvalidConfiguration(
            f"the address of a conda channel at {parts.hostname} has a password in it, which others would "
            "see; write it without, and keep the password in the file that RATTLER_AUTH_FILE names"
        )
    return address.rstrip("/")
