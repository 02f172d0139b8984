"""Mode ``model``: further addresses, plain numbers as arrays, and the same guard for all of them."""

import pytest

from moorage_server.auth import Admission, digest_of, replace_guard_file

KEY = "first-key-0123456789"
# What Moorage's own script for models does, with nothing of a model in it.
SCRIPT = """
import json
from moorage_runtime.model_service import Answer

class Service:
    is_rowwise = False

    def describe(self, settings):
        shape = {"parameter": "data", "type": "f8", "shape": [None, 2], "enforce_shape": True}
        return {"openapi": {}, "sample": '{"data": [[0, 0]]}', "array_input": shape, "routes": ["/v2"]}

    def write(self, value):
        return json.dumps(["array", value.tolist()]).encode()

    def answer(self, request):
        if request.path == "/v2/teapot":
            return Answer(b"no", 418, "text/plain", [("X-More", "1")])
        if request.path == "/v2/error":
            raise ValueError("no")
        told = [request.method, request.path, request.query, request.headers.get("x-a"), len(request.body)]
        return Answer(json.dumps(told).encode())

MOORAGE_SERVICE = Service()

def init(): pass

def run(data):
    return data * 2
"""


@pytest.fixture(scope="module")
def server(servers):
    return servers.shared(SCRIPT)


def test_plain_numbers_come_as_an_array(server):
    assert server.post_json('{"data": [[1, 2.5]]}').json() == ["array", [[2.0, 5.0]]]


@pytest.mark.parametrize("body", ['{"data": [[1]]}', '{"data": [["a", 1]]}', "not JSON", ""])
def test_everything_else_comes_as_it_is(server, body):
    assert server.post_json(body).json() == ["POST", "/score", "", None, len(body)]


def test_a_query_is_not_lost(server):
    answer = server.post('{"data": [[1, 2]]}', {"Content-Type": "application/json"}, "/score?method=x")
    assert answer.json() == ["POST", "/score", "method=x", None, 18]


def test_further_addresses(server):
    assert server.get("/v2/models/%C3%A9?a=b", {"X-A": "1"}).json() == [
        "GET",
        "/v2/models/\u00e9",
        "a=b",
        "1",
        0,
    ]
    answer = server.get("/v2/teapot")
    assert (answer.status, answer.text, answer.headers["x-more"]) == (418, "no", "1")
    assert answer.headers["content-type"] == "text/plain"
    assert answer.has_ids
    assert server.get("/v2/error").status == 500
    for path in ("/v3", "/v", "/other"):
        assert server.get(path).status == 404


def test_other_scripts_have_no_further_addresses(servers):
    plain = servers.shared("def init(): pass\ndef run(data): return data\n")
    assert plain.get("/v2").status == 404


def test_all_addresses_ask_for_the_key(servers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("auth")
    replace_guard_file(folder / "auth.json", Admission((digest_of(KEY),)))
    guarded = servers.shared(SCRIPT, auth="key", auth_file=str(folder / "auth.json"))
    for path in ("/v2", "/v2/models/m", "//v2", "/%76%32/models/m", "/score"):
        assert guarded.get(path).status == 401, path
        assert guarded.get(path, {"Authorization": f"Bearer {KEY}"}).status == 200, path
