"""TLS: what is spoken, and a certificate that is renewed while clients are connected."""

import datetime
import ipaddress
import socket
import ssl
import threading
import time
import warnings

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ECHO = """
def init(): pass
def run(data):
    return data
"""
RAW = """
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
def init(): pass
@rawhttp
def run(request):
    return request.scheme
"""


def make_certificate(folder, serial, password=None):
    """Write a self-signed certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), serial)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "new.crt").write_bytes(certificate.public_bytes(pem))
    (folder / "new.key").write_bytes(key.private_bytes(pem, pkcs8, how))
    (folder / "new.key").rename(folder / "tls.key")
    (folder / "new.crt").rename(folder / "tls.crt")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("tls")
    make_certificate(made, 1)
    return made


def settings(folder):
    return {"tls_certificate": str(folder / "tls.crt"), "tls_key": str(folder / "tls.key")}


@pytest.fixture(scope="module")
def server(servers, folder):
    return servers.start(ECHO, **settings(folder))


def connect(server, folder, **changes):
    """Open a connection that trusts only the certificate that is in the folder now."""
    context = ssl.create_default_context(cafile=folder / "tls.crt")
    for name, value in changes.items():
        setattr(context, name, value)
    connection = server.connect(timeout_s=60)
    connection.socket = context.wrap_socket(connection.socket, server_hostname="localhost")
    return connection


def serial_of(connection):
    return int(connection.socket.getpeercert()["serialNumber"], 16)


def test_requests_are_answered_over_tls(server, folder):
    with connect(server, folder) as connection:
        assert connection.request("POST", "/score", b"1").text == '"1"'
        large = b"x" * 3_000_000
        assert len(connection.request("POST", "/score", large).body) == len(large) + 2
        assert connection.socket.version() in ("TLSv1.2", "TLSv1.3")
    with connect(server, folder, maximum_version=ssl.TLSVersion.TLSv1_2) as connection:
        assert connection.request("GET", "/").text == "Healthy"
        assert "GCM" in connection.socket.cipher()[0] or "CHACHA" in connection.socket.cipher()[0]


def test_a_script_sees_the_scheme(servers, folder):
    with connect(servers.start(RAW, **settings(folder)), folder) as connection:
        assert connection.request("POST", "/score", b"1").text == '"https"'


def test_old_versions_and_plain_http_are_refused(server, folder):
    old = {"maximum_version": ssl.TLSVersion.TLSv1_1, "minimum_version": ssl.TLSVersion.TLSv1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            connect(server, folder, **old)
    with server.connect() as connection:
        connection.send(b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1")
        try:
            said = connection.socket.recv(1000)
        except ConnectionError:
            said = b""
    assert b"HTTP" not in said


def test_a_client_that_breaks_off_harms_nobody(server, folder):
    for said in (b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00" + b"\0" * 100):
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            raw.sendall(said)
    with connect(server, folder) as connection:
        assert connection.request("GET", "/").status == 200


def test_a_renewed_certificate_is_taken_without_losing_a_request(servers, tmp_path):
    make_certificate(tmp_path, 11)
    server = servers.start(ECHO, **settings(tmp_path))
    statuses, stop = [], threading.Event()
    lasting = connect(server, tmp_path)

    def ask():
        while not stop.is_set():
            statuses.append(lasting.request("POST", "/score", b"1").status)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for serial in (12, 13):
            make_certificate(tmp_path, serial)
            deadline = time.monotonic() + 30
            while True:
                try:
                    with connect(server, tmp_path) as connection:
                        assert serial_of(connection) == serial
                        break
                except ssl.SSLCertVerificationError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
    finally:
        stop.set()
        thread.join()
        assert serial_of(lasting) == 11
        lasting.socket.close()
    assert statuses
    assert set(statuses) == {200}


def test_files_that_do_not_fit_leave_the_certificate_in_use(servers, tmp_path):
    make_certificate(tmp_path, 21)
    server = servers.start(ECHO, **settings(tmp_path))
    kept = (tmp_path / "tls.crt").read_text()
    (tmp_path / "tls.crt").write_text("no certificate")
    server.wait_for_log("stays in use", within_s=30)
    (tmp_path / "tls.crt").write_text(kept)
    with connect(server, tmp_path) as connection:
        assert serial_of(connection) == 21


@pytest.mark.parametrize("fault", ["missing", "password", "other key", "no PEM", "half"])
def test_a_certificate_that_cannot_be_used_is_named(servers, tmp_path, fault):
    make_certificate(tmp_path, 31, b"secret-password" if fault == "password" else None)
    values = settings(tmp_path)
    if fault == "missing":
        (tmp_path / "tls.key").unlink()
    elif fault == "other key":
        kept = (tmp_path / "tls.crt").read_bytes()
        make_certificate(tmp_path, 32)
        (tmp_path / "tls.crt").write_bytes(kept)
    elif fault == "no PEM":
        (tmp_path / "tls.key").write_text("nothing")
    elif fault == "half":
        del values["tls_key"]
    server = servers.start(ECHO, expect="failed", **values)
    message = server.events.seen[-1]["error"]["message"]
    assert "tls_key" in message if fault == "half" else "tls.key" in message
