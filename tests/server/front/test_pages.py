"""``/docs`` and ``/metrics``."""

import json
from html.parser import HTMLParser

import pytest

from moorage_server.docs_page import page

DECORATED = """
import numpy as np
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType

def init(): pass

@input_schema("data", NumpyParameterType(np.array([[1.5, 2.0]])))
@output_schema(NumpyParameterType(np.array([3726.5])))
def run(data):
    if data[0][0] < 0:
        raise ValueError
    return data.sum(axis=1).tolist()
"""
EVIL = "<script>alert(1)</script>\"'&"


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def attributes(self, name):
        return [attributes[name] for _, attributes in self.tags if name in attributes]


@pytest.fixture
def server(servers):
    return servers.shared(DECORATED, name="My <service>")


def test_the_page_shows_the_document_and_needs_nothing_from_elsewhere(server):
    answer = server.get("/docs")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    elements = Elements(answer.text)
    assert "My <service>" in elements.text
    assert "/score" in elements.text
    assert "array of array of number (double)" in elements.text
    assert json.dumps({"data": [[1.5, 2.0]]}, indent=1) in elements.text
    addresses = elements.attributes("href") + elements.attributes("src")
    assert len(addresses) >= 3
    for address in addresses:
        assert "//" not in address
        assert server.get("/" + address).status == 200
    for tag, attributes in elements.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag


def test_the_policy_allows_only_this_server(server):
    policy = server.get("/docs").headers["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert "unsafe" not in policy
    for target, kind in (("/docs/page.js", "text/javascript"), ("/docs/page.css", "text/css")):
        answer = server.get(target)
        assert answer.headers["content-type"].startswith(kind)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert b"http" not in answer.body.replace(b"https", b"http").split(b"*/")[-1] or target.endswith(
            ".css"
        )
    assert server.get("/docs/../score").status in (404, 405)
    assert server.get("/docs/page.py").status == 404
    assert server.post("x", target="/docs").status == 405


def test_everything_is_escaped():
    document = {
        "info": {"title": EVIL, "version": EVIL, "description": EVIL},
        "paths": {
            f"/{EVIL}": {
                "post": {
                    "summary": EVIL,
                    "requestBody": {
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "properties": {EVIL: {"type": EVIL, "format": EVIL}},
                                    "example": {EVIL: "</textarea>" + EVIL},
                                }
                            }
                        }
                    },
                }
            }
        },
    }
    text = page(json.dumps(document).encode()).decode()
    elements = Elements(text)
    scripts = [attributes for tag, attributes in elements.tags if tag == "script"]
    assert scripts == [{"src": "docs/page.js", "defer": None}]
    assert text.count("<script") == 1
    assert text.count("</textarea>") == 1
    assert "<script>alert(1)</script>" in elements.text


@pytest.mark.parametrize(
    "document",
    [
        None,
        b"{}",
        b'{"info": 5, "paths": {"/x": 5, "/y": {"get": 5, "post": {"parameters": [5], "responses": []}}}}',
        b'{"paths": {"/score": {"post": {"requestBody": {"content": {"application/json": {"schema": '
        b'{"$ref": "#/nowhere"}}}}}}}}',
    ],
)
def test_any_document_gives_a_page(document):
    assert page(document).startswith(b"<!doctype html>")


def test_a_document_that_refers_to_itself_ends():
    schema = {"type": "object", "properties": {"again": {"$ref": "#/schema"}}}
    document = {
        "schema": schema,
        "paths": {"/score": {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}}}},
    }
    assert page(json.dumps(document).encode()).count(b"again") == 8


def metrics_of(server):
    lines = server.get("/metrics").text.splitlines()
    return {
        line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")
    }


def test_metrics_count(servers):
    server = servers.start(DECORATED)
    before = metrics_of(server)
    for value in (1, 2, -1):
        server.post_json({"data": [[value, 2]]})
    server.post_json({"data": [["1", 2]]})
    server.post("x")
    with server.connect() as connection:
        connection.send(b"nonsense\r\n\r\n")
        connection.answer()
    after = metrics_of(server)
    assert after['moorage_requests_total{status="200"}'] == 3
    assert after['moorage_requests_total{status="500"}'] == 1
    assert after['moorage_requests_total{status="415"}'] == 1
    assert after['moorage_refused_requests_total{status="400"}'] == 1
    assert after["moorage_array_bodies_total"] - before["moorage_array_bodies_total"] == 3
    assert after["moorage_run_seconds_count"] - before["moorage_run_seconds_count"] == 3
    assert after['moorage_run_seconds_bucket{le="+Inf"}'] == after["moorage_run_seconds_count"]
    assert after["moorage_scorers_ready"] == 1
    assert after["moorage_requests_held"] == 0
    assert server.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
