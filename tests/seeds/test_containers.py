"""The documents' examples that need a container engine, with MOORAGE_TEST_IMAGES: make test-images."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from azureml.core import Environment, Model, Workspace
from azureml.core.model import InferenceConfig
from azureml.core.webservice import AciWebservice, Webservice

ROWS = {"data": [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]}
SCRIPT = """\
import json, os

def init():
    global factor
    with open(os.path.join(os.getenv("AZUREML_MODEL_DIR"), "weights.json")) as file:
        factor = json.load(file)

def run(data):
    return [factor * sum(row) for row in json.loads(data)["data"]]
"""


@pytest.fixture
def ws(container_engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace, and in the current folder a model file, score.py and a conda file without packages."""
    variables = {
        **container_engine.variables,
        "MOORAGE_HOME": str(tmp_path / "home"),
        "MOORAGE_CONTAINER_ENGINE": "auto",
        "MOORAGE_WORKSPACE": "myworkspace",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    Path("weights.json").write_text("2")
    Path("score.py").write_text(SCRIPT)
    Path("myenv.yml").write_text("dependencies:\n- pip:\n  - azureml-defaults>=1.0.45\n")
    made = Workspace.create("myworkspace", subscription_id="s", resource_group="g")
    Model.register(made, model_path="weights.json", model_name="mymodel")
    yield made
    for service in Webservice.list(made):
        service.delete()


def configuration() -> InferenceConfig:
    environment = Environment.from_conda_specification("myenv", "myenv.yml")
    return InferenceConfig(entry_script="score.py", environment=environment)


def test_an_aci_service_is_a_container(
    ws: Workspace, container_engine: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment_config = AciWebservice.deploy_configuration(
        cpu_cores=1, memory_gb=1, auth_enabled=True, location="westeurope", dns_name_label="mine"
    )
    model = Model(ws, "mymodel")
    service = Model.deploy(ws, "myservice", [model], configuration(), deployment_config)
    service.wait_for_deployment(show_output=True)
    said = capsys.readouterr().out
    assert "The service runs in a container of this machine." in said
    assert 'ACI service creation operation finished, operation "Succeeded"' in said
    assert (service.state, service.compute_type, service.location) == ("Healthy", "ACI", "westeurope")
    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + service.get_keys()[0]}
    response = requests.post(service.scoring_uri, data=json.dumps(ROWS), headers=headers, timeout=60)
    assert (response.status_code, response.json()) == (200, [110, 110])
    assert requests.post(service.scoring_uri, data="{}", timeout=60).status_code == 401
    deadline = time.monotonic() + 30  # the engine hands the log on when it gets to it
    while "init() has finished" not in service.get_logs():
        assert time.monotonic() < deadline, service.get_logs()
        time.sleep(0.1)
    assert "moorage-myservice-" in names_of_containers(container_engine.name)

    service.update(tags={"a": "b"}, auth_enabled=False)
    del headers["Authorization"]
    response = requests.post(service.scoring_uri, data=json.dumps(ROWS), headers=headers, timeout=60)
    assert response.json() == [110, 110]
    service.delete()
    assert "moorage-myservice-" not in names_of_containers(container_engine.name)


def test_the_deployment_file_of_aci(ws: Workspace) -> None:
    inference = {
        "entryScript": "score.py",
        "runtime": "python",
        "condaFile": "myenv.yml",
        "extraDockerfileSteps": None,
        "sourceDirectory": None,
        "enableGpu": False,
        "baseImage": None,
        "baseImageRegistry": None,
    }
    Path("inferenceconfig.json").write_text(json.dumps(inference))
    deployment = {"computeType": "aci", "containerResourceRequirements": {"cpu": 0.5, "memoryInGB": 1.0}}
    Path("deploymentconfig.json").write_text(
        json.dumps({**deployment, "authEnabled": True, "sslEnabled": False, "appInsightsEnabled": False})
    )
    command = "model deploy -n myservice -m mymodel:1 --ic inferenceconfig.json --dc deploymentconfig.json"
    shown = json.loads(moor(*command.split(), "-o", "json"))
    assert (shown["computeType"], shown["state"], shown["authEnabled"]) == ("ACI", "Healthy", True)
    assert shown["containerResourceRequirements"]["memoryInGB"] == 1.0
    assert json.loads(moor("service", "run", "-n", "myservice", "-d", json.dumps(ROWS))) == [110, 110]
    moor("service", "delete", "-n", "myservice")


def test_a_package_answers_where_the_documents_say(ws: Workspace, container_engine: Any) -> None:
    engine = container_engine.name
    package = Model.package(ws, [Model(ws, "mymodel")], configuration(), image_label=uuid.uuid4().hex)
    package.wait_for_creation(show_output=False)
    name = f"mycontainer-{uuid.uuid4().hex[:8]}"
    # The documents' own line, with the engine that is here.
    run = [engine, "run", "-d", "-p", "127.0.0.1:6789:5001", "--name", name, package.location]
    try:
        subprocess.run(run, capture_output=True, timeout=120, check=True)
        headers = {"Content-Type": "application/json"}
        deadline = time.monotonic() + 90
        while True:
            try:
                response = requests.post(
                    "http://localhost:6789/score", data=json.dumps(ROWS), headers=headers, timeout=30
                )
                break
            except requests.ConnectionError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        assert response.json() == [110, 110]
        subprocess.run([engine, "kill", name], capture_output=True, timeout=60, check=True)
    finally:
        for verb in (["rm", "-f", name], ["rmi", "-f", package.location]):
            subprocess.run([engine, *verb], capture_output=True, timeout=60, check=False)


def moor(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "moorage.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def names_of_containers(engine: str) -> str:
    command = [engine, "ps", "-a", "--format", "{{.Names}}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
