"""Cross-origin headers: rows 169-177 of the case table."""

import pytest

ECHO = """
def init(): pass
def run(data):
    if data == "raise":
        raise ValueError
    return data
"""
LIST = {"cors_origins": "http://a.com, http://b.com"}
PREFLIGHT = {"Origin": "http://a.com", "Access-Control-Request-Method": "POST"}


@pytest.fixture
def listed(servers):
    return servers.shared(ECHO, **LIST)


def cors_of(answer):
    return {name: value for name, value in answer.lines if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", ["http://a.com", "http://b.com", "HTTP://A.com"])
def test_row_169_an_allowed_origin(listed, origin):
    answer = listed.post("x", {"Origin": origin})
    assert answer.status == 200
    assert cors_of(answer) == {"access-control-allow-origin": origin}
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", ["http://evil.com", "http://a.com.evil.com", "http://a.com/", "null"])
def test_row_170_another_origin(listed, origin):
    answer = listed.post("x", {"Origin": origin})
    assert (answer.status, answer.json()) == (200, "x")
    assert cors_of(answer) == {}


def test_row_171_preflight(listed):
    answer = listed.request(
        "OPTIONS",
        "/score",
        headers={**PREFLIGHT, "Access-Control-Request-Headers": "content-type, authorization"},
    )
    assert (answer.status, answer.body) == (200, b"")
    assert cors_of(answer) == {
        "access-control-allow-origin": "http://a.com",
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "authorization, content-type",
    }


def test_preflight_without_headers(listed):
    answer = listed.request("OPTIONS", "/score", headers=PREFLIGHT)
    assert "access-control-allow-headers" not in answer.headers
    assert answer.headers["access-control-allow-methods"] == "GET, POST"


def test_row_172_preflight_for_another_method(listed):
    answer = listed.request(
        "OPTIONS", "/score", headers={**PREFLIGHT, "Access-Control-Request-Method": "PUT"}
    )
    assert answer.status == 200
    assert cors_of(answer) == {"access-control-allow-origin": "http://a.com"}


def test_preflight_from_another_origin(listed):
    answer = listed.request("OPTIONS", "/score", headers={**PREFLIGHT, "Origin": "http://evil.com"})
    assert cors_of(answer) == {}


def test_row_173_unknown_addresses_have_no_cors_headers(listed):
    answer = listed.get("/nope", {"Origin": "http://a.com"})
    assert answer.status == 404
    assert cors_of(answer) == {}


def test_row_174_errors_of_known_addresses_have_them(listed):
    answer = listed.get("/score", {"Origin": "http://a.com", "x-request-id": "x" * 101})
    assert answer.status == 431
    assert answer.headers["access-control-allow-origin"] == "http://a.com"
    answer = listed.post("raise", {"Origin": "http://a.com"})
    assert answer.status == 500
    assert answer.headers["access-control-allow-origin"] == "http://a.com"
    for target in ("/", "/swagger.json"):
        assert listed.get(target, {"Origin": "http://a.com"}).headers["access-control-allow-origin"]


def test_without_origin_a_list_answers_with_its_first(listed):
    assert listed.post("x").headers["access-control-allow-origin"] == "http://a.com"


def test_row_175_all_origins(servers):
    server = servers.shared(ECHO, cors_origins="*")
    answer = server.post("x", {"Origin": "http://x"})
    assert answer.headers["access-control-allow-origin"] == "http://x"
    assert answer.headers["vary"] == "Origin"
    answer = server.post("x")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "vary" not in answer.headers


def test_row_176_off(servers):
    answer = servers.shared(ECHO).post("x", {"Origin": "http://a.com"})
    assert cors_of(answer) == {}


def test_a_pattern(servers):
    server = servers.shared(ECHO, cors_origins=r"https://.*\.a\.com")
    for origin in ("https://x.a.com", "https://X.A.com"):
        assert server.post("x", {"Origin": origin}).headers["access-control-allow-origin"] == origin
    for origin in ("https://x.a.com.evil.org", "https://a.com", "http://x.a.com"):
        assert cors_of(server.post("x", {"Origin": origin})) == {}


def test_one_plain_origin_does_not_vary(servers):
    answer = servers.shared(ECHO, cors_origins="http://a.com").post("x", {"Origin": "http://a.com"})
    assert answer.headers["access-control-allow-origin"] == "http://a.com"
    assert "vary" not in answer.headers
