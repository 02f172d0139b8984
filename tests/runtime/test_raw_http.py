"""The request object of ``@rawhttp``: the same tests with Werkzeug, Flask (old and new), and without."""

import base64
import hashlib
import io
import json
import textwrap

import pytest

from moorage_runtime import frames

EVALUATE = """
    import base64, hashlib, io, json, os, sys
    from azureml.contrib.services.aml_request import AMLRequest, rawhttp
    from azureml.contrib.services.aml_response import AMLResponse

    def init():
        pass

    @rawhttp
    def run(request):
        values = []
        for code in json.loads(request.headers["X-Code"]):
            try:
                values.append(eval(code))
            except Exception as error:
                code = getattr(error, "code", None)
                values.append([type(error).__name__, isinstance(error, KeyError), code])
        return values
"""


@pytest.fixture(scope="module")
def ask(module_scorer, web_python):
    """``ask(code, ..., method=, target=, headers=, body=)``: what the expressions give for a request."""
    client = module_scorer(EVALUATE, python=web_python)

    def ask(*code, method="GET", target="/score", headers=(), body=b""):
        reply = client.raw(method, target, [*headers, ("X-Code", json.dumps(code))], body)
        values = reply.json
        return values[0] if len(values) == 1 else values

    ask.client = client
    return ask


def multipart(*parts, boundary="XX", line="\r\n"):
    """``parts``: (head lines, content); returns (content type header, body)."""
    body = b""
    for head, content in parts:
        body += f"--{boundary}{line}{line.join(head)}{line}{line}".encode() + content + line.encode()
    body += f"--{boundary}--{line}".encode()
    return ("Content-Type", f'multipart/form-data; boundary="{boundary}"'), body


def field(name, value):
    return ([f'Content-Disposition: form-data; name="{name}"'], value)


def upload(name, filename, content, kind="application/octet-stream"):
    head = [f'Content-Disposition: form-data; name="{name}"; filename="{filename}"', f"Content-Type: {kind}"]
    return (head, content)


def test_mode_is_raw(ask) -> None:
    assert ask.client.ready["mode"] == "raw"
    assert ask("isinstance(request, AMLRequest)") is True


def test_method_and_address(ask) -> None:
    got = ask(
        "request.method", "request.path", "request.full_path", "request.url",
        "request.base_url", "request.url_root",
        "request.host_url", "request.host", "request.scheme", "request.is_secure", "request.script_root",
        "request.query_string.decode()", "request.remote_addr",
        method="POST", target="/score?a=b%20c&x=1",
    )  # fmt: skip
    base = "http://localhost:5001/"
    assert got == [
        "POST", "/score", "/score?a=b%20c&x=1", base + "score?a=b%20c&x=1", base + "score", base,
        base, "localhost:5001", "http", False, "", "a=b%20c&x=1", "127.0.0.1",
    ]  # fmt: skip


def test_full_path_ends_with_a_question_mark_without_query(ask) -> None:
    assert ask("request.full_path") == "/score?"


def test_query_arguments(ask) -> None:
    got = ask(
        "request.args['a']", "request.args.get('a', type=int)", "request.args.get('w', 7, type=int)",
        "request.args.get('none', 'd')", "request.args.getlist('a')", "request.args.to_dict()",
        "request.args.to_dict(flat=False)", "'a' in request.args", "sorted(request.args)",
        "len(request.args)",
        "request.args['none']", "request.args['p']", "request.args['q']",
        target="/score?a=1&a=2&w=x+y&p=%C3%A9&q=1;b=2&e",
    )  # fmt: skip
    assert got[:10] == [
        "1", 1, 7, "d", ["1", "2"], {"a": "1", "w": "x y", "p": "\u00e9", "q": "1;b=2", "e": ""},
        {"a": ["1", "2"], "w": ["x y"], "p": ["\u00e9"], "q": ["1;b=2"], "e": [""]}, True,
        ["a", "e", "p", "q", "w"], 5,
    ]  # fmt: skip
    assert got[10][1:] == [True, 400]
    assert got[11:] == ["\u00e9", "1;b=2"]


