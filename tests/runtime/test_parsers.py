"""Every parser of the runtime: any bytes give a value or the one error that it names."""

import io
import itertools
import json
import math
import socket
import struct
import tempfile
import threading
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from moorage_runtime import frames, results
from moorage_runtime.arguments import Arguments, ClientError, decode_text, parse_object
from moorage_runtime.batches import is_batchable, join_arrays
from moorage_runtime.connection import Connection
from moorage_runtime.entry_script import EntryScript, Parameter
from moorage_runtime.http.accepted import Accept, Authorization, CacheControl, ETags, Range
from moorage_runtime.http.errors import RequestEntityTooLarge
from moorage_runtime.http.headers import parse_options
from moorage_runtime.http.multipart import MalformedMultipart, MultipartReader
from moorage_runtime.http.quoting import decode_component, parse_cookies, parse_pairs
from moorage_runtime.http.response import Response
from moorage_runtime.settings import InvalidSettings, parse_settings
from moorage_runtime.upload_pieces import UnbrokenDashes

latin = st.text(st.characters(max_codepoint=255))


@given(st.binary())
def test_object_parser(data) -> None:
    with suppress(ClientError):
        assert isinstance(parse_object(data), dict)


@given(st.binary())
def test_text_decoder(data) -> None:
    with suppress(ClientError):
        assert decode_text(data).encode() == data


@given(st.binary())
@example(b"{}")
@example(b'{"scoring_timeout_ms": null}')
def test_settings_parser(data) -> None:
    with suppress(InvalidSettings):
        parse_settings(data)


SCRIPT = EntryScript("x", None, None, "keyword", [Parameter("data", True), Parameter("n", False, 3)], True)


@given(st.binary(), st.sampled_from([frames.TEXT, frames.JSON, frames.ARRAY, 9]), st.integers(0, 7))
def test_arguments_of_any_message(payload, kind, flags) -> None:
    with suppress(ClientError, frames.ProtocolError):
        arguments = Arguments(SCRIPT).of(frames.Frame(frames.SCORE, flags, kind, 1, payload))
        assert set(arguments) <= {"data", "n", "request_headers"}


@given(st.binary())
def test_array_heads_are_checked_again_when_they_are_known(data) -> None:
    """The reader remembers heads; a remembered one must not let a payload of another size pass."""
    reader = Arguments(SCRIPT)
    good = frames.pack_array("f8", (2, 2), struct.pack("<4d", 1, 2, 3, 4))
    assert reader.read_array(good).tolist() == [[1, 2], [3, 4]]
    for payload in (good[:20] + data, good + data, good[: len(data)], data):
        with suppress(frames.ProtocolError):
            assert reader.read_array(payload).nbytes <= 8 * len(payload)
    assert reader.read_array(good).tolist() == [[1, 2], [3, 4]]


@given(
    st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 255)), max_size=20),
    st.lists(st.integers(1, 400), min_size=1, max_size=10),
)
def test_frames_survive_any_cutting(messages, sizes) -> None:
    stream = b"".join(
        frames.pack(type_, payload, request_id=i) for i, (payload, type_) in enumerate(messages)
    )
    ours, theirs = socket.socketpair()

    def send():
        rest = stream
        while rest:
            for size in sizes:
                ours.sendall(rest[:size])
                rest = rest[size:]
        ours.close()

    with theirs:
        thread = threading.Thread(target=send)
        thread.start()
        connection = Connection(theirs)
        received = []
        while connection.receive():
            received.append(connection.pending.popleft())
            connection.poll()
        thread.join()
    assert [(bytes(f.payload), f.type) for f in received] == messages
    assert [f.request_id for f in received] == list(range(len(messages)))


@given(st.binary(max_size=200))
def test_any_stream_gives_frames_or_the_protocol_error(data) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(data)
        ours.close()
        connection = Connection(theirs)
        with suppress(frames.ProtocolError):
            while connection.receive():
                connection.pending.popleft()


numbers = st.floats() | st.integers(-(2**70), 2**70) | st.booleans() | st.none() | st.just("a")
lists = st.recursive(
    st.lists(st.floats(allow_nan=False, allow_infinity=False)) | st.lists(numbers, max_size=4),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=30,
)


