"""The table decoder against ``json.loads`` and the schema's own conversion: the same frame, or no frame."""

import contextlib
import json
import struct
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from moorage_runtime.frames import ProtocolError
from moorage_runtime.schema import pandas_labels
from moorage_runtime.schema.errors import InputError
from moorage_runtime.schema.pandas_tables import TableReader
from moorage_runtime.schema.pandas_type import PandasParameterType
from moorage_server import native
from moorage_server.description import TableInput, parse_description
from moorage_server.fasttables import TableDecoder

sys.path.insert(0, str(Path(__file__).parents[3] / "fuzz"))
if native.readers is not None:
    import decode_tables as target

pytestmark = pytest.mark.skipif(native.readers is None, reason="the parser of tables is not compiled here")

PEOPLE = pd.DataFrame({"name": ["Ann"], "age": [30], "weight": [61.5], "member": [True]})
ROW = {"name": "Bo", "age": 41, "weight": 70.0, "member": False}


def reader_and_decoder(sample=PEOPLE, **options):
    reader = TableReader.of(PandasParameterType(sample, **options))
    return reader, TableDecoder(TableInput("data", tuple(reader.columns)))


def payload_of(rows, sample=PEOPLE):
    return reader_and_decoder(sample)[1].decode(json.dumps({"data": rows}).encode())


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\1"), max_size=6)
KINDS = {
    "float64": st.one_of(
        st.floats(allow_nan=False, allow_infinity=False), st.integers(1 - 2**63, 2**63 - 1), st.none()
    ),
    "float32": st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(1 - 2**63, 2**63 - 1)),
    "int64": st.integers(1 - 2**63, 2**63 - 1),
    "int8": st.integers(1 - 2**63, 2**63 - 1),
    "uint32": st.integers(-5, 2**40),
    "bool": st.booleans(),
    "object": texts,
    "str": texts,
    "string": st.one_of(texts, st.none()),
}


@st.composite
def tables(draw):
    """A sample, and rows that fit it, with the columns in some order."""
    names = draw(st.lists(st.text('abcé\n" _', min_size=1, max_size=4), min_size=1, max_size=6, unique=True))
    kinds = [draw(st.sampled_from(sorted(KINDS))) for _ in names]
    ones = {"object": "x", "str": "x", "string": "x"}
    sample = pd.DataFrame(
        {n: pd.Series([ones.get(k, 1)], dtype=k) for n, k in zip(names, kinds, strict=True)}
    )
    order = draw(st.permutations(range(len(names))))
    rows = draw(st.lists(st.tuples(*(KINDS[kinds[i]] for i in order)), min_size=1, max_size=5))
    return sample, [dict(zip([names[i] for i in order], row, strict=True)) for row in rows]


@settings(max_examples=300, deadline=None)
@given(tables(), st.sampled_from([(",", ":"), (" , ", " : "), None]), st.booleans())
def test_regular_rows_take_the_short_way(table, separators, ascii_only):
    sample, rows = table
    kind = PandasParameterType(sample)
    reader, decoder = reader_and_decoder(sample)
    body = json.dumps({"data": rows}, separators=separators, ensure_ascii=ascii_only).encode()
    with np.errstate(over="ignore"):
        got = reader.read(decoder.decode(body))
        pd.testing.assert_frame_equal(got, kind.deserialize_input(rows), check_exact=True)
    for label in got.columns:
        values = got[label].to_numpy()
        assert values.flags.aligned
        got.loc[0, label] = got.loc[0, label]


@settings(max_examples=1500, deadline=None)
@given(st.binary(min_size=6, max_size=80))
def test_any_body_gives_the_same_frame_or_none(data):
    target.check(data)


@settings(max_examples=600, deadline=None)
@given(st.integers(0, 5), st.text(alphabet='{}[]",:.019eE+- \n\\ud8nametrulsizc', max_size=60))
@example(0, '{"name":"a","size":1,"size":2}')
@example(0, '{"name":"a","name":"b"}')
@example(0, '{"size":1,"name":"a"},{"name":"a","size":1}')
@example(0, '{"name":"\\ud800","size":1}')
@example(0, '{"n\\u0061me":"a","size":1},{"name":"a","size":1}')
def test_any_rows_give_the_same_frame_or_none(number, text):
    target.compare(number, b'{"data":[' + text.encode() + b"]}")
    target.compare(number, text.encode())


