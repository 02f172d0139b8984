"""Keys and tokens of deployed services, from the configuration to the answer."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

import pytest

from moorage import errors, services
from moorage.deployments import LocalConfig, parse_deployment_config
from moorage.storage.tables import events

WITH_KEYS = LocalConfig(auth_enabled=True)
WITH_TOKENS = LocalConfig(token_auth_enabled=True)


def ask(service, secret=None, path="/score"):
    """Return the status of a request as a stranger sends it."""
    address = urlsplit(service.scoring_uri)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    headers = {"authorization": f"Bearer {secret}"} if secret else {}
    connection.request("POST" if path == "/score" else "GET", path, b"1", headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_life_of_a_service_with_keys(workspace, model, script):
    service = services.deploy(workspace, "keyed", [model()], script(), WITH_KEYS)
    assert (service.auth_enabled, service.token_auth_enabled) == (True, False)
    first, second = services.get_keys(workspace, "keyed")
    assert len(first) == len(second) == 40
    assert first != second
    assert [ask(service, key) for key in (first, second, None, "other")] == [200, 200, 401, 401]
    assert ask(service, path="/") == 200
    assert ask(service, path="/swagger.json") == 401
    assert services.run(workspace, "keyed", "1").status == 200
    assert services.run(workspace, "keyed", "1", headers={"authorization": "Bearer no"}).status == 401

    assert services.regen_key(workspace, "keyed", "primary") == services.get_keys(workspace, "keyed")
    newer, kept = services.get_keys(workspace, "keyed")
    assert kept == second
    assert [ask(service, key) for key in (first, newer, second)] == [401, 200, 200]
    assert services.regen_key(workspace, "keyed", "secondary", "my-own-key-1234567890")[0] == newer
    assert [ask(service, key) for key in (second, newer, "my-own-key-1234567890")] == [401, 200, 200]

    # Neither an update nor another start changes them, unless the configuration says so.
    service = services.update(workspace, "keyed", models=[model("two")])
    assert [ask(service, key) for key in (newer, "my-own-key-1234567890")] == [200, 200]
    config = LocalConfig(auth_enabled=True, primary_key="given-key-1234567890")
    service = services.update(workspace, "keyed", deployment_config=config)
    assert services.get_keys(workspace, "keyed") == ("given-key-1234567890", "my-own-key-1234567890")
    assert [ask(service, key) for key in (newer, "given-key-1234567890")] == [401, 200]

    with workspace.database.read() as connection:
        noted = connection.execute(events.select().where(events.c.kind == "service.key-replaced")).all()
    assert [row.details for row in noted] == [{"key": "primary"}, {"key": "secondary"}]
    service = services.update(workspace, "keyed", deployment_config=LocalConfig())
    assert ask(service) == 200
    with pytest.raises(errors.AuthenticationOff, match="authEnabled"):
        services.get_keys(workspace, "keyed")
    services.delete(workspace, "keyed")
    with pytest.raises(errors.ServiceNotFound):
        services.get_keys(workspace, "keyed")

    # A service of the same name is another service.
    service = services.deploy(workspace, "keyed", [model()], script(), WITH_KEYS)
    assert ask(service, "given-key-1234567890") == 401


def test_a_key_of_one_service_opens_no_other(workspace, model, script):
    one = services.deploy(workspace, "one", [model()], script(), WITH_KEYS)
    two = services.deploy(workspace, "two", [model()], script(), WITH_TOKENS)
    key = services.get_keys(workspace, "one")[0]
    token = services.get_token(workspace, "two").token
    assert [ask(one, key), ask(one, token), ask(two, key), ask(two, token)] == [200, 401, 401, 200]


def test_the_life_of_a_token(workspace, model, script):
    service = services.deploy(workspace, "tokened", [model()], script(), WITH_TOKENS)
    token = services.get_token(workspace, "tokened")
    now = datetime.now(timezone.utc)
    assert timedelta(minutes=28) < token.refresh_by - now <= timedelta(minutes=30)
    assert timedelta(minutes=58) < token.expiry_on - now <= timedelta(hours=1)
    assert token.token not in repr(token)
    assert [ask(service, token.token), ask(service)] == [200, 401]
    assert services.run(workspace, "tokened", "1").status == 200
    for call in (services.get_keys, lambda w, n: services.regen_key(w, n, "primary")):
        with pytest.raises(errors.AuthenticationOff):
            call(workspace, "tokened")

    services.rotate_signing_key(workspace)
    newer = services.get_token(workspace, "tokened")
    assert [ask(service, token.token), ask(service, newer.token)] == [200, 200]
    services.rotate_signing_key(workspace, revoke=True)
    newest = services.get_token(workspace, "tokened")
    assert [ask(service, t.token) for t in (token, newer, newest)] == [401, 401, 200]


def test_keys_of_a_failed_deployment_change_nothing(workspace, model, script):
    config = LocalConfig(auth_enabled=True, primary_key="first-key-1234567890")
    service = services.deploy(workspace, "keyed", [model()], script(), config)
    broken = script("def init(): raise ValueError('no')\ndef run(data): pass\n", "broken.py")
    other = LocalConfig(auth_enabled=True, primary_key="other-key-1234567890")
    with pytest.raises(errors.EntryScriptError):
        services.update(workspace, "keyed", inference_config=broken, deployment_config=other)
    assert [ask(service, f"{key}-key-1234567890") for key in ("first", "other")] == [200, 401]


def test_keys_replaced_at_the_same_time_are_all_of_one_kind(workspace, model, script):
    service = services.deploy(workspace, "keyed", [model()], script(), WITH_KEYS)
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda n: services.regen_key(workspace, "keyed", ("primary", "secondary")[n % 2]), range(16)
            )
        )
    assert [ask(service, key) for key in services.get_keys(workspace, "keyed")] == [200, 200]


@pytest.mark.parametrize("value", ["", "two words", "line\nbreak", "k\xe9y-1234567890123456", "x" * 2000])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(workspace, model, script, value):
    with pytest.raises(errors.InvalidConfiguration) as refused:
        LocalConfig(auth_enabled=True, primary_key=value)
    assert not value or value not in str(refused.value)
    with pytest.raises(errors.InvalidArgument) as refused:
        services.regen_key(workspace, "keyed", "primary", value)
    assert not value or value not in str(refused.value)
    with pytest.raises(errors.InvalidArgument, match="primary or secondary"):
        services.regen_key(workspace, "keyed", "tertiary")


def test_keys_and_tokens_in_a_configuration_file(tmp_path):
    path = tmp_path / "deploymentconfig.json"
    keys = {"primaryKey": "p" * 20, "secondaryKey": "s" * 20}
    path.write_text(json.dumps({"computeType": "local", "authEnabled": True, "keys": keys}))
    config = parse_deployment_config(path)
    assert (config.auth_enabled, config.primary_key, config.secondary_key) == (True, "p" * 20, "s" * 20)
    assert "pppp" not in repr(config)
    path.write_text(
        json.dumps({"computeType": "local", "tokenAuthEnabled": True, "publicRoutes": "/,/metrics"})
    )
    config = parse_deployment_config(path)
    assert (config.token_auth_enabled, config.public_routes) == (True, "/,/metrics")
    path.write_text(json.dumps({"computeType": "local", "authEnabled": True, "tokenAuthEnabled": True}))
    with pytest.raises(errors.InvalidConfiguration, match="exclude each other"):
        parse_deployment_config(path)
    path.write_text(json.dumps({"computeType": "local", "keys": {"primaryKey": 918273645}}))
    with pytest.raises(errors.InvalidConfiguration, match="primaryKey must be") as refused:
        parse_deployment_config(path)
    assert "918273645" not in str(refused.value)


def test_a_plan_says_what_is_weak(workspace, model, script):
    def warnings(config):
        made = services.make_plan(workspace, "keyed", [model()], script(), config)
        return " ".join(str(problem) for problem in made.warnings)

    assert "can be guessed" in warnings(LocalConfig(auth_enabled=True, primary_key="short"))
    assert "not told to ask" in warnings(LocalConfig(primary_key="p" * 20))
    assert "asks for no key" in warnings(LocalConfig(host="0.0.0.0"))
    assert "asks for no key" not in warnings(LocalConfig(host="0.0.0.0", auth_enabled=True))
