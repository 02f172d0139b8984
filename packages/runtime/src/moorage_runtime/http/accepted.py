"""Header values that scripts look into: preferences, entity tags, credentials, cache directives."""

import base64
import binascii
import re
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple

from .headers import parse_options

_NUMBERS = re.compile("[0-9]{1,18}")


class Accept(List[Tuple[str, float]]):
    """Accepted values with their quality, best first (``Accept``, ``Accept-Language``, ...)."""

    @classmethod
    def parse(cls, header: Optional[str]) -> "Accept":
        found = []
        for piece in (header or "").split(","):
            value, parameters = parse_options(piece)
            try:
                quality = float(parameters.get("q", "1"))
            except ValueError:
                quality = 0.0
            if value:
                found.append((value, min(max(quality, 0.0), 1.0)))
        return cls(sorted(found, key=lambda entry: -entry[1]))

    def quality(self, value: str) -> float:
        """Return how much ``value`` is wanted: 0 (not at all) to 1."""
        return max((q for accepted, q in self if _matches(accepted, value.lower())), default=0.0)

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and self.quality(value) > 0

    def best_match(self, offered: Iterable[str], default: Optional[str] = None) -> Optional[str]:
        """Return the one of ``offered`` that is wanted most."""
        best, best_quality = default, 0.0
        for value in offered:
            quality = self.quality(value)
            if quality > best_quality:
                best, best_quality = value, quality
        return best

    @property
    def best(self) -> Optional[str]:
        return self[0][0] if self else None

    def values(self) -> Iterator[str]:
        return (value for value, _ in self)

    @property
    def accept_json(self) -> bool:
        return self.quality("application/json") > 0

    @property
    def accept_html(self) -> bool:
        return max(self.quality("text/html"), self.quality("application/xhtml+xml")) > 0

    def to_header(self) -> str:
        return ",".join(value if q == 1 else "%s;q=%g" % (value, q) for value, q in self)

    __str__ = to_header


def _matches(accepted: str, value: str) -> bool:
    if accepted in ("*", "*/*", value):
        return True
    if accepted.endswith("/*"):
        return value.startswith(accepted[:-1])
    return value.startswith(accepted + "-")  # a language with any region


class ETags:
    """The tags of ``If-Match`` or ``If-None-Match``."""

    def __init__(self, header: Optional[str]) -> None:
        self.star_tag = (header or "").strip() == "*"
        self._strong: Set[str] = set()
        self._weak: Set[str] = set()
        for piece in [] if self.star_tag else (header or "").split(","):
            tag = piece.strip()
            if tag[:2] in ("W/", "w/"):
                self._weak.add(tag[2:].strip('"'))
            elif tag:
                self._strong.add(tag.strip('"'))

    def contains(self, etag: str) -> bool:
        return self.star_tag or etag in self._strong

    __contains__ = contains

    def contains_weak(self, etag: str) -> bool:
        return self.contains(etag) or etag in self._weak

    def __iter__(self) -> Iterator[str]:
        return iter(self._strong)

    def __bool__(self) -> bool:
        return bool(self.star_tag or self._strong or self._weak)


class Authorization:
    """Credentials of a request; ``username`` and ``password`` for basic, ``token`` for others."""

    def __init__(self, type_: str, token: Optional[str], parameters: Dict[str, str]) -> None:
        self.type = type_
        self.token = token
        self.parameters = parameters

    @classmethod
    def from_header(cls, header: Optional[str]) -> Optional["Authorization"]:
        """Return None for a missing or unreadable header."""
        scheme, _, rest = (header or "").strip().partition(" ")
        scheme, rest = scheme.lower(), rest.strip()
        if not scheme or not rest:
            return None
        if scheme != "basic":
            return cls(scheme, rest, {})
        try:
            name, colon, password = base64.b64decode(rest).decode("utf-8").partition(":")
        except (binascii.Error, ValueError):
            return None
        return cls(scheme, None, {"username": name, "password": password}) if colon else None

    def get(self, name: str, default: Any = None) -> Any:
        return self.parameters.get(name, default)

    @property
    def username(self) -> Optional[str]:
        return self.parameters.get("username")

    @property
    def password(self) -> Optional[str]:
        return self.parameters.get("password")


class CacheControl(Dict[str, Optional[str]]):
    """Directives of ``Cache-Control``; a directive without value is None."""

    @classmethod
    def parse(cls, header: Optional[str]) -> "CacheControl":
        directives = cls()
        for piece in (header or "").split(","):
            name, equals, value = piece.strip().partition("=")
            if name:
                directives[name.lower()] = value.strip('"') if equals else None
        return directives

    @property
    def no_cache(self) -> bool:
        return "no-cache" in self

    @property
    def no_store(self) -> bool:
        return "no-store" in self

    @property
    def max_age(self) -> Optional[int]:
        value = self.get("max-age")
        return int(value) if value and value.isdigit() else None


class UserAgent:
    """Who says to be calling; ``str()`` gives the header."""

    def __init__(self, header: Optional[str]) -> None:
        self.string = header or ""

    def __str__(self) -> str:
        return self.string

    def __bool__(self) -> bool:
        return bool(self.string)


class Range:
    """``Range: bytes=0-99``: ``ranges`` holds ``(start, stop)``, stop exclusive; None: to the end."""

    def __init__(self, units: str, ranges: List[Tuple[int, Optional[int]]]) -> None:
        self.units = units
        self.ranges = ranges

    @classmethod
    def parse(cls, header: Optional[str]) -> Optional["Range"]:
        """Return None for a missing or unreadable header."""
        units, equals, rest = (header or "").partition("=")
        ranges: List[Tuple[int, Optional[int]]] = []
        for piece in rest.split(",") if equals else ():
            start, dash, stop = piece.strip().partition("-")
            if not dash or not _NUMBERS.fullmatch(start + stop):
                return None
            ranges.append((int(start), int(stop) + 1 if stop else None) if start else (-int(stop), None))
        return cls(units.strip().lower(), ranges) if ranges else None
