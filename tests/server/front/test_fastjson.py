"""The array decoder against ``json.loads`` and ``numpy.array``: the same array, or no array."""

import json
import math
import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from moorage_runtime import frames
from moorage_server import native
from moorage_server.description import ArrayInput
from moorage_server.fastjson import ArrayDecoder, array_as_json

FLOATS = ("f8", "f4", "f2")
INTEGERS = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
SHAPES = [(None,), (None, 2), (None, 10), (None, 2, 3), (None, 1)]


WAYS = {"is_native": False}


@pytest.fixture(scope="module", params=["native", "simdjson"], autouse=True)
def way(request):
    """Everything here holds for both readers, and for the compiled one only where there is one."""
    if request.param == "native" and native.readers is None:
        pytest.skip("the parser of numbers is not compiled here: no C compiler, or no Python.h")
    WAYS["is_native"] = request.param == "native"


def decoder(code, shape):
    return ArrayDecoder(ArrayInput("data", code, shape, True), **WAYS)


def general(body, code, shape):
    """What the scorer makes of the body: an array, or None where it refuses it."""
    try:
        value = json.loads(body)["data"]
        with np.errstate(over="ignore"):
            array = np.array(value, dtype=code)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    if array.ndim != len(shape) or any(
        e is not None and e != g for e, g in zip(shape, array.shape, strict=True)
    ):
        return None
    return array


def same(payload, expected):
    code, carrier, shape, data = frames.unpack_carried(payload)
    assert expected is not None, "an array where the general path refuses"
    assert shape == expected.shape
    got = np.frombuffer(data, dtype="<" + carrier).astype("<" + code)
    assert got.dtype == expected.dtype
    assert got.tobytes() == expected.tobytes()


numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.integers(-300, 300),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [0.1, -0.0, 5e-324, 1.7976931348623157e308, 2**53 + 1, 2**63, 2**64 - 1, -(2**63), 65504.5]
    ),
)


def arrays(element):
    def of(shape):
        strategy = element
        for extent in reversed(shape[1:]):
            strategy = st.lists(strategy, min_size=extent, max_size=extent)
        return st.tuples(st.just(shape), st.lists(strategy, min_size=1, max_size=6))

    return st.sampled_from(SHAPES).flatmap(of)


@settings(max_examples=400, deadline=None)
@given(
    arrays(numbers), st.sampled_from(FLOATS + INTEGERS), st.sampled_from([(",", ":"), (" , ", " : "), None])
)
def test_regular_numbers(shaped, code, separators):
    shape, value = shaped
    body = json.dumps({"data": value}, separators=separators).encode()
    payload = decoder(code, shape).decode(body)
    if payload is not None:
        same(payload, general(body, code, shape))


anything = st.recursive(
    st.one_of(numbers, st.booleans(), st.none(), st.text(max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["data", "a", "[", ","]), inner, max_size=3),
    ),
    max_leaves=20,
)


@settings(max_examples=600, deadline=None)
@given(
    st.one_of(anything, st.builds(lambda v: {"data": v}, anything)),
    st.sampled_from(SHAPES),
    st.sampled_from(FLOATS + INTEGERS),
)
@example({"data": [[1, 2], [3]]}, (None, 2), "f8")
@example({"data": [[1, [2]], [3, 4]]}, (None, 2), "f8")
@example({"data": [[[1, 2], []]]}, (None, 2), "f8")
@example({"data": [[1], 2]}, (None,), "f8")
@example({"data": [[]]}, (None, 1), "f8")
@example({"data": [[1, 2, 3], [4]]}, (None, 2), "f8")
@example({"data": {"a": [1, 2]}}, (None,), "f8")
def test_any_document(value, shape, code):
    body = json.dumps(value).encode()
    payload = decoder(code, shape).decode(body)
    if payload is not None:
        same(payload, general(body, code, shape))