def read(code, shape, data):
    """What the front writes for an array."""
    flat = list(struct.unpack(f"<{len(data) // 8}{'d' if code == 'f8' else 'q'}", data))
    for extent in reversed(shape[1:]):
        flat = [flat[i : i + extent] for i in range(0, len(flat), extent)] if extent else [[]] * shape[0]
    return flat


@given(lists)
@example([[1.0], [2.0, 3.0]])
@example([1.0, math.nan])
@example([[[1, 2], [3, 4]]])
@example([1, True])
@example([-0.0])
def test_arrays_and_json_say_the_same(value) -> None:
    described = results.numbers(value)
    if described is not None:
        assert json.dumps(read(*described)) == json.dumps(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_results_are_written_as_json_dumps_does(value) -> None:
    expected = "{}" if value is None else json.dumps(value)
    message = results.plain_message(value, 1.5, 7)
    length, type_, flags, kind, number = frames.HEADER.unpack_from(message)
    assert (length, type_, flags, number) == (len(message) - 12, frames.RESULT, 0, 7)
    assert struct.unpack_from("<d", message, 12) == (1.5,)
    if kind == frames.RESULT_JSON:
        assert message[20:].decode() == expected


@given(json_values, st.sampled_from([object(), {1}, b"x", 1j]))
def test_encoder_recovers_from_what_it_cannot_write(value, impossible) -> None:
    for _ in range(2):
        with pytest.raises(results.NotSerialisable):
            results.dumps([value, {"a": [impossible]}])
        results.dumps(value)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5))
def test_joined_arrays_hold_all_rows(counts) -> None:
    rows = [[[float(i), float(j)] for j in range(count)] for i, count in enumerate(counts)]
    batch = []
    for part in rows:
        flat = [x for row in part for x in row]
        payload = frames.pack_array("f8", (len(part), 2), struct.pack(f"<{len(flat)}d", *flat))
        batch.append(frames.Frame(frames.SCORE, 0, frames.ARRAY, 1, payload))
    code, shape, data, got = join_arrays(batch, Arguments(SCRIPT).read_array)
    assert (code, shape, got) == ("f8", (sum(counts), 2), counts)
    expected = [x for part in rows for row in part for x in row]
    assert list(struct.unpack(f"<{len(data) // 8}d", data)) == expected


@given(st.binary())
def test_batching_looks_at_any_payload(payload) -> None:
    is_batchable(frames.Frame(frames.SCORE, 0, frames.ARRAY, 1, payload))


# HTTP


@given(latin)
def test_option_parser(text) -> None:
    first, parameters = parse_options(text)
    assert first == first.strip().lower()
    assert all(isinstance(value, str) for value in parameters.values())


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), latin.filter(str.isprintable)))
def test_quoted_options_are_read_back(options) -> None:
    def quoted(value):
        return value.replace("\\", "\\\\").replace('"', '\\"')

    text = "form-data" + "".join(f'; {name}="{quoted(value)}"' for name, value in options.items())
    got = parse_options(text)
    assert got[0] == "form-data"
    # A backslash before a quotation mark is ambiguous: browsers do not escape backslashes.
    if not any("\\" in value for value in options.values()):
        assert got[1] == options


@given(st.binary())
def test_query_parser(query) -> None:
    for name, value in parse_pairs(query):
        assert isinstance(name, str)
        assert isinstance(value, str)