def test_the_seeds_of_the_fuzzer_reach_both_ways():
    taken = [target.check(seed) for seed in target.SEEDS]
    assert any(taken)
    assert not all(taken)


@pytest.mark.parametrize(
    "body",
    [
        '{"data": []}',
        '{"data": [{}]}',
        '{"data": [%s], "data": [%s]}',
        '{"data": [%s], "x": 1}',
        '{"Data": [%s]}',
        '[{"data": [%s]}]',
        '{"data": [%s,]}',
        '{"data": [%s]} x',
        '{"data": %s}',
        '{"data": [[%s]]}',
        '{"data": [%s, null]}',
        '\ufeff{"data": [%s]}',
        '{"data": [{"name": "Bo", "age": 41, "weight": 70.0}]}',
        '{"data": [{"name": "Bo", "age": 41, "weight": 70.0, "member": false, "x": 1}]}',
        '{"data": [{"name": "Bo", "age": 41.0, "weight": 70.0, "member": false}]}',
        '{"data": [{"name": "Bo", "age": null, "weight": 70.0, "member": false}]}',
        '{"data": [{"name": 5, "age": 41, "weight": 70.0, "member": false}]}',
        '{"data": [{"name": "Bo", "age": 41, "weight": "70", "member": false}]}',
        '{"data": [{"name": "Bo", "age": 41, "weight": NaN, "member": false}]}',
        '{"data": [{"name": "Bo", "age": 41, "weight": 70, "member": 0}]}',
        '{"data": [{"name": "B\\u0000o", "age": 41, "weight": 70, "member": false}]}',
        '{"data": [{"name": "B\\u0001o", "age": 41, "weight": 70, "member": false}]}',
        '{"data": [{"name": "B\to", "age": 41, "weight": 70, "member": false}]}',
    ],
)
def test_what_the_general_way_decides(body):
    body = body.replace("%s", json.dumps(ROW)).encode()
    assert reader_and_decoder()[1].decode(body) is None
    assert reader_and_decoder()[1].decode(body.decode().encode("utf-16")) is None


def test_a_body_cut_anywhere_is_refused():
    body = json.dumps({"data": [{**ROW, "name": "\u00e9\n\U0001f600"}] * 2}).encode()
    _, decoder = reader_and_decoder()
    assert decoder.decode(body) is not None
    assert [end for end in range(len(body)) if decoder.decode(body[:end]) is not None] == []


def test_escapes_and_letters_of_every_length():
    names = ['"\\/\b\f\n\r\t', "\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff", "\u0002"]
    reader, decoder = reader_and_decoder()
    for ascii_only in (True, False):
        body = json.dumps({"data": [{**ROW, "name": n} for n in names]}, ensure_ascii=ascii_only).encode()
        assert list(reader.read(decoder.decode(body))["name"]) == names
    for raw in (
        b"\xc0\x80",
        b"\xc3",
        b"\xe0\x9f\xbf",
        b"\xed\xa0\x80",
        b"\xf0\x8f\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\x80",
    ):
        assert decoder.decode(json.dumps({"data": [ROW]}).encode().replace(b"Bo", raw)) is None


def test_large_tables():
    rows = [{"name": f"text {i}", "age": i, "weight": i / 8, "member": i % 3 == 0} for i in range(20_000)]
    got = reader_and_decoder()[0].read(payload_of(rows))
    pd.testing.assert_frame_equal(got, PandasParameterType(PEOPLE).deserialize_input(rows))
    assert payload_of(rows * 8) is None  # more than the front reads at once


@pytest.mark.parametrize(
    ("sample", "options"),
    [
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-02"])}), {}),
        (pd.DataFrame({"a": ["x"]}, dtype="category"), {}),
        (pd.DataFrame({"a": pd.array([1], dtype="Int64")}), {}),
        (pd.DataFrame({"1": [1], "2": [2]}), {}),  # pandas' reader makes numbers of such labels
        (pd.DataFrame([[1, 2]]), {}),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), {}),
        (pd.DataFrame({"a": [1]}), {"enforce_column_type": False}),
        (pd.DataFrame({"a": [1]}), {"orient": "split"}),
        (pd.DataFrame({"a": [1]}), {"orient": "table"}),
        (pd.DataFrame(), {}),
    ],
)
def test_samples_that_are_not_sent_by_column(sample, options):
    assert TableReader.of(PandasParameterType(sample, **options)) is None


