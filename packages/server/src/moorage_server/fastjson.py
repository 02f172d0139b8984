"""JSON text to numeric buffers and back, without a Python object per number.

It is ``native/numbers.c`` that reads the text, or simdjson where that could not be compiled.
:class:`ArrayDecoder` accepts a body only when the result is beyond doubt the same as that of
``json.loads`` and ``numpy.array(value, dtype)``; in every other case the general path decides.
"""

import json
import math
import struct
from typing import Any, Final, Literal

import numpy as np
import orjson

from moorage_runtime import frames
from moorage_server.description import ArrayInput
from moorage_server.native import IS_NATIVE, MAX_BYTES, readers

_KEEP_PARSER_BYTES: Final = 1_000_000  # above, the parser's buffers are given back
_NOT_STRUCTURE: Final = bytes(code for code in range(256) if code not in b"[],")
_MAX_EMPTY_LISTS: Final = 65536  # in the text of an array without numbers
_FEW_ROWS: Final = 16
_SHORT_ROW_BYTES: Final = 73  # below, comparing brackets is cheaper than asking each row for its length
_INTEGERS: Final = {
    "i1": (-(2**7), 2**7 - 1),
    "i2": (-(2**15), 2**15 - 1),
    "i4": (-(2**31), 2**31 - 1),
    "u1": (0, 2**8 - 1),
    "u2": (0, 2**16 - 1),
    "u4": (0, 2**32 - 1),
}
BufferType = Literal["d", "i", "u"]
_WIDE: Final[dict[str, BufferType]] = {"f8": "d", "i8": "i", "u8": "u"}


class ArrayDecoder:
    """Turns ``{"data": [[1, 2.5], ...]}`` into the payload of an ``ARRAY`` request.

    Only for arrays of known rank whose extents, except for the first, are known: the first is free.
    """

    def __init__(self, expected: ArrayInput, *, is_native: bool = IS_NATIVE) -> None:
        self._key = expected.parameter
        self._type_code = expected.type_code
        self._row_shape: tuple[int, ...] = tuple(extent or 0 for extent in expected.shape[1:])
        self._rank = len(expected.shape)
        self._row_size = int(np.prod(self._row_shape, dtype=np.int64))
        self._row_skeleton = _skeleton(self._row_shape)
        # Most requests have few rows, and these are compared without building anything.
        self._skeletons = {
            count: _array_skeleton(self._row_skeleton, count) for count in range(1, _FEW_ROWS + 1)
        }
        self._is_wide = expected.type_code in _WIDE
        self._buffer_type = _buffer_type(expected.type_code)
        self._head = struct.Struct(f"<{self._rank}Q")
        code = expected.type_code
        self._array_heads = {
            size: frames.pack_array(code, (), b"")[:2] + bytes((self._rank, size)) for size in (0, 1, 2, 4)
        }
        self._read = self._read_natively if is_native else self._read_by_simdjson
        self._parser: Any = None

    @staticmethod
    def suits(expected: ArrayInput | None) -> bool:
        """Whether arrays of that kind can be decoded here at all."""
        return (
            expected is not None
            and expected.type_code in (*_WIDE, *_INTEGERS, "f4", "f2")
            and len(expected.shape) >= 1
            and expected.shape[0] is None
            and all(expected.shape[1:])
        )

    def decode(self, body: bytes) -> bytes | None:
        """Return a ``pack_array`` payload, or None when the general path must decide."""
        if len(body) > MAX_BYTES:
            return None
        read = self._read(body)
        if read is None:
            return None
        size, data = read
        count = len(data) // (self._row_size * size)
        if not count:
            return None
        if not self._is_wide:
            narrow = self._narrow(data)
            if narrow is None:
                return None
            data = narrow
        return b"".join((self._array_heads[size & 7], self._head.pack(count, *self._row_shape), data))

    def _read_natively(self, body: bytes) -> tuple[int, bytes] | None:
        """Return ``(bytes per number, numbers)`` of a body with nothing but rows of the expected shape."""
        return readers.parse(body, self._key, self._row_shape, self._buffer_type, self._is_wide)

    def _read_by_simdjson(self, body: bytes) -> tuple[int, bytes] | None:
        import simdjson  # late: only where it is needed

        size = len(body)
        parser = self._parser
        if parser is None or size > _KEEP_PARSER_BYTES:
            parser = simdjson.Parser()
            if size <= _KEEP_PARSER_BYTES:
                self._parser = parser
        document: Any = None
        data: Any = None
        count = 0
        try:
            document = parser.parse(body)
            # A document or rows of another type have no such members or no such length, or fail as a buffer.
            if len(document) == 1:
                rows = document[self._key]
                count = len(rows)
                skeleton = self._skeletons.get(count)
                if skeleton is not None:
                    is_regular = body.translate(None, _NOT_STRUCTURE) == skeleton
                else:
                    is_regular = self._is_regular(body, rows, count)
                if is_regular and type(rows) is simdjson.Array:
                    data = rows.as_buffer(of_type=self._buffer_type)
        except (ValueError, TypeError, KeyError, RuntimeError):
            return None
        finally:
            # The parser cannot be used again while something refers to its document.
            rows = document = None
        # An empty row and a row of one number look the same without their digits.
        if data is None or data.size != count * self._row_size * 8:
            return None
        return 8, bytes(data)

    def _is_regular(self, body: bytes, rows: Any, count: int) -> bool:
        """Whether all rows have the expected shape. There is no text in the body but the key."""
        if not count:
            return False
        if self._rank == 1:
            return body.count(b"[") == 1
        if self._rank == 2 and len(body) > count * _SHORT_ROW_BYTES:
            # Every row is a list of that length, and there are no lists besides the rows.
            return body.count(b"[") == count + 1 and set(map(len, rows)) == {self._row_size}
        return body.translate(None, _NOT_STRUCTURE) == _array_skeleton(self._row_skeleton, count)

    def _narrow(self, buffer: Any) -> bytes | None:
        """Convert numbers of 8 bytes to the type that is wanted; None if one does not fit."""
        code = self._type_code
        if self._buffer_type == "d":
            with np.errstate(over="ignore"):
                return np.frombuffer(buffer, dtype="<f8").astype("<" + code).tobytes()
        values = np.frombuffer(buffer, dtype="<i8")
        low, high = _INTEGERS[code]
        if values.min() < low or values.max() > high:
            return None
        return values.astype("<" + code).tobytes()


