"""The same scripts and requests beside azureml-inference-server-http itself: what differs is meant to.

Needs the environment that ``make bench`` makes for that server. docs/differences.md has the reasons.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ORIGINAL = Path(__file__).resolve().parents[3] / ".cache" / "peers" / "azureml" / "bin"
START_S = 60
VALUES = """
import collections, datetime, decimal, enum, json, os, sys, threading, uuid
import flask
import numpy as np
from azureml.contrib.services.aml_response import AMLResponse
from flask import jsonify, make_response, redirect, request

class Colour(enum.Enum): RED = 1
class Number(enum.IntEnum): ONE = 1
class Word(str, enum.Enum): A = "a"
Pair = collections.namedtuple("Pair", "a b")

def pieces(*items):
    for item in items:
        if isinstance(item, Exception):
            raise item
        yield item

def again(depth=0):
    return again(depth + 1)

def changed(response, **attributes):
    for name, value in attributes.items():
        setattr(response, name, value)
    return response

def init(): pass
def run(data, request_headers):
    return eval(data, globals())
"""
RAW = """
import flask
from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse

def files(request):
    return [[f.name, f.filename, f.content_type, dict(f.headers), f.read().decode("latin-1")]
            for _, f in request.files.items(multi=True)]

def init(): pass

@rawhttp
def run(request, request_headers):
    value = eval(request.headers["X-Do"])
    return {"bytes": value.decode("latin-1")} if isinstance(value, bytes) else value
