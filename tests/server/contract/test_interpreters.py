"""One front, scorers of every Python on the machine: the environment of the script is the user's."""

import os
from pathlib import Path

import pytest

SCRIPT = """
import os, sys, time
from azureml.contrib.services.aml_response import AMLResponse

def generate():
    for number in range(3):
        yield "%d" % number

def init():
    pass

def run(data, request_headers):
    return eval(data)
"""
RAW = """
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse

def init():
    pass

@rawhttp
def run(request):
    return AMLResponse(request.files["image"].read()[::-1], 201, {"X-Path": request.full_path})
"""
ROOT = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
PYTHONS = sorted(ROOT.glob("3.*/bin/python")) if ROOT.is_dir() else []


@pytest.fixture(params=PYTHONS or [None], ids=lambda path: path.parts[-3] if path else "none")
def python(request):
    if request.param is None:
        pytest.skip(f"no interpreters below {ROOT}: install some with pyenv")
    return str(request.param)


def test_text(servers, python):
    server = servers.shared(SCRIPT, python=python, scoring_timeout_ms=1000)
    version = Path(python).parts[-3]
    assert server.post("sys.version.split()[0]").json() == version
    assert server.post("[request_headers['Test-Header'], 1.5, None]", {"test-header": "v"}).json() == [
        "v",
        1.5,
        None,
    ]
    assert server.post("1 / 0").status == 500
    assert server.post("time.sleep(5)").status == 500
    assert server.post("b''").status == 500
    answer = server.post("AMLResponse(generate(), 200, {'A': '1, 2'})")
    assert (answer.text, answer.all("a")) == ("012", ["1", "2"])
    assert server.post("os._exit(1)").status == 500
    assert server.get("/swagger.json?version=3.1").json()["openapi"] == "3.1.0"


def test_raw(servers, python):
    server = servers.shared(RAW, python=python)
    body = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nabc\r\n--b--\r\n'
    answer = server.post(body, {"Content-Type": "multipart/form-data; boundary=b"}, target="/score?x=1")
    assert (answer.status, answer.body, answer.headers["x-path"]) == (201, b"cba", "/score?x=1")