def _skeleton(shape: tuple[int, ...]) -> bytes:
    """Return the brackets and commas of one row: ``(2, 3)`` -> ``[[,,],[,,]]``."""
    text = b""
    for extent in reversed(shape):
        text = b"[" + b",".join([text] * extent) + b"]"
    return text


def _array_skeleton(row: bytes, count: int) -> bytes:
    return b"[" + (row + b",") * (count - 1) + row + b"]"


def _buffer_type(type_code: str) -> BufferType:
    if type_code in _WIDE:
        return _WIDE[type_code]
    return "d" if type_code.startswith("f") else "i"


def array_as_json(payload: bytes | memoryview) -> bytes:
    """Return the JSON text of a ``RESULT_ARRAY`` payload; non-finite values are ``NaN`` and ``Infinity``.

    Raises:
        ProtocolError: the payload does not describe an array.
    """
    code, shape, data = frames.unpack_array(payload)
    if not data and math.prod(extent or 1 for extent in shape) > _MAX_EMPTY_LISTS:
        # Nothing bounds the text of such an array: a billion rows of no columns are a few bytes here.
        raise frames.ProtocolError(f"an array of the shape {shape} without numbers is too large")
    dtype = "?" if code == "b1" else "<" + code
    array = np.frombuffer(data, dtype=dtype).reshape(shape)
    if code in ("f4", "f2"):
        with np.errstate(invalid="ignore"):  # signalling NaN
            array = array.astype(np.float64)
    if not shape or (array.dtype.kind == "f" and not np.isfinite(array).all()):
        # orjson would write null.
        return json.dumps(array.tolist()).encode()
    return orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY)
