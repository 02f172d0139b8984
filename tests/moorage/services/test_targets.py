"""What a service does is the same on every target: processes, and containers with MOORAGE_TEST_IMAGES."""

import http.client
import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
from dataclasses import replace

import pytest

from moorage import services
from moorage.deployments import ContainerConfig, LocalConfig
from moorage.deployments.self_signed import make_self_signed
from moorage.environments import Environment
from moorage.errors import EntryScriptError, ModelInUse, PortInUse, ServiceNotFound
from moorage.models import delete as delete_model

# What `make test-images` says.
ENGINE = "docker" if os.environ.get("MOORAGE_TEST_IMAGES") == "docker" else "podman"
SCRIPT = """\
import json, os

def init():
    global answer
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.txt")) as file:
        answer = file.read().strip()
    print("the model says", answer)

def run(data):
    data = json.loads(data)
    if data == "leave":
        os._exit(3)
    return {"answer": answer, "half": 1 / data["by"], "variable": os.environ.get("GREETING")}
"""


@pytest.fixture(params=[pytest.param("local", marks=pytest.mark.slow), "container"])
def config(request):
    """How a service is asked for, on each target in turn."""
    if request.param == "local":
        return LocalConfig()
    request.getfixturevalue("containers")
    return ContainerConfig(compute_type="container", cpu_cores=1.0, memory_gb=1.0)


@pytest.fixture
def deploy(workspace, model, script, config):
    environment = Environment("empty", variables={"GREETING": "hello"})
    if isinstance(config, LocalConfig):
        environment = replace(environment, user_managed=True)

    def deploy(text=SCRIPT, **options):
        given = replace(script(text), environment=environment)
        return services.deploy(workspace, "svc", [model("one")], given, replace(config, **options))

    return deploy