def test_headers(ask) -> None:
    got = ask(
        "request.headers['x-foo']", "request.headers.get('X-FOO')", "request.headers.get('none', 'd')",
        "'x-foo' in request.headers", "'none' in request.headers", "request.headers['none']",
        "[list(pair) for pair in request.headers if pair[0] == 'X-Foo']",
        "dict(request.headers)['X-Foo']", "dict(request.headers.items())['X-Foo']",
        "'X-Foo' in list(request.headers.keys())", "'X-Foo: 1' in str(request.headers)",
        "request.headers['foo-dup']", "request.headers.get('foo_bar')", "request.user_agent.string",
        "request.referrer", "request.headers['Host']",
        headers=[
            ("x-foo", "1"), ("foo-dup", "1"), ("Foo-Dup", "2"), ("foo_bar", "z"),
            ("User-Agent", "t/1"), ("Referer", "r"),
        ],
    )  # fmt: skip
    assert got[:5] == ["1", "1", "d", True, False]
    assert got[5][1] is True
    assert got[6:] == [[["X-Foo", "1"]], "1", "1", True, True, "1,2", None, "t/1", "r", "localhost:5001"]


def test_body_is_read_once_unless_it_is_cached(ask) -> None:
    def twice(first):
        return ask(first, "len(request.get_data())", method="POST", body=b"abc\xff")

    assert twice("list(request.get_data(False))") == [[97, 98, 99, 255], 0]
    assert twice("list(request.get_data())") == [[97, 98, 99, 255], 4]
    assert twice("list(request.data)") == [[97, 98, 99, 255], 4]
    assert twice("request.get_data(as_text=True)") == ["abc\ufffd", 4]
    assert twice("len(request.stream.read(2))") == [2, 2]


def test_content_length_and_types(ask) -> None:
    code = ["request.content_length", "request.content_type", "request.mimetype", "request.mimetype_params"]
    headers = [("Content-Type", "Text/Plain; charset=UTF-8")]
    assert ask(*code, method="POST", headers=headers, body=b"abc") == [
        3, "Text/Plain; charset=UTF-8", "text/plain", {"charset": "UTF-8"},
    ]  # fmt: skip
    assert ask(*code) == [None, None, "", {}]
    chunked = [("Transfer-Encoding", "chunked")]
    got = ask(
        "request.content_length", "request.get_data().decode()", method="POST", headers=chunked, body=b"abc"
    )
    assert got == [None, "abc"]


JSON = ("Content-Type", "application/json")


def test_json(ask) -> None:
    post = {"method": "POST", "body": b'{"a": 1}'}
    assert ask("request.json", "request.get_json()", "request.is_json", headers=[JSON], **post) == [
        {"a": 1}, {"a": 1}, True,
    ]  # fmt: skip
    vendor = [("Content-Type", "application/vnd.x+json")]
    assert ask("request.json", headers=vendor, **post) == {"a": 1}
    text = [("Content-Type", "text/plain")]
    assert ask("request.get_json(force=True)", headers=text, **post) == {"a": 1}
    assert ask("request.get_json(silent=True)", headers=text, **post) is None
    assert ask("request.get_json(silent=True)", headers=[JSON], method="POST", body=b"{") is None
    assert ask("request.get_json()", headers=[JSON], method="POST", body=b"{")[2] == 400
    assert ask("request.json", headers=[JSON], method="POST", body=b"{")[2] == 400


def test_json_needs_its_content_type(ask, web_python) -> None:
    if web_python.parts[-3] == "scorer-3.6":
        pytest.skip("old Flask gave None, as it does in the environments that have it")
    text = [("Content-Type", "text/plain")]
    assert ask("request.json", headers=text, method="POST", body=b"{}")[2] == 415