def test_descriptions_that_do_not_suit():
    assert not TableDecoder.suits(None)
    assert not TableDecoder.suits(TableInput("data", ()))
    assert not TableDecoder.suits(TableInput("data", (("a", "x"),)))
    assert not TableDecoder.suits(TableInput("data", (("\ud800", "d"),)))
    assert not TableDecoder.suits(TableInput("da ta", (("a", "d"),)))
    assert TableDecoder.suits(TableInput("data", (("a", "d"),)))
    ready = {"pid": 1, "mode": "keyword", "wants_headers": False, "openapi": {}}
    assert parse_description(json.dumps(ready).encode()).table_input is None
    ready["table_input"] = {"parameter": "data", "columns": [["a", "d"], ["b", "t"]]}
    told = parse_description(json.dumps(ready).encode()).table_input
    assert told == TableInput("data", (("a", "d"), ("b", "t")))
    ready["table_input"] = {"columns": [[]]}
    with pytest.raises(ValueError, match="unpack"):
        parse_description(json.dumps(ready).encode())


@pytest.mark.parametrize(
    ("names", "kinds"),
    [(("a",), "x"), (("a",), "dd"), ((), ""), (("a",), "d\0"), (("a",) * 5000, "d" * 5000)],
)
def test_the_compiled_reader_refuses_what_makes_no_sense(names, kinds):
    with pytest.raises(ValueError, match="letters"):
        native.readers.parse_table(b"{}", "data", names, kinds)


# --- the payload


def test_several_requests_make_one_frame():
    reader, _ = reader_and_decoder()
    one, two = payload_of([ROW]), payload_of([{**ROW, "name": "Cy"}, {**ROW, "age": 7}])
    frame, counts = reader.read_together([one, two])
    assert counts == [1, 2]
    assert frame.to_dict("records") == [ROW, {**ROW, "name": "Cy"}, {**ROW, "age": 7}]
    other = payload_of([dict(reversed(ROW.items()))])
    assert list(reader.read(other).columns) == list(reversed(ROW))
    assert reader.read_together([one, other]) is None


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 200), st.integers(0, 255), st.integers(-3, 3))
def test_garbled_payloads_are_protocol_errors_or_frames(place, byte, cut):
    reader, _ = reader_and_decoder()
    payload = bytearray(payload_of([ROW, ROW]))
    payload[place % len(payload)] = byte
    data = bytes(payload[:cut] if cut < 0 else payload + bytes(cut))
    with contextlib.suppress(ProtocolError, InputError):  # the latter where a name is garbled
        assert len(reader.read(data)) >= 1


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\1\0\0\0",
        struct.pack("<II", 1, 5) + b"dage",
        struct.pack("<II", 1, 4) + b"dage" + bytes(7),
        struct.pack("<II", 1, 4) + b"dage" + bytes(9),
        struct.pack("<II", 1, 4) + b"xage" + bytes(8),
        struct.pack("<II", 1, 0) + bytes(8),
        struct.pack("<II", 0xFFFFFFFF, 4) + b"dage" + bytes(100),
        struct.pack("<II", 2, 5) + b"sname" + struct.pack("<I", 1) + b"a",
        struct.pack("<II", 1, 5) + b"sname" + struct.pack("<I", 1) + b"\xff",
    ],
)
def test_payloads_that_cannot_be(payload):
    with pytest.raises(ProtocolError):
        reader_and_decoder()[0].read(payload)


def test_ever_new_orders_do_not_fill_the_memory():
    sample = pd.DataFrame({f"c{i}": [1.5] for i in range(6)})
    reader, decoder = reader_and_decoder(sample)
    names = list(sample.columns)
    for turn in range(200):
        shift, swap = turn % 6, turn // 6 % 5
        order = names[shift:] + names[:shift]
        order[swap], order[swap + 1] = order[swap + 1], order[swap]
        row = dict.fromkeys(order, 2.5)
        assert reader.read(decoder.decode(json.dumps({"data": [row]}).encode())).to_dict("records") == [row]
    assert len(reader._forms) <= 64