"""
EXPRESSIONS = r"""
None;[];"";0;-0.0;1e22;float("nan");[float("nan")]*100;[1.0]*100;[1.0,float("inf")]+[2.0]*100;[[1,2],[3]]*50
[[1,2]]*50;[[1,2.5]]*50;[1,True]*50;[2**70]*100;[2**63]*100;[1e16]*100;[5e-324]*70;[-0.0]*70;(1,2);("x",201)
{1:2,None:3,True:4,1.5:5};{(1,2):3};{np.int64(1):1};np.float64(1.5);[np.float64(1.5)]*100;np.float32(1.5)
np.int64(1);[np.int64(1)]*100;np.array([1]);b"ab";{1,2};range(3);iter([1]);pieces(1)
datetime.datetime(2020,1,1);decimal.Decimal("1.5");uuid.UUID(int=1);Colour.RED;Number.ONE;Word.A
{Number.ONE:1};{Word.A:1};Pair(1,2);collections.OrderedDict(b=1,a=2);collections.deque([1]);ValueError
object();"\u00e9\U0001f600";"\ud800";"\x00\x1f\x7f";"</script>";json.dumps({"a":1});again();1/0;sys.exit(0)
(_ for _ in ()).throw(KeyboardInterrupt);(_ for _ in ()).throw(MemoryError)
(_ for _ in ()).throw(TimeoutError("x"));flask.abort(418);print("\u00e9");sorted(request_headers);"x"*300000
jsonify(a=1);make_response("x",201);redirect("/x");flask.Response("x",202,{"A":"b"});flask.Response("x",500)
flask.Response(pieces("a","b"));request.method;request.get_data();AMLResponse("abc",200)
AMLResponse("\u00e9",200);AMLResponse("abc",200,json_str=True);AMLResponse(b"\x00\xff",200)
AMLResponse(None,333);AMLResponse({"a":1},201,json_str=True);AMLResponse({"a":1,"b":2},200)
AMLResponse([1,2],200);AMLResponse(["a","b"],200);AMLResponse(5,200);AMLResponse("",200);AMLResponse([],200)
AMLResponse({},200);AMLResponse("x",503);AMLResponse("x",500,run_function_failed=False)
AMLResponse("x",200,run_function_failed="yes");AMLResponse("x",200,{"A":1})
AMLResponse("x",200,{"A":"1","B":"1, 2,3","Content-Type":"image/jpeg"});AMLResponse("x",200,{"A":""})
AMLResponse("x",200,{"A":","});AMLResponse("x",200,{"A":"a\nb"});AMLResponse("x",200,{"A":"\u00e9"})
AMLResponse("x",200,{"A":"\u2603"});AMLResponse("x",200,{"A b":"c"})
AMLResponse("x",200,{"Set-Cookie":"a=b\x3b Expires=Wed, 21 Oct 2015 07:28:00 GMT"})
AMLResponse("x",200,{"Location":"/elsewhere"});AMLResponse("x",500,{"x-ms-run-function-failed":"False"})
AMLResponse("x","404");AMLResponse("x","200 Fine");AMLResponse("x","nope");AMLResponse("x",None)
AMLResponse("x",204);AMLResponse("x",304);AMLResponse("x",205);AMLResponse("x",999);AMLResponse("x",1000)
AMLResponse("x");AMLResponse(np.array([1]),200);AMLResponse(range(3),200);AMLResponse(pieces("a","b"),200)
AMLResponse(pieces(),200);AMLResponse(pieces("a",ValueError()),200);AMLResponse(pieces(ValueError()),200)
AMLResponse(pieces("abc"),200,{"Content-Length":"3"});AMLResponse(pieces("a"),204)
AMLResponse(pieces("a"),503);AMLResponse("x",200).status;AMLResponse("x",200).content_type
changed(AMLResponse("x",200),status="201 Made");changed(AMLResponse("x",200),status_code=503)
changed(AMLResponse("x",200),data=b"\xff");changed(AMLResponse("x",200),mimetype="text/plain")
AMLResponse("x",200,{"content-type":"a/b"});AMLResponse("x",200,None)
"""
QUESTIONS = """
request.method;request.path;request.full_path;request.query_string;request.args.to_dict(flat=False)
request.args["zz"];dict(request.headers);[list(p) for p in request.headers];request_headers
request.headers.getlist("X-Dup");request.cookies;request.get_data();request.get_data(as_text=True)
[request.get_data(False).decode("latin-1"), len(request.get_data(False))]
[len(request.get_data()), request.form.to_dict(), list(request.files)]
[request.form.to_dict(), len(request.get_data())];request.data;request.stream.read(3)
request.stream.readline();request.json;request.get_json(force=True,silent=True);request.is_json
request.content_type;request.mimetype;request.mimetype_params;request.content_length
request.form.to_dict(flat=False);files(request);request.files["image"].filename;request.files["nope"]
request.values.to_dict();request.remote_addr;request.access_route;str(request.user_agent)
request.authorization and request.authorization.username;str(request.accept_mimetypes);str(request.range)
sorted(k for k in request.environ if k.startswith("HTTP_"));isinstance(request, flask.Request)
flask.request.method;request;request.files;AMLResponse(request.get_data(),200)
AMLResponse(request.method,200)
"""
# What is meant to differ, as docs/differences.md says.
ON_PURPOSE = {
    'AMLResponse("x",200,{"content-type":"a/b"})',
    'AMLResponse("x",200,None)',
}
LATIN = {
    "X-Dup": "1",
    "x-dup": "2",
    "Cookie": 'a=b; c="d e"',
    "under_score": "1",
    "X-E": " a ",
    "Authorization": "Basic dTpw",
}
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
    b"Content-Type: image/jpeg\r\n\r\n"
    b'\xff\xd8\r\n--\r\n--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xc3\xa9\r\n--b--\r\n'
)
BODIES = (
    ("POST", "/score?a=1&a=2&b=%20&c=%C3%A9", b"abc\xff\n{}", LATIN),
    ("GET", "/score", None, {}),
    ("POST", "/score", b'{"a": [1, null]}', {"Content-Type": "application/json; charset=utf-8"}),
    ("POST", "/score", b"{", {"Content-Type": "application/json"}),
    ("POST", "/score", b"a=1&a=2&b=x+y&c=%ff", {"Content-Type": "application/x-www-form-urlencoded"}),
    ("POST", "/score", MULTIPART, {"Content-Type": "multipart/form-data; boundary=b"}),
)
SKIPPED = {"date", "server", "connection", "x-ms-server-version", "content-length"}


@pytest.fixture
def both(tmp_path):
    """``both(script)``: the ports of the two servers with it, the original first."""
    if not (ORIGINAL / "azmlinfsrv").exists():
        pytest.skip("the environment of the original server is not there; make bench makes it")
    processes = []

    def start(script):
        (tmp_path / "score.py").write_text(script)
        python = {**os.environ, "MOORAGE_PYTHON": str(ORIGINAL / "python")}
        commands = ([str(ORIGINAL / "azmlinfsrv")], [sys.executable, "-m", "moorage_server.cli"])
        ports = []
        for number, command in enumerate(commands):
            with socket.create_server(("127.0.0.1", 0)) as listener:
                ports.append(listener.getsockname()[1])
            with (tmp_path / f"log{number}").open("wb") as log:
                options = ["--entry_script", "score.py", "--port", str(ports[-1])]
                processes.append(
                    subprocess.Popen(
                        command + options, cwd=tmp_path, env=python, stdout=log, stderr=subprocess.STDOUT
                    )
                )
        deadline = time.monotonic() + START_S
        for port in ports:
            while not is_up(port):
                assert time.monotonic() < deadline, (tmp_path / "log0").read_text()
                time.sleep(0.1)
        return ports

    yield start
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def is_up(port):
    try:
        return ask(port, "GET", "/", None, {})[0] == 200
    except (OSError, ValueError):
        return False


def ask(port, method, target, body, headers):
    """Return (status, header lines, body) without what cannot be the same."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b""))
        while piece := connection.recv(65536):
            received += piece
    head, _, content = received.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    status = int(first.split(" ")[1])
    pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in rest)]
    pairs = [
        (name, re.sub(r"^[0-9a-f-]{36}$|^\d+\.\d{3}$", "*", value))
        for name, value in pairs
        if name not in SKIPPED
    ]
    if status == 500 and ("content-type", "text/html") in pairs:
        return status, "an error page"
    if ("content-type", "application/json") in pairs:
        content = json.loads(content)
        if isinstance(content, dict) and set(content) == {"message"}:
            content = "a message"
    return status, sorted(pairs), content


def same(theirs, ours):
    if theirs[1] == "an error page":  # JSON here
        return ours[0] == theirs[0] and ours[2] == "a message"
    return repr(theirs) == repr(ours)


def expressions(text):
    return [part for line in text.strip().splitlines() for part in line.split(";") if part]


def test_values_and_responses(both):
    ports = both(VALUES)
    differing = []
    for expression in expressions(EXPRESSIONS):
        theirs, ours = (ask(port, "POST", "/score", expression.encode(), {}) for port in ports)
        if not same(theirs, ours) and expression not in ON_PURPOSE:
            differing.append((expression, theirs, ours))
    assert differing == []


def test_raw_requests(both):
    ports = both(RAW)
    differing = []
    for question in expressions(QUESTIONS):
        for method, target, body, headers in BODIES:
            theirs, ours = (ask(port, method, target, body, {"X-Do": question, **headers}) for port in ports)
            if not same(theirs, ours):
                differing.append((question, method, headers, theirs, ours))
    assert differing == []
