"""Response objects: ``AMLResponse`` with Werkzeug, Flask and without, and those of Flask itself."""

import json

import pytest

from moorage_runtime import frames

SCRIPT = """
    import json, os
    from azureml.contrib.services.aml_response import AMLResponse

    def init():
        pass

    def changed(response, **attributes):
        for name, value in attributes.items():
            setattr(response, name, value)
        return response

    def called(response, name, *arguments, **more):
        getattr(response, name)(*arguments, **more)
        return response

    def run(data):
        return eval(data)
"""
HTML = "text/html; charset=utf-8"
JSON = "application/json"


@pytest.fixture(scope="module")
def respond(module_scorer, web_python):
    """``respond(expression)`` -> (status, headers as a list of lower-case pairs, body)."""
    client = module_scorer(SCRIPT, python=web_python)

    def respond(expression):
        head, body = client.text(expression).response
        pairs = [(name.lower(), value) for name, value in head["headers"] if name.lower() != "content-length"]
        return head["status"], pairs, body

    respond.client = client
    return respond


def headers_of(pairs, name):
    return [value for other, value in pairs if other == name]


@pytest.mark.parametrize(
    ("arguments", "status", "content_type", "failed", "body"),
    [
        ("'abc', 200", 200, HTML, "False", b"abc"),
        ("'\\u00e9', 200", 200, HTML, "False", "\u00e9".encode()),
        ("'abc', 200, json_str=True", 200, JSON, "False", b'"abc"'),
        ("b'\\x00\\xff', 200", 200, HTML, "False", b"\x00\xff"),
        ("None, 333", 333, JSON, "False", b"{}"),
        ("None, 200, json_str=True", 200, JSON, "False", b"{}"),
        ("{'a': 1}, 201, json_str=True", 201, JSON, "False", b'{"a": 1}'),
        ("['x', b'y'], 200", 200, HTML, "False", b"xy"),
        ("'x', 499", 499, HTML, "False", b"x"),
        ("'x', 503", 503, HTML, "False", b"x"),
        ("'x', 200, run_function_failed=True", 200, HTML, "True", b"x"),
        ("'x', '404'", 404, HTML, "False", b"x"),
        ("'x', None", 200, HTML, "False", b"x"),
        ("'x', 204", 204, HTML, "False", b""),
        ("message='x', status_code=200, response_headers={}", 200, HTML, "False", b"x"),
    ],
)
def test_aml_response(respond, arguments, status, content_type, failed, body) -> None:
    got_status, pairs, got_body = respond(f"AMLResponse({arguments})")
    assert (got_status, got_body) == (status, body)
    assert headers_of(pairs, "content-type") == [content_type]
    assert headers_of(pairs, "x-ms-run-function-failed") == [failed]


def test_dictionary_without_json_gives_its_keys(respond) -> None:
    reply = respond.client.text("AMLResponse({'a': 1, 'b': 2}, 200)")
    assert b"".join(_stream(respond.client, reply)) == b"ab"


def _stream(client, reply):
    """Yield the body of a response, streamed or not."""
    head, body = reply.response
    assert head["status"] == 200
    if not reply.flags & frames.STREAMED:
        yield body
        return
    while True:
        frame = client.receive()
        assert frame.type == frames.CHUNK
        yield frame.payload
        if frame.flags:
            assert frame.flags == frames.LAST
            return


def test_custom_reason(respond) -> None:
    head, _ = respond.client.text("AMLResponse('x', '200 Fine')").response
    assert (head["status"], head["reason"]) == (200, "Fine")
    head, _ = respond.client.text("AMLResponse('x', 404)").response
    assert head["reason"] is None


def test_header_values_are_split_at_commas(respond) -> None:
    _, pairs, _ = respond("AMLResponse('x', 200, {'A': '1', 'B': '1, 2,3', 'Content-Type': 'image/jpeg'})")
    assert headers_of(pairs, "a") == ["1"]
    assert headers_of(pairs, "b") == ["1", "2", "3"]
    assert headers_of(pairs, "content-type") == ["image/jpeg"]


@pytest.mark.parametrize("name", ["Content-Type", "content-type"])
@pytest.mark.parametrize("json_str", [True, False])
def test_there_is_one_content_type(respond, name, json_str) -> None:
    _, pairs, _ = respond(f"AMLResponse('x', 200, {{{name!r}: 'a/b'}}, json_str={json_str})")
    assert headers_of(pairs, "content-type") == ["a/b"]


@pytest.mark.parametrize(
    "expression",
    [
        "AMLResponse('x', 200, {'A': 1})",
        "AMLResponse('x', 200, {'A': 'a\\nb'})",
        "AMLResponse({1}, 200, json_str=True)",
    ],
)
def test_responses_that_cannot_be_made_are_errors_of_the_script(respond, expression) -> None:
    assert respond.client.text(expression).error == frames.SCRIPT_ERROR
    assert respond("AMLResponse('x', 200)")[0] == 200