@given(st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_encoded_pairs_are_read_back(pairs) -> None:
    from urllib.parse import urlencode

    if all(_is_utf8(text) for pair in pairs for text in pair):
        assert list(parse_pairs(urlencode(pairs))) == pairs


def _is_utf8(text):
    try:
        return bool(text.encode() or True)
    except UnicodeEncodeError:
        return False


def test_bytes_that_are_no_utf8_stay_encoded() -> None:
    assert decode_component("a%FFb+%C3%A9") == "a%FFb \u00e9"


@given(latin)
def test_cookie_parser(header) -> None:
    assert all(len(pair) == 2 for pair in parse_cookies(header))


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"])))
def test_cookies_are_read_back(value) -> None:
    response = Response()
    response.set_cookie("k", value)
    header = response.headers["Set-Cookie"].split("; ")[0]
    assert list(parse_cookies(header)) == [("k", value)]


@given(latin)
def test_headers_that_state_preferences(text) -> None:
    Accept.parse(text).best_match(["a/b", text])
    ETags(text).contains_weak(text)
    Authorization.from_header(text)
    Authorization.from_header("Basic " + text)
    assert CacheControl.parse(text).max_age is None or "max-age" in text.lower()
    Range.parse(text)
    Range.parse("bytes=" + text)


class Trickle(io.BytesIO):
    """Gives a few bytes at a time, so that everything is cut somewhere."""

    step = 7

    def read(self, size=-1):
        return super().read(min(size, self.step) if size >= 0 else size)


def parse_multipart(body, boundary=b"XX", step=None, **limits):
    stream = io.BytesIO(body) if step is None else Trickle(body)
    if step is not None:
        stream.step = step
    fields, files = MultipartReader(stream, boundary, **limits).read()
    return fields, [(name, file.filename, file.read()) for name, file in files]


@given(st.binary(), st.integers(1, 9))
@example(b"--XX\r\n\r\n", 1)
@example(b"--XX--", 1)
@example(b"--XX\r\n" + b"a" * 70000, 9)
def test_multipart_parser_takes_any_bytes(body, step) -> None:
    head = b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
    for data in (body, b"--XX\r\n" + body, head + body):
        with suppress(MalformedMultipart, RequestEntityTooLarge):
            parse_multipart(data, step=step)


line_ends = st.sampled_from([b"\r\n", b"\n"])


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.binary(max_size=60), st.booleans()), max_size=5),
    line_ends,
    st.integers(1, 40),
    st.binary(max_size=5),
)
def test_multipart_parts_are_read_back(parts, end, step, preamble) -> None:
    body, fields, files = b"", [], []
    for number, (drawn, is_file) in enumerate(parts):
        content = drawn.replace(b"--XX", b"")
        name = f"n{number}"
        head = f'Content-Disposition: form-data; name="{name}"'
        if is_file:
            head += f'; filename="f{number}"'
            files.append((name, f"f{number}", content))
        else:
            fields.append((name, content.decode("utf-8", "replace")))
        body += b"--XX" + end + head.encode() + end + end + content + end
    body += b"--XX--" + end
    if preamble and not preamble.startswith(b"--"):
        body = preamble + b"\r\n" + body
    if end == b"\n" and any(content.endswith(b"\r") for content, _ in parts):
        return  # a CR before a bare LF belongs to the line end: nobody can tell
    assert parse_multipart(body, step=step) == (fields, files)


@given(
    st.binary(max_size=40), st.sampled_from([b"", b"-", b"--", b"-" * 300, b"\r\n--XX--"]), st.integers(1, 30)
)
def test_pieces_for_a_parser_are_the_body(body, dashes, size) -> None:
    body = body + dashes + body + dashes
    stream, pieces = UnbrokenDashes(io.BytesIO(body)), []
    while piece := stream.read(size):
        pieces.append(piece)
    assert b"".join(pieces) == body
    assert UnbrokenDashes(io.BytesIO(body)).read() == body
    for before, after in itertools.pairwise(pieces):
        run = len(before) - len(before.rstrip(b"-"))
        assert run == 0 or not after.startswith(b"-") or run > 256
        assert len(before) <= size + 256


def test_limits_of_multipart() -> None:
    part = b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n%s\r\n'
    assert parse_multipart(part % (b"x" * 10) + b"--XX--", max_field_bytes=10)[0] == [("a", "x" * 10)]
    with pytest.raises(RequestEntityTooLarge):
        parse_multipart(part % (b"x" * 11) + b"--XX--", max_field_bytes=10)
    assert len(parse_multipart(part % b"" * 3 + b"--XX--", max_parts=3)[0]) == 3
    with pytest.raises(RequestEntityTooLarge):
        parse_multipart(part % b"" * 4 + b"--XX--", max_parts=3)
    with pytest.raises(MalformedMultipart):
        MultipartReader(io.BytesIO(), b"")


def test_large_upload_is_on_disk() -> None:
    head = b"--XX\r\nContent-Disposition: form-data; name=\"f\"; filename*=UTF-8''%C3%A9.bin\r\n\r\n"
    content = bytes(range(256)) * 4000
    _, files = MultipartReader(io.BytesIO(head + content + b"\r\n--XX--"), b"XX").read()
    file = files[0][1]
    assert file.filename == "\u00e9.bin"
    assert not isinstance(file.stream, io.BytesIO)
    assert file.read() == content
    with tempfile.TemporaryFile() as target:
        file.seek(0)
        file.save(target)
        assert target.tell() == len(content)
    file.close()