def test_url_encoded_form(ask) -> None:
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    got = ask(
        "request.form.to_dict()", "request.form.getlist('a')",
        "request.get_data().decode()", "request.data.decode()",
        "request.values.get('q')", "request.values.getlist('a')", "len(request.files)",
        method="POST", target="/score?q=1", headers=headers, body=b"a=1&a=2&b=x+y",
    )  # fmt: skip
    assert got == [{"a": "1", "b": "x y"}, ["1", "2"], "", "", "1", ["1", "2"], 0]


def test_form_still_works_after_the_cached_body(ask) -> None:
    header, body = multipart(field("a", b"1"), upload("f", "f.bin", b"xyz"))
    for code in ("len(request.get_data())", "len(request.get_data(cache=True))"):
        got = ask(
            code,
            "request.form['a']",
            "request.files['f'].read().decode()",
            method="POST",
            headers=[header],
            body=body,
        )
        assert got == [len(body), "1", "xyz"]


def test_uploaded_files(ask) -> None:
    content = bytes(range(256)) * 10 + b"\r\n--X\r\n--XY"
    header, body = multipart(
        upload("image", "a b.jpg", content, "image/jpeg"), field("a", b"1"),
        upload("more", "1.txt", b"one\ntwo\n"), upload("more", "2.txt", b""), upload("empty", "", b""),
    )  # fmt: skip
    got = ask(
        "request.files['image'].filename", "request.files['image'].name",
        "request.files['image'].content_type",
        "request.files['image'].mimetype", "base64.b64encode(request.files['image'].read()).decode()",
        "request.files['image'].seek(0) or request.files['image'].tell()",
        "base64.b64encode(request.files['image'].read(5)).decode()",
        "request.files['image'].seekable()", "[f.filename for f in request.files.getlist('more')]",
        "[line.decode() for line in request.files['more']]", "request.files['empty'].filename",
        "len(request.files)", "sorted(request.files.keys())", "sorted(k for k, v in request.files.items())",
        "'image' in request.files", "request.files.get('nope')", "request.files['nope']",
        "request.form.to_dict()", "request.files['image'].content_length", "len(request.get_data())",
        "request.files['image'].headers['Content-Type']",
        method="POST", headers=[header], body=body,
    )  # fmt: skip
    assert got[:4] == ["a b.jpg", "image", "image/jpeg", "image/jpeg"]
    assert base64.b64decode(got[4]) == content
    assert got[5] == 0
    assert base64.b64decode(got[6]) == content[:5]
    assert got[7:16] == [
        True, ["1.txt", "2.txt"], ["one\n", "two\n"], "", 3, ["empty", "image", "more"],
        ["empty", "image", "more"], True, None,
    ][:9]  # fmt: skip
    assert got[16][1:] == [True, 400]
    assert got[17:] == [{"a": "1"}, 0, 0, "image/jpeg"]


def test_file_can_be_saved(ask, tmp_path) -> None:
    header, body = multipart(upload("f", "x", b"content"))
    path = str(tmp_path / "saved")
    assert ask(f"request.files['f'].save({path!r})", method="POST", headers=[header], body=body) is None
    assert (tmp_path / "saved").read_bytes() == b"content"


def test_large_file_goes_to_disk_and_small_stays_in_memory(ask) -> None:
    header, body = multipart(upload("big", "b", b"x" * 1_000_000), upload("small", "s", b"x"))
    code = "hasattr(request.files[%r].stream, 'getvalue')"
    got = ask(
        code % "small", "len(request.files['big'].read())", "request.files['big'].seek(-1, 2) or 1",
        method="POST", headers=[header], body=body,
    )  # fmt: skip
    assert got[1] == 1_000_000


@pytest.mark.parametrize("read_so_far", range(-9, 3))
def test_upload_whose_last_delimiter_is_read_in_two_pieces(ask, read_so_far) -> None:
    # Werkzeug reads 64 KiB at a time; some releases take a line end for content where one ends in "--XX-".
    empty = multipart(upload("f", "x", b""))[1]
    content = b"x" * (65536 - len(empty) - read_so_far)
    header, body = multipart(upload("f", "x", content))
    code = "len(request.files['f'].read())"
    assert ask(code, method="POST", headers=[header], body=body) == len(content)