@pytest.mark.parametrize(
    "expression",
    [
        "AMLResponse([1, 2], 200)",
        "AMLResponse(range(3), 200)",
        "AMLResponse(5, 200)",
        "AMLResponse('x', 5)",
        "AMLResponse('x', 'high')",
    ],
)
def test_responses_that_cannot_be_sent_are_results_that_cannot_be_written(respond, expression) -> None:
    assert respond.client.text(expression).error == frames.NOT_SERIALISABLE
    assert respond("AMLResponse('x', 200)")[0] == 200


@pytest.mark.parametrize("expression", ["{'a': 1, 'b': 2}", "{}", "['a', b'b']"])
def test_a_body_with_a_length_is_sent_as_a_whole(respond, expression) -> None:
    reply = respond.client.text(f"AMLResponse({expression}, 200)")
    assert not reply.flags & frames.STREAMED
    assert reply.response[1] == (b"" if expression == "{}" else b"ab")


@pytest.mark.parametrize(
    ("expression", "check"),
    [
        ("changed(AMLResponse('x', 200), status_code=418)", lambda s, h, b: s == 418),
        ("changed(AMLResponse('x', 200), status='202 ACCEPTED')", lambda s, h, b: s == 202),
        ("changed(AMLResponse('x', 200), data='yz')", lambda s, h, b: b == b"yz"),
        ("called(AMLResponse('x', 200), 'set_data', b'yz')", lambda s, h, b: b == b"yz"),
        ("changed(AMLResponse('x', 200), mimetype='text/csv')",
         lambda s, h, b: headers_of(h, "content-type") == ["text/csv; charset=utf-8"]),
        ("changed(AMLResponse('x', 200), mimetype='image/png')",
         lambda s, h, b: headers_of(h, "content-type") == ["image/png"]),
        ("changed(AMLResponse('x', 200), content_type='a/b')",
         lambda s, h, b: headers_of(h, "content-type") == ["a/b"]),
        ("called(AMLResponse('x', 200), 'set_cookie', 'k', 'v w', httponly=True)",
         lambda s, h, b: headers_of(h, "set-cookie")[0].startswith('k="v w"; ')
         and "HttpOnly" in headers_of(h, "set-cookie")[0]),
        ("called(AMLResponse('x', 200).headers, 'add', 'A', 'b') and None or AMLResponse('x', 200)",
         lambda s, h, b: s == 200),
        ("AMLResponse(AMLResponse('abc', 200).get_data(as_text=True), 200)", lambda s, h, b: b == b"abc"),
        ("AMLResponse(AMLResponse('abc', 200).data, 200)", lambda s, h, b: b == b"abc"),
        ("AMLResponse(str(AMLResponse({'a': 1}, 200, json_str=True).json), 200)",
         lambda s, h, b: b == b"{'a': 1}"),
        ("AMLResponse(AMLResponse('x', 404).status, 200)", lambda s, h, b: b == b"404 NOT FOUND"),
        ("AMLResponse(str(AMLResponse('x', 200).mimetype), 200)", lambda s, h, b: b == b"text/html"),
    ],
)  # fmt: skip
def test_it_is_a_full_response_object(respond, expression, check) -> None:
    assert check(*respond(expression)), respond(expression)


def test_failure_is_flagged(respond) -> None:
    client = respond.client
    assert client.text("AMLResponse('x', 200, run_function_failed=True)").flags & frames.RUN_FAILED
    assert client.text("AMLResponse('x', 500)").flags & frames.RUN_FAILED
    assert not client.text("AMLResponse('x', 400)").flags & frames.RUN_FAILED


def test_flask_responses(scorer, web_python) -> None:
    source = """
        import flask
        def init(): pass
        def run(data): return eval(data)
    """
    client = scorer(source, python=web_python, expect_ready=None)
    if not client.ready:
        pytest.skip("no Flask in this environment")
    head, body = client.text("flask.Response('x', 202, {'A': 'b'})").response
    assert (head["status"], body) == (202, b"x")
    assert ["A", "b"] in head["headers"]
    assert not [1 for name, _ in head["headers"] if name.lower() == "x-ms-run-function-failed"]
    head, body = client.text("flask.jsonify(a=1)").response
    assert json.loads(body) == {"a": 1}
    head, body = client.text("flask.redirect('/there')").response
    assert head["status"] == 302
    assert client.text("flask.Response('x', 500)").flags & frames.RUN_FAILED
    assert client.text("flask.abort(418)").error == frames.SCRIPT_ERROR
