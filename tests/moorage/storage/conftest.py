"""Real servers that speak as S3 and Azure Blob do: moto and Azurite (see scripts/object-stores)."""

import base64
import hashlib
import hmac
import http.client
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

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
        if name.startswith(("AWS_", "AZURE_")):
            monkeypatch.delenv(name)
