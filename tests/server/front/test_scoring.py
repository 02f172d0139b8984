"""What of a request goes to which script, without either."""

import json
from types import SimpleNamespace

import pytest

from moorage_runtime import frames
from moorage_server.description import ArrayInput, ScriptDescription
from moorage_server.exchange import Exchange
from moorage_server.header_fields import scan
from moorage_server.scoring import Scoring

HEADERS = [(b"Host", b"h"), (b"x-a", b"1"), (b"Content-Type", b"application/json")]
ARRAY = ArrayInput("data", "f8", (None, 1), True)


def section_of(method=b"POST", target=b"/score?a=1", body=b"{}", headers=None, **script):
    """The section in front of a request, and the request itself, as they go to the scorer."""
    calls = []
    pool = SimpleNamespace(
        polling=SimpleNamespace(flag=0), next_id=lambda: 1, submit=lambda call: calls.append(call) or True
    )
    scoring = Scoring(SimpleNamespace(pool=pool, metrics=SimpleNamespace(array_bodies=0)))
    known = {"pid": 1, "python": "", "openapi": {}, "sample": None, "notices": (), "wants_headers": False}
    scoring.describe(ScriptDescription(**{"mode": "text", "array_input": None, **known, **script}))
    exchange = Exchange()
    exchange.method, exchange.target, exchange.body = method, target, body
    exchange.headers = HEADERS if headers is None else headers
    exchange.fields = scan(exchange.headers)
    scoring.score(exchange, target.partition(b"?")[2], b"", b"")
    reader = frames.FrameReader()
    reader.feed(calls[0].frame)
    (frame,) = reader.frames()
    if not frame.flags & frames.HAS_HEADERS:
        return None, frame.payload
    section, rest = frames.split_section(frame.payload)
    return json.loads(section), bytes(rest)


@pytest.mark.parametrize("mode", ["text", "keyword"])
def test_a_script_gets_of_the_headers_what_it_asks_for(mode):
    assert section_of(mode=mode) == (None, b"{}")
    headers, body = section_of(mode=mode, wants_headers=True)
    assert (headers, body) == ([["Host", "h"], ["X-A", "1"], ["Content-Type", "application/json"]], b"{}")
    head, body = section_of(mode=mode, wants_request=True)
    assert body == b"{}"
    assert (head["method"], head["path"], head["query_string"]) == ("POST", "/score", "a=1")
    assert head["headers"] == headers


def test_the_query_is_the_input_of_a_get():
    head, body = section_of(b"GET", wants_request=True)
    assert (head["method"], body) == ("GET", b'{"a": 1}')


def test_a_form_goes_only_to_those_who_read_it_from_the_request():
    form = [(b"Content-Type", b"application/x-www-form-urlencoded")]
    assert section_of(body=b"a=1", headers=form)[1] == b""
    assert section_of(body=b"a=1", headers=form, wants_headers=True)[1] == b""
    assert section_of(body=b"a=1", headers=form, wants_request=True)[1] == b"a=1"


def test_arrays_are_made_where_the_scorer_takes_them():
    body = b'{"data": [[1]]}'
    assert section_of(body=body, mode="keyword", array_input=ARRAY)[1][:2] == b"f8"
    assert section_of(body=body, mode="keyword", array_input=None)[1] == body
