"""Fuzz the decoder from JSON text to numeric buffers: the same array as on the general path, or none.

The first three bytes of an input choose dtype, shape and what the rest means: the body itself, tokens of one,
or numbers for a regular array in which then one token is replaced: almost right is where mistakes are.
"""

import itertools
import json
import warnings
from collections.abc import Iterator

import numpy as np

from moorage_runtime import frames
from moorage_runtime.schema.errors import InputError
from moorage_runtime.schema.numpy_type import NumpyParameterType
from moorage_server.description import ArrayInput
from moorage_server.fastjson import ArrayDecoder, array_as_json

CODES = ("f8", "f4", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
SHAPES: tuple[tuple[int | None, ...], ...] = ((None,), (None, 1), (None, 2), (None, 10), (None, 2, 3))
WORDS = [
    *(b'{"data":', b'"data"', b"[[", b"]]", b"],[", b"]]}", b"null", b"true", b"false", b"NaN", b"Infinity"),
    *(b"-0", b"0.1", b"1e308", b"1e999", b"5e-324", b"9007199254740993", b"18446744073709551615", b"-1"),
    *(
        b"9223372036854775808",
        b"2147483648",
        b"65505",
        b"32768",
        b"256",
        b"\\u0061",
        b"\xef\xbb\xbf",
        b"1E+2",
    ),
]
NUMBERS = [
    *(
        b"0",
        b"1",
        b"-1",
        b"7",
        b"2.5",
        b"-0",
        b"-0.0",
        b"0.1",
        b"1e2",
        b"1E+2",
        b"5e-324",
        b"1e308",
        b"127",
        b"128",
    ),
    *(b"-128", b"-129", b"255", b"256", b"32767", b"32768", b"65504.5", b"65535", b"65536", b"16777217"),
    *(b"2147483647", b"2147483648", b"-2147483649", b"4294967295", b"4294967296", b"9007199254740993"),
    *(b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809", b"18446744073709551615"),
    *(b"18446744073709551616", b"123456789012345678901234567890", b"0.1000000000000000055511151231257827"),
    *(b"3.4028235677973366e38", b"1.7976931348623159e308", b"2.2250738585072011e-308", b"1.0", b"3.0"),
]
TOKENS = [
    *NUMBERS,
    *(
        b"[",
        b"]",
        b"[",
        b"]",
        b",",
        b",",
        b"{",
        b"}",
        b":",
        b" ",
        b"\n",
        b'"data"',
        b'"x"',
        b'"d\\u0061ta"',
        b'""',
    ),
    *(
        b"null",
        b"true",
        b"false",
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"01",
        b".5",
        b"1.",
        b"+1",
        b"-",
        b'"1"',
        b'"["',
    ),
    *(
        b'{"data":',
        b'{"data": [[',
        b"]]}",
        b"],[",
        b"], [",
        b"[]",
        b"[[",
        b"]]",
        b"\x00",
        b"\xff",
        b"\xef\xbb\xbf",
    ),
]
RAW, FROM_TOKENS, ALMOST_REGULAR = range(3)
SEEDS = [
    bytes((code, shape, RAW)) + body
    for code in range(len(CODES))
    for shape, body in (
        (0, b'{"data": [1, 2, 3]}'),
        (1, b'{"data": [[1], [-0.5]]}'),
        (2, b'{"data": [[1, 2.5e3], [3, 18446744073709551615]]}'),
        (3, b'{"data": [[1,2,3,4,5,6,7,8,9,10]]}'),
        (4, b'{"data": [[[1,2,3],[4,5,6]]]}'),
    )
] + [
    bytes((code, shape, ALMOST_REGULAR, rows, edit)) + bytes(range(edit, edit + 40))
    for code in range(len(CODES))
    for shape in range(len(SHAPES))
    for rows, edit in ((1, 0), (3, 0), (20, 0), (2, 45))
]

_decoders: dict[tuple[str, tuple[int | None, ...]], tuple[ArrayDecoder, NumpyParameterType]] = {}
warnings.simplefilter("ignore", RuntimeWarning)  # of numpy, for numbers that are too large for the dtype


def check(data: bytes) -> None:
    """Fail if the two paths differ for this input.

    Raises:
        AssertionError: they do.
    """
    if len(data) < 5:
        return
    code, shape = CODES[data[0] % len(CODES)], SHAPES[data[1] % len(SHAPES)]
    body = _body(data[2] % 3, data[3:], shape)
    fast, general = _paths(code, shape)
    payload = fast.decode(body)
    if payload is None:
        return
    got_code, carrier, got_shape, buffer = frames.unpack_carried(payload)
    try:
        expected = general.deserialize_input(json.loads(body)["data"])
    except (InputError, ValueError, RecursionError) as error:
        raise AssertionError(
            f"{body!r} as {code} {shape}: decoded, but refused by the general path"
        ) from error
    assert (got_code, got_shape) == (code, expected.shape), (body, code, shape)
    got = np.frombuffer(buffer, "<" + carrier).astype("<" + code).tobytes()
    assert got == expected.tobytes(), (body, code, shape)
    text = array_as_json(frames.pack_array(code, got_shape, got))
    assert json.dumps(json.loads(text)) == json.dumps(expected.tolist()), (body, code, shape)


def _body(mode: int, data: bytes, shape: tuple[int | None, ...]) -> bytes:
    if mode == RAW:
        return data
    if mode == FROM_TOKENS:
        return b"".join(TOKENS[byte % len(TOKENS)] for byte in data)
    rows, edit = 1 + data[0] % 40, data[1]
    numbers = itertools.cycle([NUMBERS[byte % len(NUMBERS)] for byte in data[2:]] or [b"1"])
    tokens = [b'{"data":', *_nested((rows, *(extent or 1 for extent in shape[1:])), numbers), b"}"]
    if edit:
        place = data[-1] % len(tokens)
        tokens[place : place + edit % 3] = [TOKENS[edit % len(TOKENS)]]
    return b"".join(tokens)


def _nested(shape: tuple[int, ...], numbers: Iterator[bytes]) -> Iterator[bytes]:
    if not shape:
        yield next(numbers)
        return
    yield b"["
    for index in range(shape[0]):
        if index:
            yield b","
        yield from _nested(shape[1:], numbers)
    yield b"]"


def _paths(code: str, shape: tuple[int | None, ...]) -> tuple[ArrayDecoder, NumpyParameterType]:
    # A decoder serves many bodies, whatever came before: it is kept from input to input here, too.
    if (code, shape) not in _decoders:
        sample = np.zeros([extent or 1 for extent in shape], dtype=code)
        _decoders[code, shape] = (
            ArrayDecoder(ArrayInput("data", code, shape, True)),
            NumpyParameterType(sample),
        )
    return _decoders[code, shape]