@pytest.fixture
def load(workspace):
    """Send requests from four clients all along; at the end, fail if one got anything but its answer."""
    done, answers, failures, threads = threading.Event(), [], [], []

    def client(port, keeps_alive):
        connection = None
        while not done.is_set():
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                connection.request("POST", "/score", b'{"by": 2}', {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answers.append(json.loads(answer.read())["answer"])
                closes = not keeps_alive or answer.getheader("connection", "").lower() == "close"
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
                failures.append(repr(error))
                closes = True
            if closes and connection is not None:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def begin(port):
        for keeps in (True, True, False, False):
            threads.append(threading.Thread(target=client, args=(port, keeps)))
            threads[-1].start()

    def end():
        done.set()
        for thread in threads:
            thread.join()
        assert failures == []
        return answers

    yield begin, end
    done.set()


def ask(service, key=None, body=b'{"by": 2}', context=None):
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(service.scoring_uri, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60, context=context) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_whole_life(workspace, model, script, config, deploy, load, wait_for, containers_of):
    service = deploy()
    assert ask(service) == (200, {"answer": "one", "half": 0.5, "variable": "hello"})
    status, text = ask(service, body=b'{"by": 0}')
    assert status == 500, text
    # The engine hands the log of a container on when it gets to it.
    wait_for(lambda: "ZeroDivisionError" in services.get_logs(workspace, "svc"))
    assert "the model says one" in services.get_logs(workspace, "svc")
    with urllib.request.urlopen(service.swagger_uri, timeout=30) as answer:
        assert json.loads(answer.read())["swagger"] == "2.0"
    with pytest.raises(ModelInUse):
        delete_model(workspace, "m:1")
    taken = replace(config, port=service.port)
    with pytest.raises(PortInUse):
        services.deploy(workspace, "other", ["m:1"], service.inference_config, taken)
    assert [found.name for found in services.list_services(workspace)] == ["svc"]

    begin, end = load
    begin(service.port)
    updated = services.update(workspace, "svc", models=[model("two")])
    assert (updated.revision, updated.port) == (2, service.port)
    assert ask(updated)[1]["answer"] == "two"

    bad = script("def init(): raise ValueError('no such weights')\ndef run(data): return 1\n", "bad.py")
    with pytest.raises(EntryScriptError, match="no such weights") as caught:
        services.update(
            workspace, "svc", inference_config=replace(service.inference_config, entry_script=bad.entry_path)
        )
    assert caught.value.stage == "init"
    assert "line 1, in init" in caught.value.traceback
    assert services.get(workspace, "svc").revision == 2

    assert services.rollback(workspace, "svc").revision == 1
    assert ask(service)[1]["answer"] == "one"
    answers = end()
    assert set(answers) == {"one", "two"}
    assert len(answers) > 100

    services.delete(workspace, "svc")
    with pytest.raises(ServiceNotFound):
        services.get(workspace, "svc")
    assert not (workspace.path / "services" / "svc").exists()
    assert containers_of("svc") == []


def test_a_first_deployment_that_fails_leaves_nothing_running(workspace, deploy, containers_of):
    with pytest.raises(EntryScriptError, match="nothing here"):
        deploy("def init(): raise ValueError('nothing here')\ndef run(data): return 1\n")
    assert services.get(workspace, "svc").state == "Failed"
    assert containers_of("svc") == []


def test_keys_and_tokens(workspace, deploy, config):
    service = deploy(auth_enabled=True)
    primary, secondary = services.get_keys(workspace, "svc")
    assert [ask(service, key)[0] for key in (primary, secondary, "guess", None)] == [200, 200, 401, 401]
    services.regen_key(workspace, "svc", "primary")
    newer = services.get_keys(workspace, "svc")[0]
    assert [ask(service, key)[0] for key in (primary, newer, secondary)] == [401, 200, 200]
    with urllib.request.urlopen(service.scoring_uri.removesuffix("/score"), timeout=30) as answer:
        assert answer.read() == b"Healthy"
    services.update(workspace, "svc", deployment_config=replace(config, token_auth_enabled=True))
    service = services.get(workspace, "svc")
    token = services.get_token(workspace, "svc").token
    assert [ask(service, one)[0] for one in (token, newer, None)] == [200, 401, 401]
    assert services.run(workspace, "svc", '{"by": 4}').json()["half"] == 0.25


def test_tls(workspace, deploy, tmp_path):
    import ssl

    files = make_self_signed(tmp_path / "tls", ["localhost"])
    service = deploy(
        ssl_enabled=True,
        ssl_certificate_path=str(files.certificate),
        ssl_key_path=str(files.key),
        ssl_cname="localhost",
    )
    assert service.scoring_uri == f"https://localhost:{service.port}/score"
    context = ssl.create_default_context(cafile=files.certificate)
    assert ask(service, context=context)[0] == 200
    assert services.run(workspace, "svc", '{"by": 2}').status == 200


def test_what_dies_comes_back(workspace, deploy, wait_for, containers_of):
    service = deploy()
    status, _ = ask(service, body=b'"leave"')
    assert status >= 500
    assert wait_for(lambda: ask(service)[0] == 200)
    for name in containers_of("svc"):
        subprocess.run([ENGINE, "kill", name], capture_output=True, timeout=60, check=True)
        wait_for(lambda name=name: name not in containers_of("svc"))

    def answers():
        try:
            return ask(service)[0] == 200
        except OSError:
            return False

    assert wait_for(answers, timeout_s=90)
    assert wait_for(lambda: services.get(workspace, "svc").state == "Healthy")
    assert services.get(workspace, "svc").port == service.port


def test_down_and_up_as_when_the_machine_restarts(workspace, deploy, containers_of):
    service = deploy()
    services.down()
    assert services.get(workspace, "svc").state == "Stopped"
    assert containers_of("svc") == []
    outcomes = services.up()
    assert [(outcome.service, outcome.problem) for outcome in outcomes] == [("svc", None)]
    assert ask(service)[0] == 200
    assert services.stop(workspace, "svc").state == "Stopped"
    assert services.up()[0].text == "left stopped"
    assert services.start(workspace, "svc").state == "Healthy"
    assert ask(service)[0] == 200


def test_a_large_body_and_answer_pass_whole(workspace, deploy):
    text = "import json\ndef init(): pass\ndef run(data): return json.loads(data)\n"
    service = deploy(text)
    values = list(range(300_000))
    assert ask(service, body=json.dumps(values).encode()) == (200, values)
    assert ask(service, body=b"{not json")[0] >= 400
    begun = time.monotonic()
    assert ask(service, body=b"[1]") == (200, [1])
    assert time.monotonic() - begun < 30
