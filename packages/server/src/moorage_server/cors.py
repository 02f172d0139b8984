"""Cross-origin requests: which pages of other origins may read the answers (contract section 8)."""

import re
from dataclasses import dataclass, field

from moorage_server.header_fields import ORIGIN, PREFLIGHT_HEADERS, PREFLIGHT_METHOD, Fields

METHODS = ("GET", "POST")
_PATTERN_SIGNS = frozenset("*\\]?$^[({|+")
_MAX_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class CorsPolicy:
    """The origins that are allowed; patterns match a whole origin, without regard to case."""

    plain: tuple[str, ...]  # in the order given
    patterns: tuple[re.Pattern[str], ...]
    allows_all: bool
    _known: dict[bytes, bytes] = field(default_factory=dict, compare=False)

    def block(self, fields: Fields, is_options: bool) -> bytes:
        """Return the header lines for an answer to a request with these headers."""
        origin = fields[ORIGIN]
        lines = self._without_origin() if origin is None else self._for_origin(origin)
        if lines and is_options and origin is not None:
            lines += _preflight(fields)
        return lines

    def _for_origin(self, origin: bytes) -> bytes:
        lines = self._known.get(origin)
        if lines is None:
            lines = self._decide(origin)
            if len(self._known) < _MAX_REMEMBERED:
                self._known[origin] = lines
        return lines

    def _decide(self, origin: bytes) -> bytes:
        text = origin.decode("latin-1")
        lowered = text.lower()
        if not (
            self.allows_all
            or any(lowered == known.lower() for known in self.plain)
            or any(pattern.fullmatch(text) for pattern in self.patterns)
        ):
            return b""
        return b"access-control-allow-origin: %b\r\n%b" % (origin, self._vary(has_origin=True))

    def _without_origin(self) -> bytes:
        if self.allows_all:
            return b"access-control-allow-origin: *\r\n"
        if not self.plain:
            return b""
        first = min(self.plain).encode("latin-1", "ignore")
        return b"access-control-allow-origin: %b\r\n%b" % (first, self._vary(has_origin=False))

    def _vary(self, *, has_origin: bool) -> bytes:
        several = len(self.plain) + len(self.patterns) > 1 or bool(self.patterns)
        return b"vary: Origin\r\n" if several or (self.allows_all and has_origin) else b""


def parse_origins(text: str) -> CorsPolicy | None:
    """Return the policy for a comma separated list; None when there is nothing in it.

    An entry with a sign of a regular expression in it is used as one; an invalid one matches only itself.
    """
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if not entries:
        return None
    plain, patterns = [], []
    for entry in entries:
        if entry == "*":
            continue
        if _PATTERN_SIGNS.isdisjoint(entry):
            plain.append(entry)
            continue
        try:
            patterns.append(re.compile(entry, re.IGNORECASE))
        except re.error:
            plain.append(entry)
    return CorsPolicy(tuple(plain), tuple(patterns), "*" in entries)


def _preflight(fields: Fields) -> bytes:
    method = fields[PREFLIGHT_METHOD]
    if method is None or method.decode("latin-1").upper() not in METHODS:
        return b""
    lines = b"access-control-allow-methods: %b\r\n" % ", ".join(METHODS).encode()
    wanted = fields[PREFLIGHT_HEADERS]
    if wanted is not None:
        names = sorted(name.strip() for name in wanted.decode("latin-1").split(",") if name.strip())
        lines += b"access-control-allow-headers: %b\r\n" % ", ".join(names).encode("latin-1")
    return lines