def test_limits_of_forms(ask) -> None:
    def parse(*parts):
        header, body = multipart(*parts)
        return ask("len(request.form)", method="POST", headers=[header], body=body)

    assert parse(field("a", b"x" * 400_000)) == 1
    assert parse(field("a", b"x" * 500_001))[2] == 413


def test_number_of_parts_is_limited(ask, web_python) -> None:
    if web_python.parts[-3] == "scorer-3.6":
        pytest.skip("Werkzeug 1 does not limit the number of parts")
    header, body = multipart(*[field(f"a{i}", b"") for i in range(1001)])
    assert ask("len(request.form)", method="POST", headers=[header], body=body)[2] == 413
    header, body = multipart(*[field(f"a{i}", b"") for i in range(1000)])
    assert ask("len(request.form)", method="POST", headers=[header], body=body) == 1000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--",
        b"--XX",
        b"--XX\r\n",
        b"garbage",
        b"--XX\r\nContent-Disposition: form-data\r\n\r\nx\r\n--XX--",
        b"--XX--",
    ],
)  # fmt: skip
def test_malformed_multipart_has_no_fields(ask, body) -> None:
    headers = [("Content-Type", "multipart/form-data; boundary=XX")]
    got = ask("len(request.files)", method="POST", headers=headers, body=body)
    assert got == 0 or got[2] == 400


def test_cookies(ask) -> None:
    headers = [("Cookie", 'a=1; b="x y"; c=')]
    code = ["request.cookies.get('a')", "request.cookies['b']", "request.cookies.get('none')"]
    assert ask(*code, headers=headers) == ["1", "x y", None]


def test_less_common_members(ask) -> None:
    headers = [
        ("Authorization", "Basic dXNlcjpwYXNz"), ("Accept", "application/json, text/html;q=0.5"),
        ("Accept-Language", "de"), ("If-Match", '"x"'), ("Cache-Control", "no-cache"),
        ("Origin", "http://o"), ("X-Forwarded-For", "1.2.3.4, 5.6.7.8"),
        ("Date", "Tue, 15 Nov 1994 08:12:31 GMT"), ("Range", "bytes=0-9"),
    ]  # fmt: skip
    got = ask(
        "request.authorization.username", "request.authorization.password", "request.accept_mimetypes.best",
        "request.accept_mimetypes.best_match(['text/html', 'image/png'])", "'de' in request.accept_languages",
        "'x' in request.if_match", "bool(request.cache_control.no_cache)", "request.headers['Origin']",
        "list(request.access_route)", "request.date.year", "list(request.range.ranges[0])",
        "request.environ['REQUEST_METHOD']", "request.remote_user",
        headers=headers,
    )  # fmt: skip
    assert got == [
        "user", "pass", "application/json", "text/html", True, True, True, "http://o",
        ["1.2.3.4", "5.6.7.8"], 1994, [0, 10], "GET", None,
    ]  # fmt: skip


def test_text_of_the_request(ask) -> None:
    text = ask("'{0}'.format(request)", target="/score?x=1")
    assert "http://localhost:5001/score?x=1" in text
    assert "[GET]" in text


def test_request_itself_is_no_result(ask) -> None:
    reply = ask.client.raw(
        headers=[("X-Code", "[\"sys.modules['entry_module'].__dict__.update(r=request)\"]")]
    )
    assert reply.json == [None]


def test_headers_parameter_and_default(scorer, web_python) -> None:
    source = """
        from azureml.contrib.services.aml_request import rawhttp
        def init(): pass
        @rawhttp
        def run(request, request_headers, extra="e"):
            return [request_headers["X-Foo"], extra, type(request_headers).__name__]
    """
    client = scorer(source, python=web_python)
    assert client.raw(headers=[("x-foo", "1")]).json == ["1", "e", "dict"]