def test_a_sample_of_another_process_may_differ_in_order_and_in_types():
    rows = [ROW, {**ROW, "name": "Cy", "age": 2, "weight": None}]
    body = json.dumps({"data": rows}).encode()
    for other in (
        PEOPLE[["member", "weight", "age", "name"]],
        PEOPLE.astype({"age": "float64"}),
        PEOPLE.astype({"weight": "float32", "name": "category"}),
        PEOPLE.rename(columns={"name": "nick"}),
    ):
        kind = PandasParameterType(other)
        reader = TableReader(kind, reader_and_decoder()[0]._kinds)
        payload = reader_and_decoder()[1].decode(body)
        pd.testing.assert_frame_equal(reader.read(payload), kind.deserialize_input(rows))
        frame, counts = reader.read_together([payload, payload])
        assert (len(frame), counts) == (4, [2, 2])


def test_names_do_not_run_together():
    kind = PandasParameterType(pd.DataFrame({"a": [1.5], "b": [1.5]}), enforce_shape=False)
    reader = TableReader.of(kind)
    assert list(kind.deserialize_input([{"b\0a": 1.5}]).columns) == ["b\0a"]
    payload = TableDecoder(TableInput("data", tuple(reader.columns))).decode(b'{"data":[{"b":2,"a":1}]}')
    assert reader.read(payload).to_dict("records") == [{"b": 2.0, "a": 1.0}]


def test_what_a_script_does_to_a_frame_stays_with_its_request():
    reader, decoder = reader_and_decoder()
    for read in (
        lambda: reader.read(decoder.decode(json.dumps({"data": [ROW]}).encode())),
        lambda: PandasParameterType.deserialize_input(reader._kind, [ROW]),
    ):
        frame = read()
        frame.columns.name = "seen"
        frame["age"] = 7
        assert read().columns.name is None
        assert read()["age"].tolist() == [41]


def test_labels_at_which_pandas_fails(monkeypatch):
    def fail(labels):
        raise OverflowError("too large")

    monkeypatch.setattr(pandas_labels, "converted", fail)
    assert TableReader.of(PandasParameterType(PEOPLE)) is None


# --- over HTTP

SCRIPT = """
    import pandas as pd
    from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
    from inference_schema.schema_decorators import input_schema

    sample = pd.DataFrame({"name": ["Ann"], "age": [30], "weight": [61.5], "member": [True]})

    def init():
        pass

    @input_schema("data", PandasParameterType(sample))
    def run(data):
        assert [str(kind) for kind in data.dtypes.sort_index()][:2] == ["int64", "bool"]
        data["age"] += 1
        return [list(map(str, row)) for row in data.values.tolist()]
"""


def array_bodies(server):
    lines = server.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("moorage_array_bodies_total"))


@pytest.mark.parametrize("settings", [{}, {"max_batch_size": 8}])
def test_requests_by_column_over_http(servers, settings):
    server = servers.start(textwrap.dedent(SCRIPT), **settings)
    before = array_bodies(server)
    by_column = [
        [ROW],
        [ROW, {**ROW, "name": "\u00e9\U0001f600"}],
        [{**ROW, "weight": None}],
        [dict(reversed(ROW.items()))],
    ]
    as_text = [[{**ROW, "age": 41.0}], [ROW, dict(reversed(ROW.items()))], [{**ROW, "name": "\0"}]]
    for rows in by_column + as_text:
        answer = server.post_json({"data": rows})
        assert answer.status == 200, answer.text
        expected = [[str({**row, "age": 42}[name]) for name in rows[0]] for row in rows]
        assert answer.json() == [[text.replace("None", "nan") for text in row] for row in expected]
    assert array_bodies(server) - before == len(by_column)
    refused = server.post_json({"data": [{**ROW, "age": "x"}]})
    assert refused.status == 400
    assert "data[0].age" in refused.text
    assert server.post_json({"data": [ROW]}).status == 200