@settings(max_examples=600, deadline=None)
@given(st.binary(max_size=60), st.text(alphabet='{}[]",:.0123456789eE+- \n\\databNaN', max_size=60))
def test_any_bytes(data, text):
    one = decoder("f8", (None, 2))
    for body in (data, text.encode(), b'{"data":' + text.encode() + b"}", b'{"data":[[' + data + b"]]}"):
        payload = one.decode(body)
        if payload is not None:
            same(payload, general(body, "f8", (None, 2)))
    # The decoder is not harmed by what it refused.
    same(one.decode(b'{"data":[[1,2]]}'), np.array([[1.0, 2.0]]))


@st.composite
def decimals(draw):
    """Numbers as people and programs write them, with few digits and many, and between two doubles."""
    sign = draw(st.sampled_from(["", "-"]))
    whole = draw(st.one_of(st.integers(0, 99), st.integers(0, 10**19), st.integers(2**53, 2**54)))
    fraction = draw(st.one_of(st.just(""), st.text("0123456789", min_size=1, max_size=24)))
    exponent = draw(st.one_of(st.just(""), st.integers(-340, 340).map("e{}".format), st.just("E+5")))
    return sign + str(whole) + ("." + fraction if fraction else "") + exponent


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(decimals(), st.floats(allow_nan=False).map(repr)), min_size=1, max_size=8))
@example(["9007199254740993"])  # between two doubles: to the even one
@example(["9007199254740993.0", "9007199254740995.0", "900719925474099300e-2"])
@example(["0.1000000000000000055511151231257827", "2.2250738585072011e-308", "1.7976931348623159e308"])
@example(["0.00000000000000000000000000000123456789012345678", "1e-65", "1e-66", "123456789e65"])
def test_every_way_to_write_a_number(texts):
    body = b'{"data": [' + ", ".join(texts).encode() + b"]}"
    payload = decoder("f8", (None,)).decode(body)
    if payload is not None:
        same(payload, general(body, "f8", (None,)))


def test_powers_of_five_are_what_their_script_computes():
    folder = Path(__file__).parents[3] / "packages" / "server" / "native"
    script = runpy.run_path(str(folder / "powers_of_five.py"))
    assert (folder / "powers_of_five.h").read_text() == script["header"]()


@pytest.mark.parametrize("rows", [1, 2, 100, 3000])
@pytest.mark.parametrize("code", ["f8", "i8", "f4", "i4"])
def test_large_regular_bodies_take_the_fast_path(rows, code):
    values = [
        [(row * 10 + column) * (1 if code[0] == "i" else 0.37) for column in range(10)] for row in range(rows)
    ]
    for indent in (None, 1):
        body = json.dumps({"data": values}, indent=indent).encode()
        same(decoder(code, (None, 10)).decode(body), np.array(values, dtype=code))


@pytest.mark.parametrize("rows", [2, 100, 3000])
@pytest.mark.parametrize("width", [9, 11, "nested", "text"])
def test_one_irregular_row_among_many(rows, width):
    good = [0.123456789012345] * 10
    bad = {"nested": [[0.1] * 10], "text": "0123456789"}.get(width) or [0.1] * width
    for position in (0, rows // 2, rows - 1):
        values = [good] * rows
        values[position] = bad
        assert decoder("f8", (None, 10)).decode(json.dumps({"data": values}).encode()) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": [[1,2]], "data": [[3,4]]}',
        b'{"Data": [[1,2]]}',
        b'{"data": [[1,2]], "x": 1}',
        b'{"data": []}',
        b'{"data": [[]]}',
        b'{"data": [[NaN, 1]]}',
        b'{"data": [[1e999, 1]]}',
        b'{"data": [[true, 1]]}',
        b'{"data": [["1", 1]]}',
        b'{"data": [[null, 1]]}',
        b'[{"data": [[1, 2]]}]',
        b'"data"',
        b"",
        b'{"data": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_what_the_general_path_must_decide(body):
    assert decoder("f8", (None, 2)).decode(body) is None


def test_integers_out_of_range_are_for_the_general_path():
    for code, value in (
        ("i1", 128),
        ("i1", -129),
        ("u1", -1),
        ("u1", 256),
        ("i4", 2**31),
        ("u8", -1),
        ("i8", 2**63),
    ):
        assert decoder(code, (None,)).decode(json.dumps({"data": [value]}).encode()) is None
    same(
        decoder("u8", (None,)).decode(b'{"data": [18446744073709551615]}'), np.array([2**64 - 1], dtype="u8")
    )


def test_a_body_that_is_too_large_for_the_event_loop_is_for_the_general_path():
    assert decoder("f8", (None,)).decode(b'{"data": [' + b"1," * 4_000_000 + b"1]}") is None


def test_kinds_of_arrays_that_are_never_decoded_here():
    assert ArrayDecoder.suits(ArrayInput("data", "f8", (None, 2), True))
    assert not ArrayDecoder.suits(None)
    for code, shape in (("b1", (None,)), ("f8", ()), ("f8", (None, None)), ("f8", (None, 0)), ("f8", (3, 2))):
        assert not ArrayDecoder.suits(ArrayInput("data", code, shape, True))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["f8", "f4", "f2", *INTEGERS, "b1"]),
    st.sampled_from([(), (0,), (1,), (7,), (3, 2), (2, 0), (2, 2, 2)]),
    st.binary(min_size=64, max_size=64),
)
def test_arrays_as_json(code, shape, noise):
    dtype = np.dtype("?" if code == "b1" else "<" + code)
    count = math.prod(shape)
    array = np.frombuffer(
        noise[: count * dtype.itemsize] if code != "b1" else bytes(b & 1 for b in noise[:count]), dtype
    )
    array = array.reshape(shape)
    text = array_as_json(frames.pack_array(code, shape, array.tobytes()))
    assert json.dumps(json.loads(text)) == json.dumps(array.tolist())