STREAMS = """
    import hashlib
    from azureml.contrib.services.aml_request import rawhttp
    def init(): pass
    @rawhttp
    def run(request):
        what = request.args["do"]
        if what == "hash":
            digest, count = hashlib.sha256(), 0
            while True:
                piece = request.stream.read(50000)
                if not piece:
                    return [count, digest.hexdigest()]
                count += len(piece)
                digest.update(piece)
        if what == "lines":
            return [line.decode() for line in request.stream]
        if what == "data":
            return request.get_data().decode()
        if what == "form":
            return [len(request.files["f"].read()), request.form["a"]]
        return "nothing"
"""


@pytest.fixture
def streams(scorer, web_python):
    """A scorer that reads its body in ways named by ``?do=``; ``start`` announces a body to come."""
    client = scorer(STREAMS, python=web_python)

    def start(what, headers=()):
        head = client.raw_head("POST", f"/score?do={what}", [("Transfer-Encoding", "chunked"), *headers])
        payload = frames.join_section(json.dumps(head).encode())
        return client.post(frames.RAW, payload, flags=frames.BODY_FOLLOWS)

    client.start = start
    return client


def test_body_arrives_in_pieces(streams) -> None:
    number = streams.start("hash")
    piece = bytes(range(256)) * 256
    for _ in range(64):
        streams.send(frames.BODY, piece, request_id=number)
    streams.send(frames.BODY, b"", frames.LAST, request_id=number)
    assert streams.reply().json == [len(piece) * 64, hashlib.sha256(piece * 64).hexdigest()]


def test_last_piece_may_carry_data_and_lines_cross_pieces(streams) -> None:
    number = streams.start("lines")
    streams.send(frames.BODY, b"one\ntw", request_id=number)
    streams.send(frames.BODY, b"o\nthree", frames.LAST, request_id=number)
    assert streams.reply().json == ["one\n", "two\n", "three"]
    number = streams.start("data")
    streams.send(frames.BODY, b"", frames.LAST, request_id=number)
    assert streams.reply().json == ""


def test_form_of_a_streamed_body(streams) -> None:
    header, body = multipart(upload("f", "f", b"x" * 300_000), field("a", b"1"))
    number = streams.start("form", [header])
    for start in range(0, len(body), 1000):
        streams.send(frames.BODY, body[start : start + 1000], request_id=number)
    streams.send(frames.BODY, b"", frames.LAST, request_id=number)
    assert streams.reply().json == [300_000, "1"]


def test_body_that_nobody_reads_does_not_disturb_the_next_request(streams) -> None:
    number = streams.start("nothing")
    assert streams.reply().json == "nothing"
    for _ in range(10):
        streams.send(frames.BODY, b"x" * 1000, request_id=number)
    streams.send(frames.BODY, b"", frames.LAST, request_id=number)
    assert streams.raw("POST", "/score?do=data", body=b"next").json == "next"


@pytest.mark.parametrize("what", ["hash", "data"])
def test_client_that_goes_away_fails_the_reading(streams, what) -> None:
    number = streams.start(what)
    streams.send(frames.BODY, b"begin", request_id=number)
    streams.send(frames.BODY, b"", frames.ABORTED, request_id=number)
    assert streams.reply().error == frames.SCRIPT_ERROR
    assert streams.raw("POST", "/score?do=data", body=b"next").json == "next"


def test_flask_and_our_request_are_one_object_for_the_script(scorer, web_python) -> None:
    source = """
        import flask
        from azureml.contrib.services.aml_request import rawhttp
        def init(): pass
        @rawhttp
        def run(request):
            assert isinstance(request, flask.Request)
            return flask.jsonify(path=flask.request.path, a=flask.request.args["a"])
    """
    client = scorer(source, python=web_python, expect_ready=None)
    if not client.ready:
        pytest.skip("no Flask in this environment")
    head, body = client.raw(target="/score?a=1").response
    assert head["status"] == 200
    assert json.loads(body) == {"path": "/score", "a": "1"}


