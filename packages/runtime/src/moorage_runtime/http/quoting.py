"""Percent encoding: query strings and forms, extended parameters, cookies."""

import codecs
import re
from typing import Iterator, Optional, Tuple, Union
from urllib.parse import unquote_to_bytes

_KEEP_UNDECODABLE = "moorage-keep-percent"


def _keep_percent(error: UnicodeError) -> Tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    undecodable = error.object[error.start : error.end]
    return "".join("%%%02X" % byte for byte in undecodable), error.end


codecs.register_error(_KEEP_UNDECODABLE, _keep_percent)


def decode_component(text: Union[str, bytes]) -> str:
    """Decode one name or value of a form: ``+`` is a space; bytes that are no UTF-8 stay ``%XX``."""
    raw = text.encode("latin-1", "replace") if isinstance(text, str) else text
    return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8", _KEEP_UNDECODABLE)


def parse_pairs(query: Union[str, bytes]) -> Iterator[Tuple[str, str]]:
    """Yield the pairs of a query string or a url-encoded body; only ``&`` separates."""
    raw = query.encode("latin-1", "replace") if isinstance(query, str) else query
    for piece in raw.split(b"&"):
        if piece:
            name, _, value = piece.partition(b"=")
            yield decode_component(name), decode_component(value)


def decode_extended(text: str) -> Optional[str]:
    """Decode ``charset'language'percent-encoded`` (RFC 5987); None if it is not written that way."""
    parts = text.split("'", 2)
    if len(parts) != 3:
        return None
    charset = parts[0].lower()
    if charset not in ("utf-8", "us-ascii", "iso-8859-1"):
        return None
    return unquote_to_bytes(parts[2]).decode(charset, "replace")


_OCTAL = re.compile(r"\\([0-3][0-7][0-7]|.)")


def parse_cookies(header: Optional[str]) -> Iterator[Tuple[str, str]]:
    """Yield the pairs of a ``Cookie`` header."""
    for piece in (header or "").split(";"):
        name, equals, value = piece.strip().partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not name:
            continue
        if len(value) >= 2 and value[0] == value[-1] == '"':
            value = _OCTAL.sub(_unescape, value[1:-1])
        yield name, value.encode("latin-1", "replace").decode("utf-8", "replace")


def _unescape(match: "re.Match[str]") -> str:
    escaped = match.group(1)
    return chr(int(escaped, 8)) if len(escaped) == 3 else escaped
