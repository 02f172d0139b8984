"""Servers that speak as S3 and Azure Blob do, moto and Azurite (see scripts/object-stores), and one of ours.

No imitation of Google Cloud Storage can be installed as a package, so there is a small one here. It knows
what the client uses of the XML interface, and nothing of permissions.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

CACHE = Path(__file__).parents[3] / ".cache"
MOTO = CACHE / "moto" / "bin" / "moto_server"
AZURITE = CACHE / "azurite" / "node_modules" / ".bin" / "azurite-blob"
# Of every Azurite, and published with it.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
START_S = 60


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _serve(command: list[str], port: int, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process
        except OSError:
            if process.poll() is not None or time.monotonic() >= deadline:
                process.kill()
                process.wait()
                pytest.fail(f"{command[0]} does not serve: {log.read_text()[-1000:]}")
            time.sleep(0.05)


@pytest.fixture(scope="session")
def moto_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    if not MOTO.is_file():
        pytest.skip("moto is not installed; scripts/object-stores installs it")
    port = _free_port()
    log = tmp_path_factory.mktemp("moto") / "log"
    process = _serve([str(MOTO), "--host", "127.0.0.1", "--port", str(port)], port, log)
    yield port
    process.terminate()
    process.wait(timeout=30)


@pytest.fixture(scope="session")
def azurite_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    if not AZURITE.is_file():
        pytest.skip("Azurite is not installed; scripts/object-stores installs it")
    port = _free_port()
    folder = tmp_path_factory.mktemp("azurite")
    command = [str(AZURITE), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)]
    process = _serve([*command, "--silent", "--skipApiVersionCheck"], port, folder / "log")
    yield port
    process.terminate()
    process.wait(timeout=30)


@pytest.fixture
def s3_url(moto_port: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a folder in a new bucket; what else is needed is in the environment."""
    variables = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{moto_port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    bucket = f"bucket-{uuid.uuid4().hex}"
    _put(moto_port, f"/{bucket}", {})
    return f"s3://{bucket}/folder"


@pytest.fixture
def azure_url(azurite_port: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a folder in a new container; what else is needed is in the environment."""
    variables = {
        "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
        "AZURE_STORAGE_ACCOUNT_KEY": ACCOUNT_KEY,
        "AZURE_STORAGE_ENDPOINT": f"http://127.0.0.1:{azurite_port}/{ACCOUNT}",
        "AZURE_ALLOW_HTTP": "true",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    container = f"container-{uuid.uuid4().hex}"
    date = formatdate(usegmt=True)
    path = f"/{ACCOUNT}/{container}"
    signed = (
        "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:2021-08-06\n/{ACCOUNT}{path}\nrestype:container"
    )
    key = base64.b64decode(ACCOUNT_KEY)
    signature = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()
    headers = {
        "x-ms-date": date,
        "x-ms-version": "2021-08-06",
        "Authorization": f"SharedKey {ACCOUNT}:{signature}",
    }
    _put(azurite_port, f"{path}?restype=container", headers)
    return f"az://{container}/folder"


class _Bucket(BaseHTTPRequestHandler):
    """One bucket in memory: objects, listing, uploads in parts."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]
    parts: dict[str, dict[int, bytes]]

    def _wanted(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        return unquote(parts.path).removeprefix("/").partition("/")[2], query

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, content: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("ETag", f'"{hashlib.md5(content).hexdigest()}"')
        self.send_header("Last-Modified", formatdate(usegmt=True))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def do_PUT(self) -> None:
        key, query = self._wanted()
        content = self._body()
        if "uploadId" in query:
            self.parts[query["uploadId"]][int(query["partNumber"])] = content
        else:
            self.objects[key] = content
        self._answer(200)

    def do_POST(self) -> None:
        key, query = self._wanted()
        body = self._body().decode()
        if "uploads" in query:
            number = uuid.uuid4().hex
            self.parts[number] = {}
            kind = "InitiateMultipartUploadResult"
            text = f"<{kind}><UploadId>{number}</UploadId></{kind}>"
        else:
            kept = self.parts.pop(query["uploadId"])
            self.objects[key] = b"".join(kept[int(n)] for n in re.findall(r"<PartNumber>(\d+)<", body))
            text = "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"
        self._answer(200, text.encode())

    def do_GET(self) -> None:
        key, query = self._wanted()
        if key:
            content = self.objects.get(key)
            return self._answer(404) if content is None else self._answer(200, content)
        now = datetime.now(timezone.utc).isoformat()
        entries = "".join(
            f"<Contents><Key>{escape(name)}</Key><Size>{len(content)}</Size><LastModified>{now}</LastModified>"
            "<ETag>e</ETag></Contents>"
            for name, content in sorted(self.objects.items())
            if name.startswith(query.get("prefix", ""))
        )
        return self._answer(200, f"<ListBucketResult>{entries}</ListBucketResult>".encode())

    def do_HEAD(self) -> None:
        content = self.objects.get(self._wanted()[0])
        if content is None:
            return self._answer(404)
        return self._answer(200, content)

    def do_DELETE(self) -> None:
        key, query = self._wanted()
        if "uploadId" in query:
            self.parts.pop(query["uploadId"], None)
            return self._answer(204)
        return self._answer(204 if self.objects.pop(key, None) is not None else 404)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def google_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a folder in an empty bucket; what else is needed is in the environment."""
    handler = type("Bucket", (_Bucket,), {"objects": {}, "parts": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        account = {
            "gcs_base_url": f"http://127.0.0.1:{server.server_port}",
            "disable_oauth": True,
            "client_email": "",
            "private_key": "",
            "private_key_id": "",
        }
        monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", json.dumps(account))
        monkeypatch.setenv("GOOGLE_ALLOW_HTTP", "true")
        try:
            yield "gs://bucket/folder"
        finally:
            server.shutdown()
            thread.join()


def _put(port: int, path: str, headers: dict[str, str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("PUT", path, b"", {**headers, "Content-Length": "0"})
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status in (200, 201), said
    finally:
        connection.close()


@pytest.fixture(autouse=True)
def _only_our_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_")):
            monkeypatch.delenv(name)