IMAGES = """
    from azureml.contrib.services.aml_request import AMLRequest, rawhttp
    from azureml.contrib.services.aml_response import AMLResponse
    from PIL import Image
    import json

    def init():
        pass

    @rawhttp
    def run(request):
        if request.method == 'GET':
            return AMLResponse(str.encode(request.full_path), 200)
        file_bytes = request.files["image"]
        image = Image.open(file_bytes).convert('RGB')
        return AMLResponse(json.dumps(image.size), 200)
"""


@pytest.mark.parametrize("library", ["werkzeug", "none"])
def test_picture_is_opened_from_the_upload(scorer, library) -> None:
    from PIL import Image

    picture = io.BytesIO()
    Image.effect_noise((640, 480), 50).convert("RGB").save(picture, "JPEG", quality=95)
    assert len(picture.getvalue()) > 100_000
    hide = "import sys\nsys.modules['werkzeug'] = sys.modules['flask'] = None\n" if library == "none" else ""
    client = scorer(hide + textwrap.dedent(IMAGES))
    header, body = multipart(upload("image", "image", picture.getvalue(), "image/jpeg"))
    head, answer = client.raw("POST", headers=[header], body=body).response
    assert (head["status"], json.loads(answer)) == (200, [640, 480])


@pytest.mark.parametrize("header_bytes", [10, 65_400, 100_000])
@pytest.mark.parametrize("body_bytes", [60_000, 65_536, 1_000_000])
def test_large_requests_are_whole_however_they_are_read(ask, header_bytes, body_bytes) -> None:
    body = bytes(range(256)) * (body_bytes // 256 + 1)
    headers = [("X-Long", "h" * header_bytes)]
    digest = "hashlib.sha256(request.get_data()).hexdigest()"
    got = ask('len(request.headers["X-Long"])', digest, headers=headers, body=body[:body_bytes])
    assert got == [header_bytes, hashlib.sha256(body[:body_bytes]).hexdigest()]


IMPORTED = """
    from flask import request
    def init(): pass
    def run(data):
        return [
            data, request.method, request.full_path, request.headers.get("X-A"), request.remote_addr,
            request.get_data(as_text=True), request.form.to_dict(),
        ]
"""
NAMED = """
    import flask
    def init(): pass
    def run(data, request_headers):
        return [method(), sorted(request_headers)]
    def method():
        return flask.request.method
"""
NOT_NAMED = """
    import flask
    def init(): pass
    def run(data):
        return flask.has_request_context()
"""


def test_flask_request_without_rawhttp(scorer, web_python) -> None:
    client = scorer(IMPORTED, python=web_python, expect_ready=None)
    if not client.ready:
        pytest.skip("no Flask in this environment")
    assert (client.ready["mode"], client.ready["wants_request"]) == ("text", True)
    head = client.raw_head("POST", "/score?a=b%20c", [("X-A", "1"), ("Content-Length", "4")])
    assert client.text("body", head).json == [
        "body", "POST", "/score?a=b%20c", "1", "127.0.0.1", "body", {},
    ]  # fmt: skip
    head = client.raw_head("GET", "/score?a=1")
    assert client.text('{"a": 1}', head).json[:3] == ['{"a": 1}', "GET", "/score?a=1"]
    form = [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", "3")]
    answer = client.text("a=1", client.raw_head("POST", headers=form)).json
    assert (answer[0], answer[5:]) == ("", ["", {"a": "1"}])
    # The sample of a service that starts comes from no client.
    assert client.text("sample").json[:4] == ["sample", "POST", "/score?", None]
    assert client.text(b"\xff", head).error == frames.CLIENT_ERROR
    assert client.text("again", head).json[0] == "again"


def test_only_scripts_that_name_flask_request_get_it(scorer, web_python) -> None:
    client = scorer(NAMED, python=web_python, expect_ready=None)
    if not client.ready:
        pytest.skip("no Flask in this environment")
    head = client.raw_head("POST", headers=[("X-A", "1")])
    assert client.text("x", head).json == ["POST", ["Host", "X-A"]]
    client = scorer(NOT_NAMED, python=web_python)
    assert client.ready["wants_request"] is False
    assert client.text("x").json is False