def test_non_finite_values_are_tokens():
    array = np.array([np.nan, np.inf, -np.inf, 1.0])
    text = array_as_json(frames.pack_array("f8", (4,), array.tobytes()))
    assert text == b"[NaN, Infinity, -Infinity, 1.0]"


WIDE_CODES = {"f8": "d", "i8": "i", "u8": "u"}
LIMITS = [
    *((value, size) for size in (1, 2, 4) for value in (2 ** (8 * size - 1) - 1, -(2 ** (8 * size - 1)))),
    *((value, 2 * size) for size in (1, 2, 4) for value in (2 ** (8 * size - 1), -(2 ** (8 * size - 1)) - 1)),
    *((-0.0, 8), (2**53, 8), (2**63 - 1, 8), (-(2**63), 8), (2**64 - 1, 8), (0.5, 8), (1e300, 8), (7.0, 8)),
]


@pytest.mark.parametrize("code", WIDE_CODES)
@pytest.mark.parametrize(("value", "size"), LIMITS)
def test_many_whole_numbers_are_carried_in_as_few_bytes_as_they_need(code, value, size):
    rows = [[number % 100, 99 - number % 100] for number in range(200)] + [[value, 1]]
    body = json.dumps({"data": rows}).encode()
    payload = decoder(code, (None, 2)).decode(body)
    if payload is None:  # a fraction among integers, say: the general path decides
        assert code != "f8" or abs(value) >= 2**63
        return
    expected = general(body, code, (None, 2))
    same(payload, expected)
    assert len(payload) == 20 + (size if WAYS["is_native"] else 8) * expected.size


@pytest.mark.parametrize("code", WIDE_CODES)
@given(few=st.lists(st.one_of(st.integers(-200, 200), st.integers(-70_000, 70_000), numbers), min_size=1))
@settings(max_examples=100, deadline=None)
def test_what_many_numbers_are_carried_as_changes_none_of_them(code, few):
    body = json.dumps({"data": few * 130}).encode()
    payload = decoder(code, (None,)).decode(body)
    if payload is not None:
        same(payload, general(body, code, (None,)))


@pytest.mark.parametrize("shape", [(640_034_342, 0, 0), (0, 2**40), (2**31, 2**31, 0)])
def test_an_array_of_nothing_is_not_written_for_ever(shape):
    with pytest.raises(frames.ProtocolError, match="without numbers"):
        array_as_json(frames.pack_array("f8", shape, b""))
    assert array_as_json(frames.pack_array("f8", (3, 0), b"")) == b"[[],[],[]]"
    assert array_as_json(frames.pack_array("f8", (0,), b"")) == b"[]"
