"""Fuzz the decoder from JSON text to columns: the same frame as on the general path, or none.

The first two bytes of an input choose the sample and what the rest means: the body itself, tokens of one, or
values for regular rows in which then one token is replaced: almost right is where mistakes are.
"""

import itertools
import json
import math
from typing import Any

import numpy as np
import pandas as pd

from moorage_runtime.schema.errors import InputError
from moorage_runtime.schema.pandas_tables import TableReader
from moorage_runtime.schema.pandas_type import PandasParameterType
from moorage_server.description import TableInput
from moorage_server.fasttables import TableDecoder

TEXTS = [
    *(
        b'""',
        b'"a"',
        b'"b c"',
        b'"\xc3\xa9"',
        b'"\\u00e9"',
        b'"\\ud83d\\ude00"',
        b'"\xf0\x9f\x98\x80"',
        b'"\\n"',
    ),
    *(
        b'"\\ud83d"',
        b'"\\ude00"',
        b'"\\u0000"',
        b'"\\u0001"',
        b'"\\u0002"',
        b'"\\/\\\\\\""',
        b'"\xed\xa0\xbd"',
    ),
    *(
        b'"\\u00"',
        b'"\\x"',
        b'"\xff"',
        b'"\xc3"',
        b'"\\',
        b'"\x01"',
        b'"nan"',
        b'"null"',
        b'"2020-01-02"',
        b'"1"',
    ),
]
NUMBERS = [
    *(b"0", b"1", b"-1", b"7", b"2.5", b"-0", b"-0.0", b"0.1", b"1e2", b"3.0", b"5e-324", b"1e308", b"1e999"),
    *(
        b"127",
        b"128",
        b"256",
        b"-129",
        b"65504.5",
        b"16777217",
        b"9007199254740993",
        b"2147483648",
        b"3.5e38",
    ),
    *(
        b"9223372036854775807",
        b"9223372036854775808",
        b"-9223372036854775808",
        b"18446744073709551615",
        b"01",
    ),
]
WORDS = [b"true", b"false", b"null", b"NaN", b"-Infinity", b"[]", b"{}", b"tru", b"nul"]
VALUES = NUMBERS + TEXTS + WORDS
TOKENS = [
    *VALUES,
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b" ",
        b"\n",
        b'"',
        b"\\",
        b"\x00",
        b"\xef\xbb\xbf",
        b'"x"',
        b'"data"',
    ),
    *(
        b'"name"',
        b'"n\\u0061me"',
        b'"size"',
        b'"\xc3\xa9"',
        b'"\\u00e9"',
        b'{"data":[{',
        b'{"data":[',
        b"}]}",
        b"},{",
    ),
]
RAW, FROM_TOKENS, ALMOST_REGULAR = range(3)


def _samples() -> list[pd.DataFrame]:
    names = pd.Series(["a"], dtype=object)
    return [
        pd.DataFrame({"name": names, "size": [1.5]}),
        pd.DataFrame({"size": np.array([1], "i8"), "name": names.astype("string"), "is": [True]}),
        pd.DataFrame({"é": np.array([1.5], "f4")}),
        pd.DataFrame({"a": np.array([1], "i1"), "b": np.array([1], "u2"), "c": np.array([1], "u8")}),
        pd.DataFrame({"name": ["a"]}),
        pd.DataFrame({f"c{i}": [i / 2] for i in range(7)}),
    ]


SAMPLES = _samples()
SEEDS = [
    *(
        bytes((sample, RAW)) + sampled.head(1).to_json(orient="records").encode()
        for sample, sampled in enumerate(SAMPLES)
    ),
    *(
        bytes((sample, ALMOST_REGULAR, rows, edit)) + bytes(range(edit, edit + 40))
        for sample in range(len(SAMPLES))
        for rows, edit in ((1, 0), (3, 0), (20, 0), (2, 50))
    ),
]

_paths: list[tuple[TableDecoder, TableReader, PandasParameterType]] = []


def check(data: bytes) -> bool:
    """Fail if the two paths differ for this input; say whether the short one took it.

    Raises:
        AssertionError: they differ.
    """
    if len(data) < 6:
        return False
    number = data[0] % len(SAMPLES)
    return compare(number, _body(data[1] % 3, data[2:], list(SAMPLES[number].columns)))


def compare(number: int, body: bytes) -> bool:
    """Fail if the two paths differ for a body and a sample; say whether the short one took it."""
    # A decoder serves many bodies, whatever came before: it is kept from input to input here, too.
    if not _paths:
        _paths.extend(map(_path, SAMPLES))
    decoder, reader, general = _paths[number]
    payload = decoder.decode(body)
    if payload is None:
        return False
    try:
        with np.errstate(over="ignore"):
            got = reader.read(payload)
            expected = general.deserialize_input(json.loads(body)["data"])
    except (InputError, ValueError, RecursionError) as error:
        raise AssertionError(f"{body!r}: decoded, but refused by the general path") from error
    assert list(got.columns) == list(expected.columns), body
    assert list(got.dtypes) == list(expected.dtypes), body
    assert list(got.index) == list(expected.index), body
    for label in got.columns:
        ours, theirs = got[label].tolist(), expected[label].tolist()
        assert [_exact(value) for value in ours] == [_exact(value) for value in theirs], (body, label)
        got[label] = got[label]  # may be written to
    with np.errstate(over="ignore"):
        together = reader.read_together([payload, payload])
    assert together is not None
    assert together[1] == [len(got), len(got)], body
    pd.testing.assert_frame_equal(together[0], pd.concat([got, got], ignore_index=True))
    return True


def _path(sample: pd.DataFrame) -> tuple[TableDecoder, TableReader, PandasParameterType]:
    kind = PandasParameterType(sample)
    reader = TableReader.of(kind)
    assert reader is not None
    expected = TableInput("data", tuple(reader.columns))
    assert TableDecoder.suits(expected)
    return TableDecoder(expected), reader, kind


def _exact(value: Any) -> Any:
    """Return something that tells 1 from 1.0, and -0.0 from 0.0."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value.hex()
    return type(value).__name__, value


def _body(mode: int, data: bytes, names: list[str]) -> bytes:
    if mode == RAW:
        return data
    if mode == FROM_TOKENS:
        return b"".join(TOKENS[byte % len(TOKENS)] for byte in data)
    rows, edit = 1 + data[0] % 40, data[1]
    values = itertools.cycle([VALUES[byte % len(VALUES)] for byte in data[2:]])
    by_kind = edit % 2  # else most rows would have a value of another type
    tokens = [b'{"data":[']
    for row in range(rows):
        tokens.append(b",{" if row else b"{")
        for position, name in enumerate(names):
            value = next(values)
            if by_kind:
                choice = TEXTS[:8] if name == "name" else NUMBERS[:4] if name != "is" else WORDS[:2]
                value = choice[value[0] % len(choice)]
            tokens += [b"," if position else b"", json.dumps(name).encode(), b":", value]
        tokens.append(b"}")
    tokens.append(b"]}")
    if edit > 1:
        place = data[-1] % len(tokens)
        tokens[place : place + edit % 3] = [TOKENS[edit % len(TOKENS)]]
    return b"".join(tokens)
