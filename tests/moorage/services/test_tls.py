"""Services that speak TLS, from ``moor tls self-signed`` to the answer."""

import json
import ssl
import time
import urllib.request

import pytest

from moorage import errors, services
from moorage.deployments import LocalConfig, parse_deployment_config
from moorage.deployments.self_signed import make_self_signed


def over_tls(folder, **more):
    paths = {"ssl_certificate_path": str(folder / "tls.crt"), "ssl_key_path": str(folder / "tls.key")}
    return LocalConfig(ssl_enabled=True, **paths, **more)


def serial_seen(service, certificate):
    """Return the serial number of the certificate that a client gets which trusts only this one."""
    context = ssl.create_default_context(cafile=certificate)
    with urllib.request.urlopen(
        service.scoring_uri.removesuffix("/score"), context=context, timeout=30
    ) as got:
        assert got.read() == b"Healthy"
    address = service.scoring_uri.split("/")[2].rsplit(":", 1)
    return ssl.get_server_certificate((address[0], int(address[1])), timeout=30)


def test_a_service_speaks_tls_and_takes_a_renewed_certificate(workspace, model, script, tmp_path):
    files = make_self_signed(tmp_path / "tls")
    assert files.key.stat().st_mode & 0o777 == 0o600
    config = over_tls(tmp_path / "tls", auth_enabled=True)
    service = services.deploy(workspace, "secure", [model()], script(), config)
    assert service.scoring_uri == f"https://localhost:{service.port}/score"
    assert service.swagger_uri == f"https://localhost:{service.port}/swagger.json"
    before = serial_seen(service, files.certificate)
    assert services.run(workspace, "secure", "1").json()["got"] == 1
    make_self_signed(tmp_path / "tls", overwrite=True)
    deadline = time.monotonic() + 30
    while True:
        try:
            assert serial_seen(service, files.certificate) != before
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert services.run(workspace, "secure", "1").status == 200
    # The key is used where it is: it is nowhere in the workspace.
    secret = files.key.read_bytes().splitlines()[1]
    workspace.close()
    copies = [p for p in workspace.path.rglob("*") if p.is_file() and secret in p.read_bytes()]
    assert copies == []


def test_the_name_in_the_certificate_is_the_one_in_the_address(workspace, model, script, tmp_path):
    make_self_signed(tmp_path / "tls", ["scoring.example.com"])
    config = over_tls(tmp_path / "tls", ssl_cname="scoring.example.com")
    service = services.deploy(workspace, "named", [model()], script(), config)
    assert service.scoring_uri == f"https://scoring.example.com:{service.port}/score"
    assert services.run(workspace, "named", "1").status == 200


def test_a_certificate_for_another_name_is_not_accepted(workspace, model, script, tmp_path):
    make_self_signed(tmp_path / "tls", ["other.example.com"])
    services.deploy(workspace, "named", [model()], script(), over_tls(tmp_path / "tls"))
    with pytest.raises(errors.ServiceNotRunning, match="certificate is not accepted"):
        services.run(workspace, "named", "1")


def test_what_is_wrong_with_a_certificate_is_said_before_anything_starts(workspace, model, script, tmp_path):
    def said(config):
        made = services.make_plan(workspace, "secure", [model()], script(), config)
        return {(problem.severity, problem.where) for problem in made.problems}, str(made.problems)

    folder = tmp_path / "tls"
    assert said(over_tls(folder))[0] == {("error", "ssl_certificate"), ("error", "ssl_key")}
    make_self_signed(folder, ["a.example.com"], days=3)
    found, text = said(over_tls(folder, ssl_cname="b.example.com"))
    assert found == {("warning", "ssl_certificate"), ("warning", "cname")}
    assert "expires at" in text
    (folder / "tls.key").chmod(0o644)
    assert ("warning", "ssl_key") in said(over_tls(folder))[0]
    (folder / "tls.key").write_text("no key")
    assert ("error", "ssl_certificate") in said(over_tls(folder))[0]
    for incomplete in ({"ssl_enabled": True}, {"ssl_enabled": True, "ssl_key_path": "k"}):
        with pytest.raises(errors.InvalidConfiguration, match="certificate file"):
            LocalConfig(**incomplete)
    with pytest.raises(errors.InvalidConfiguration, match="not a host name"):
        LocalConfig(ssl_cname="a b")


def test_tls_in_a_configuration_file(tmp_path):
    path = tmp_path / "deploymentconfig.json"
    keys = {"sslEnabled": True, "sslCertificate": "a.crt", "sslKey": "a.key", "cname": "a.b"}
    path.write_text(json.dumps({"computeType": "local", **keys}))
    config = parse_deployment_config(path)
    assert (config.ssl_certificate_path, config.ssl_key_path, config.ssl_cname) == ("a.crt", "a.key", "a.b")


@pytest.mark.parametrize("name", ["", "a b", "-a.com", "a..b", "x" * 300, "a\nb", "/etc"])
def test_a_certificate_is_for_names_only(tmp_path, name):
    with pytest.raises(errors.InvalidArgument, match="neither a host name nor an address"):
        make_self_signed(tmp_path, [name])
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_there_are_kept(tmp_path):
    make_self_signed(tmp_path)
    with pytest.raises(errors.InvalidArgument, match="is there already"):
        make_self_signed(tmp_path)
    with pytest.raises(errors.InvalidArgument, match="from 1 to"):
        make_self_signed(tmp_path / "new", days=9000)
