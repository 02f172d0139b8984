"""The small parsers of the front: query strings, forms, origins, settings, heads of responses."""

import contextlib
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_server.app import decode_path
from moorage_server.cors import parse_origins
from moorage_server.errors import InvalidSettings
from moorage_server.forms import FormTooLarge, check_form, is_form
from moorage_server.header_fields import CONTENT_TYPE, ORIGIN, HeadTooLarge, for_script, scan
from moorage_server.query import parse_query, query_as_json
from moorage_server.request_ids import IdTooLong, id_block, new_request_id
from moorage_server.script_answers import BadResponse, parse_head
from moorage_server.settings import ServiceSettings, parse_settings, read_settings, settings_as_json


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=8), max_size=5))
def test_text_survives_a_query_string(values):
    query = "&".join(
        f"{quote(name, safe='')}={quote(json.dumps(value), safe='')}" for name, value in values.items()
    )
    assert parse_query(query.encode()) == values


@given(st.binary(max_size=80))
def test_any_query_string_is_an_object(query):
    assert isinstance(json.loads(query_as_json(query)), dict)


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_any_form_is_checked_without_an_accident(body, boundary):
    content_type = b"multipart/form-data; boundary=" + boundary
    if is_form(content_type):
        check_form(content_type, body.replace(b"x", b"--" + boundary))


def test_a_thousand_and_one_parts_are_too_many():
    with pytest.raises(FormTooLarge, match="1000"):
        check_form(b"multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n" * 1001)


@given(st.text(max_size=60), st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=20)), max_size=6))
def test_any_origins_and_headers(origins, headers):
    policy = parse_origins(origins)
    if policy is not None:
        assert isinstance(policy.block(scan(headers), True), bytes)


def test_repeated_fields_are_joined():
    fields = scan([(b"Origin", b"a"), (b"CONTENT-type", b"x"), (b"origin", b"b")])
    assert fields[ORIGIN] == b"a,b"
    assert fields[CONTENT_TYPE] == b"x"
    with pytest.raises(HeadTooLarge):
        scan([(b"a", b"b")] * 101)


def test_headers_for_scripts():
    headers = [(b"x-foo", b"1"), (b"X-FOO", b"2"), (b"bad_name", b"3"), (b"x-l", "é".encode("latin-1"))]
    assert for_script(headers) == [("X-Foo", "1,2"), ("X-L", "é")]


def test_request_ids_are_different_version_4_uuids():
    ids = {new_request_id() for _ in range(2000)}
    assert len(ids) == 2000
    assert {len(one) for one in ids} == {36}
    assert {one[14:15] for one in ids} == {"4"}
    assert {one[19:20] for one in ids} == {"8", "9", "a", "b"}


@given(st.lists(st.tuples(st.sampled_from([b"x-request-id", b"x-ms-request-id", b"TraceId"]), st.binary())))
def test_any_ids(headers):
    try:
        block = id_block(scan(headers))
    except HeadTooLarge:
        return
    except IdTooLong as error:
        block = error.block
    assert block == b"" or block.endswith(b"\r\n")


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/score", b"/score"),
        (b"/%73core", b"/score"),
        (b"//score", b"/score"),
        (b"http://h:1/score", b"/score"),
        (b"http://h", b"/"),
        (b"*", b"*"),
        (b"/a%2f%2fb", b"/a/b"),
        (b"", b""),
    ],
)
def test_paths(target, path):
    assert decode_path(target) == path


@given(st.binary(max_size=200))
def test_any_head_of_a_response_is_used_or_refused(section):
    with contextlib.suppress(BadResponse):
        parse_head(section)


@pytest.mark.parametrize(
    "head",
    [
        {"status": 99, "headers": []},
        {"status": 100, "headers": []},
        {"status": 1000, "headers": []},
        {"status": 200, "headers": [["a b", "c"]]},
        {"status": 200, "headers": [["a", "b\r\nc: d"]]},
        {"status": 200, "headers": [["a", "\u2603"]]},
        {"status": 200, "reason": "a\r\nb", "headers": []},
        {"status": 200},
        [],
    ],
)
def test_heads_that_cannot_be_sent(head):
    with pytest.raises(BadResponse):
        parse_head(json.dumps(head).encode())


def test_a_failure_collapses_to_one_header():
    head = parse_head(
        json.dumps({"status": 500, "headers": [["x-ms-run-function-failed", "False"]]}).encode()
    )
    assert head.block == b"x-ms-run-function-failed: True\r\n"


def test_settings_survive_json(tmp_path):
    settings = ServiceSettings(
        app_root=str(tmp_path),
        auth_file=str(tmp_path / "auth.json"),
        worker_count=3,
        environment={"A": "b"},
        max_batch_delay_ms=1.5,
    )
    assert parse_settings(json.loads(json.dumps(settings_as_json(settings)))) == settings


def test_a_relative_root_counts_from_the_file(tmp_path):
    path = tmp_path / "service.json"
    path.write_text('{"app_root": "app", "entry_script": "a/score.py"}')
    settings = read_settings(path)
    assert settings.app_root == str(tmp_path / "app")
    assert settings.entry_path == tmp_path / "app" / "a" / "score.py"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "object"),
        ({"unknown_key": 1}, "unknown_key"),
        ({"worker_count": 0}, "worker_count"),
        ({"worker_count": True}, "worker_count"),
        ({"worker_count": "2"}, "worker_count"),
        ({"worker_count": None}, "worker_count"),
        ({"preload": 1}, "preload"),
        ({"environment": {"a": 1}}, "environment"),
        ({"environment": []}, "environment"),
        ({"scoring_timeout_ms": -1}, "scoring_timeout_ms"),
        ({"debug_port": 70000}, "debug_port"),
        ({"max_batch_delay_ms": "1"}, "max_batch_delay_ms"),
        ({"server_version": "a\r\nb: c"}, "server_version"),
        ({"auth": {}}, "auth"),
    ],
)
def test_settings_that_cannot_be_used(values, words):
    with pytest.raises(InvalidSettings, match=words):
        parse_settings(values)


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
        lambda inner: st.one_of(
            st.lists(inner), st.dictionaries(st.sampled_from(["name", "worker_count", "x", "spin_us"]), inner)
        ),
    )
)
def test_any_settings_are_used_or_refused(values):
    with contextlib.suppress(InvalidSettings):
        parse_settings(values)


@pytest.mark.parametrize("content", [None, b"\xff", b"{", b"5"])
def test_settings_files_that_cannot_be_used(tmp_path, content):
    path = tmp_path / "service.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidSettings, match=r"service\.json"):
        read_settings(path)
