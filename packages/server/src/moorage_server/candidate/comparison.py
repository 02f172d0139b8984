"""Whether two answers to the same request say the same. Pure functions."""

import json
import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answered:
    """Status and body of one answer."""

    status: int
    body: bytes


def difference(live: Answered, shadow: Answered, tolerance: float) -> str | None:
    """Return what differs, None if nothing does: ``"status: 200 and 500"``, ``"$.a[3]: 1.0 and 1.5"``.

    JSON bodies are compared as values, so that spaces and the order of members do not matter; numbers may
    differ by ``tolerance``, relative to the larger one, or absolute near zero. Other bodies, byte by byte.
    """
    if live.status != shadow.status:
        return f"status: {live.status} and {shadow.status}"
    if live.body == shadow.body:
        return None
    try:
        pair = json.loads(live.body), json.loads(shadow.body)
    except (ValueError, RecursionError):
        return f"body: {len(live.body)} and {len(shadow.body)} bytes that differ"
    return _value_difference(*pair, tolerance)


def _value_difference(live: Any, shadow: Any, tolerance: float) -> str | None:
    # A list of what is to be compared, and no recursion: how deep an answer is, its script decides.
    pending: list[tuple[str, Any, Any]] = [("$", live, shadow)]
    while pending:
        path, a, b = pending.pop()
        if _is_number(a) and _is_number(b):
            if not _is_close(a, b, tolerance):
                return f"{path}: {a} and {b}"
        elif isinstance(a, dict) and isinstance(b, dict):
            if a.keys() != b.keys():
                odd = sorted(a.keys() ^ b.keys())[0]
                return f"{path}: {odd!r} is in one of them only"
            pending += [(f"{path}.{key}", a[key], b[key]) for key in reversed(a)]
        elif isinstance(a, list) and isinstance(b, list):
            if len(a) != len(b):
                return f"{path}: {len(a)} and {len(b)} elements"
            pending += [(f"{path}[{index}]", a[index], b[index]) for index in reversed(range(len(a)))]
        elif type(a) is not type(b) or a != b:
            return f"{path}: {_short(a)} and {_short(b)}"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_close(a: float, b: float, tolerance: float) -> bool:
    try:
        both_nan = math.isnan(a) and math.isnan(b)
        return a == b or both_nan or math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)
    except OverflowError:  # a whole number beyond the floats
        return a == b


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
