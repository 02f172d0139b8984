"""Addresses that users name lead to web servers, and to nothing that only this machine can reach."""

import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from moorage import fetching
from moorage.errors import FetchFailed


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        kind, _, rest = self.path.lstrip("/").partition("/")
        self.send_response({"to": 302, "missing": 404}.get(kind, 200))
        if kind == "to":
            self.send_header("Location", rest)
        self.end_headers()
        self.wfile.write(b"x" * int(rest) if kind == "bytes" else b"")

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def get(url, **more):
    target = io.BytesIO()
    assert fetching.fetch(url, target, **more) == len(target.getvalue())
    return target.getvalue()


def test_what_is_there_is_fetched_also_behind_redirects(site):
    assert get(f"{site}/bytes/5") == b"xxxxx"
    assert get(f"{site}/to//bytes/3") == b"xxx"
    assert get(f"{site}/to/{site}/to//bytes/2") == b"xx"


FORBIDDEN = [
    "file:///etc/passwd",
    "ftp://example.com/a",
    "gopher://127.0.0.1/",
    "//169.254.169.254/",
    "http://",
    "http:///etc/passwd",
    "http://[::1",
    "http://host:99999999/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.1.1:80/",
    "http://[fe80::1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://2852039166/",
    "http://0xA9FEA9FE/",
    "http://0251.0376.0251.0376/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://224.0.0.1/",
    "http://user:password@169.254.169.254/",
]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_an_address_that_is_not_permitted_is_not_asked(site, url):
    with pytest.raises(FetchFailed):
        get(url)
    if url == "http:///etc/passwd":
        return  # relative to the address of the site, this is a path of its own
    # Nor when another one leads there.
    with pytest.raises(FetchFailed):
        get(f"{site}/to/{url}")


def test_a_name_that_leads_elsewhere_at_the_second_look_is_noticed(site, monkeypatch):
    """The first look sees a harmless address; the connection goes to another one."""
    looked_at = []
    check = fetching._check_ip
    monkeypatch.setattr(fetching, "_check_ip", lambda url, text: (looked_at.append(text), check(url, text)))
    get(f"{site}/bytes/1")
    assert looked_at == ["127.0.0.1", "127.0.0.1"]

    def rebound(url, text):
        looked_at.append(text)
        if len(looked_at) > 3:
            check(url, "169.254.169.254")

    monkeypatch.setattr(fetching, "_check_ip", rebound)
    with pytest.raises(FetchFailed, match=r"169\.254"):
        get(f"{site}/bytes/1")


def test_endless_redirects_and_endless_files_end(site):
    with pytest.raises(FetchFailed, match="redirects more than"):
        get(f"{site}/to/" * 9 + f"{site}/to/x")
    with pytest.raises(FetchFailed, match="more than 10 bytes"):
        get(f"{site}/bytes/11", max_bytes=10)
    with pytest.raises(FetchFailed, match="404"):
        get(f"{site}/missing/")


def test_only_named_hosts_are_asked(site, monkeypatch):
    monkeypatch.setenv("MOORAGE_FETCH_HOSTS", "models.example.com, data.example.com")
    with pytest.raises(FetchFailed, match="is not one of the hosts"):
        get(f"{site}/bytes/1")
    monkeypatch.setenv("MOORAGE_FETCH_HOSTS", "127.0.0.1")
    assert get(f"{site}/bytes/1") == b"x"
