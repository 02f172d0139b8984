"""From the return value of ``run`` to a ``RESULT`` message.

A plain value becomes what ``json.dumps`` with its default options makes of it, except that ``None``
becomes ``{}``. Longer lists of numbers travel as buffers and are written as JSON by the front. A script may
put an encoder of its own into the json module, or another ``json.dumps``: then that decides.

Arrays and frames of numpy and pandas are no JSON: they are refused, unless the function declares an
output schema of that type; then they are converted (an array like ``tolist()``, a frame as the list of
its records, with timestamps in ISO form).
"""

import json
import marshal
import struct
import sys
from json import encoder
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import frames

_SHORTEST_ARRAY = 64  # below it, JSON text is made faster here than an array is taken apart there
_HEAD = struct.Struct("<IBBHId")  # the header of a frame and the run time
_RUN_TIME_BYTES = 8
_MAX_LEVELS = 8
_MARKED = 2  # the version of marshal that has no references and writes floats as they are
_standard_dumps = json.dumps  # before a script can replace it
_ARRAY_CODES = ("f8", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1")


class NotSerialisable(Exception):
    """The return value of ``run`` cannot be written as JSON; the cause says why."""


def _message(kind: int, flags: int, elapsed_ms: float, request_id: int, *parts: Any) -> bytes:
    """Return a ``RESULT`` whose content is ``parts`` one after the other, copied once."""
    length = sum(map(len, parts)) + _RUN_TIME_BYTES
    return b"".join((_HEAD.pack(length, frames.RESULT, flags, kind, request_id, elapsed_ms),) + parts)


def json_message(text: bytes, elapsed_ms: float, request_id: int) -> bytes:
    """Return a ``RESULT`` that carries JSON text."""
    length = len(text) + _RUN_TIME_BYTES
    return _HEAD.pack(length, frames.RESULT, 0, frames.RESULT_JSON, request_id, elapsed_ms) + text


def array_message(
    type_code: str, shape: Tuple[int, ...], data: bytes, elapsed_ms: float, request_id: int
) -> bytes:
    """Return a ``RESULT`` that carries a packed array."""
    head = frames.pack_array(type_code, shape, b"")
    return _message(frames.RESULT_ARRAY, 0, elapsed_ms, request_id, head, data)


def response_message(
    head: Dict[str, Any], body: bytes, elapsed_ms: float, request_id: int, flags: int = 0
) -> bytes:
    """Return a ``RESULT`` that carries an HTTP response (with ``STREAMED``: only its head)."""
    section = frames.join_section(_standard_dumps(head).encode("ascii"))
    return _message(frames.RESULT_RESPONSE, flags, elapsed_ms, request_id, section, body)


def _make_dumps() -> Callable[[Any], str]:
    """Return ``json.dumps``, without building an encoder for every call where that can be had."""
    make = getattr(encoder, "c_make_encoder", None)
    if make is None:
        return json.dumps
    markers: Dict[int, Any] = {}
    standard = json.JSONEncoder()

    def default(value: Any) -> Any:
        # Looked up late: scripts replace the encoder of the module, or this method of its class.
        return getattr(json, "_default_encoder", standard).default(value)

    try:
        encode = make(markers, default, encoder.encode_basestring_ascii, None, ": ", ", ", False, False, True)
        if "".join(encode([1.5, "a"], 0)) != '[1.5, "a"]':
            return json.dumps
    except TypeError:  # another signature in a Python to come
        return json.dumps

    def dumps(value: Any) -> str:
        try:
            return "".join(encode(value, 0))
        except BaseException:
            markers.clear()  # what was being written when it failed
            raise

    return dumps


_dumps = _make_dumps()


def dumps(value: Any) -> bytes:
    """Return JSON text as the contract has it: ``json.dumps`` with its defaults; ``{}`` for None.

    Raises:
        NotSerialisable: json refuses ``value``.
    """
    if value is None:
        return b"{}"
    try:
        return _dumps(value).encode("ascii")
    except Exception as error:  # json's own, or what the methods of a user's class raise
        raise NotSerialisable("the result of run() cannot be written as JSON: %s" % error) from error


def is_replaced() -> bool:
    """Return whether the script has put another function in the place of ``json.dumps``."""
    return json.dumps is not _standard_dumps


def replaced_message(value: Any, elapsed_ms: float, request_id: int) -> bytes:
    """Return the ``RESULT`` for a plain value, written by the script's own ``json.dumps``.

    Raises:
        NotSerialisable: it refuses ``value``, or gives neither text nor bytes.
    """
    if value is None:
        return json_message(b"{}", elapsed_ms, request_id)
    try:
        text: Any = json.dumps(value)
        body = text.encode("utf-8") if isinstance(text, str) else bytes(memoryview(text))
    except Exception as error:
        raise NotSerialisable("the result of run() cannot be written as JSON: %s" % error) from error
    return json_message(body, elapsed_ms, request_id)


def numbers(value: List[Any]) -> Optional[Tuple[str, Tuple[int, ...], bytes]]:
    """Describe a list of floats, or of 64-bit integers, nested evenly, as an array.

    Returns:
        ``(type code, shape, little-endian data)``, or None for everything else.
    """
    shape = [len(value)]
    flat = value
    while flat and type(flat[0]) is list:
        if len(shape) == _MAX_LEVELS or set(map(type, flat)) != {list}:
            return None
        lengths = set(map(len, flat))
        if len(lengths) != 1:
            return None
        shape.append(lengths.pop())
        flat = [item for row in flat for item in row]
    first = type(flat[0]) if flat else None
    if first is float:
        data = _doubles(flat)
        return None if data is None else ("f8", tuple(shape), data)
    if first is int and set(map(type, flat)) == {int}:
        try:
            return "i8", tuple(shape), struct.pack("<%dq" % len(flat), *flat)
        except struct.error:
            return None
    return None


def _doubles(flat: List[Any]) -> Optional[bytes]:
    """Return the bytes of a list that has nothing but floats, else None."""
    # marshal writes the type in front of each item, in half the time that it takes to ask each.
    try:
        written = marshal.dumps(flat, _MARKED)
    except ValueError:  # something that it does not know
        return None
    count = len(flat)
    if len(written) != 5 + 9 * count or written[5::9] != b"g" * count:
        return None
    array = getattr(sys.modules.get("numpy"), "ndarray", None)
    if array is None:
        return struct.pack("<%dd" % count, *flat)
    return bytes(array((count,), "<f8", written, 6, (9,)).tobytes())


def _is_long(value: List[Any]) -> bool:
    """Return whether a list probably has many numbers in it, judged by its first rows."""
    count = len(value)
    for _ in range(_MAX_LEVELS):  # a list may contain itself
        if count > _SHORTEST_ARRAY:
            return True
        if not value or type(value[0]) is not list:
            return False
        value = value[0]
        count *= len(value)
    return False


def list_message(value: List[Any], elapsed_ms: float, request_id: int) -> bytes:
    """Return the ``RESULT`` for a list."""
    size = len(value)
    if size == 1 and type(value[0]) is float and value[0] - value[0] == 0.0:
        # The answer to one row: no encoder is needed for one finite number.
        return json_message(b"[%s]" % repr(value[0]).encode("ascii"), elapsed_ms, request_id)
    if size > _SHORTEST_ARRAY or (size and type(value[0]) is list and _is_long(value)):
        described = numbers(value)
        if described is not None:
            return array_message(described[0], described[1], described[2], elapsed_ms, request_id)
    return json_message(dumps(value), elapsed_ms, request_id)


def plain_message(value: Any, elapsed_ms: float, request_id: int) -> bytes:
    """Return the ``RESULT`` for a value that is no response object.

    Raises:
        NotSerialisable: it cannot be written as JSON.
    """
    if type(value) is list:
        return list_message(value, elapsed_ms, request_id)
    return json_message(dumps(value), elapsed_ms, request_id)


def declared_writer(kind: type, declared: Tuple[type, ...]) -> Optional[Callable[..., bytes]]:
    """Return how to write a numpy or pandas result whose type the output schema declares, else None."""
    if not declared or not issubclass(kind, declared):
        return None
    module = kind.__module__.partition(".")[0]
    if module == "numpy" and hasattr(kind, "tolist"):
        return array_result
    if module == "pandas" and hasattr(kind, "to_json"):
        return frame_result
    return None


def frame_result(value: Any, elapsed_ms: float, request_id: int) -> bytes:
    """Return the ``RESULT`` for a pandas frame: its records, times as ISO text, missing values as null.

    Raises:
        NotSerialisable: pandas cannot write it.
    """
    try:
        text = value.to_json(orient="records", date_format="iso")
    except Exception as error:
        raise NotSerialisable("the result of run() cannot be written as JSON: %s" % error) from error
    return json_message(text.encode("utf-8"), elapsed_ms, request_id)


def array_result(value: Any, elapsed_ms: float, request_id: int) -> bytes:
    """Return the ``RESULT`` for a numpy array or scalar of a function with numpy output schema.

    The text is that of ``value.tolist()``; NaN and infinities stay tokens.
    """
    code = value.dtype.str[1:]
    if code in ("f2", "f4"):  # as tolist() does: the digits of the double, not the shortest of the type
        value, code = value.astype("f8"), "f8"
    if value.ndim and value.size > _SHORTEST_ARRAY and code in _ARRAY_CODES:
        import numpy  # noqa: PLC0415

        if code != "f8" or numpy.isfinite(value).all():
            data = numpy.ascontiguousarray(value, dtype="<" + code).tobytes()
            return array_message(code, value.shape, data, elapsed_ms, request_id)
    return json_message(dumps(value.tolist()), elapsed_ms, request_id)
