"""Query strings as input: ``GET /score?a=1&a=x`` (contract section 5.1)."""

import codecs
import json
from typing import Any
from urllib.parse import unquote_to_bytes


def parse_query(query: bytes) -> dict[str, Any]:
    """Return name -> value; values that are JSON are decoded, repeated names give a list.

    Form decoding: ``+`` is a blank, percent escapes are UTF-8, and bytes that are not stay escaped.
    """
    collected: dict[str, list[Any]] = {}
    for piece in query.split(b"&"):
        if piece:
            name, _, value = piece.partition(b"=")
            collected.setdefault(_decode(name), []).append(_typed(_decode(value)))
    return {name: values[0] if len(values) == 1 else values for name, values in collected.items()}


def query_as_json(query: bytes) -> bytes:
    """Return the JSON text that an undecorated script gets for a GET request, ASCII only."""
    return json.dumps(parse_query(query)).encode()


def _typed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _decode(text: bytes) -> str:
    raw = unquote_to_bytes(text.replace(b"+", b" "))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "moorage.percent")


def _percent(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    bad = error.object[error.start : error.end]
    return "".join(f"%{byte:02X}" for byte in bad), error.end


codecs.register_error("moorage.percent", _percent)
