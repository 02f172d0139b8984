"""Services: deployed for real on this machine, used, changed, broken and deleted through the old classes."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import requests

from azureml.core import Environment, Model, Workspace
from azureml.core.image import ContainerImage
from azureml.core.model import InferenceConfig
from azureml.core.webservice import AciWebservice, AksEndpoint, AksWebservice, LocalWebservice, Webservice
from azureml.exceptions import NotYetAvailable, UserErrorException, WebserviceException

pytestmark = pytest.mark.usefixtures("stops_services")

TIMES_TWO = """
import json, os

def init():
    print("model folder:", os.getenv("AZUREML_MODEL_DIR"))

def run(data):
    return {"answer": json.loads(data)["x"] * 2, "greeting": os.getenv("GREETING")}
"""


def script(text: str = TIMES_TWO, name: str = "score.py") -> InferenceConfig:
    Path(name).write_text(text)
    environment = Environment("here")
    environment.python.user_managed_dependencies = True
    environment.environment_variables = {"GREETING": "hello"}
    return InferenceConfig(entry_script=name, environment=environment)


@pytest.fixture
def model(ws: Workspace, model_file: str) -> Model:
    return Model.register(ws, model_file, "mymodel")


def deploy(ws: Workspace, model: Model, config: Any = None, **options: Any) -> Any:
    configuration = LocalWebservice.deploy_configuration() if config is None else config
    return Model.deploy(ws, "myservice", [model], script(), configuration, **options)


def test_a_local_service_lives_as_old_code_expects(
    ws: Workspace, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    service = deploy(ws, model, show_output=True)
    printed = capsys.readouterr().out
    assert "Models: ['mymodel:1']" in printed
    assert "Entry script: score.py" in printed
    service.wait_for_deployment(show_output=True)
    printed = capsys.readouterr().out
    assert printed.endswith(f"Local webservice is running at http://localhost:{service.port}\n")
    assert (service.state, service.compute_type, service.name) == ("running", "Local", "myservice")
    assert (service.auth_enabled, service.token_auth_enabled) == (False, False)
    assert service.scoring_uri == f"http://localhost:{service.port}/score"
    assert service.swagger_uri == f"http://localhost:{service.port}/swagger.json"
    assert isinstance(service.port, str)
    assert service.created_time.tzinfo is None
    assert service.run(json.dumps({"x": 21})) == {"answer": 42, "greeting": "hello"}
    assert service.run(b'{"x": 1}')["answer"] == 2
    assert "model folder: " in service.get_logs()
    assert [one.id for one in service.models] == ["mymodel:1"]
    assert service.environment.environment_variables == {"GREETING": "hello"}
    with pytest.raises(WebserviceException, match="500"):
        service.run("{}")
    with pytest.raises(TypeError, match=r"json\.dumps"):
        service.run({"x": 1})
    for call in (service.get_keys, service.get_token, lambda: service.regen_key("Primary")):
        with pytest.raises(NotImplementedError):
            call()

    found = Webservice(ws, "myservice")
    assert isinstance(found, LocalWebservice)
    assert isinstance(AksWebservice(ws, "myservice"), LocalWebservice)
    found.wait_for_deployment()
    assert [one.name for one in LocalWebservice.list(ws, model_name="mymodel")] == ["myservice"]
    assert LocalWebservice.list(ws, model_id="mymodel:2") == []
    assert Webservice.list(ws) == []
    assert list(ws.webservices) == ["myservice"]
    document = found.serialize()
    assert (document["computeType"], document["port"]) == ("Local", service.port)
    with pytest.raises(NotImplementedError):
        LocalWebservice.deserialize(ws, document)
    with pytest.raises(WebserviceException, match="used by service myservice"):
        model.delete()

    service.delete()
    assert service.state == "deleted"
    with pytest.raises(WebserviceException, match="deleted"):
        service.run("{}")
    assert LocalWebservice.list(ws, all=True) == []


def test_a_local_service_is_updated_and_reloaded(ws: Workspace, model: Model, model_file: str) -> None:
    service = deploy(ws, model)
    port = service.port
    Path("score.py").write_text(TIMES_TWO.replace("* 2", "* 3"))
    service.reload(wait=True)
    assert service.run('{"x": 1}')["answer"] == 3
    assert service.port == port
    newer = Model.register(ws, model_file, "mymodel")
    # The inference configuration in the second place, as documents of the old SDK have it.
    service.update([newer], script(TIMES_TWO.replace("* 2", "* 4"), "other.py"))
    service.wait_for_deployment()
    assert service.run('{"x": 1}')["answer"] == 4
    assert [one.id for one in service.models] == ["mymodel:2"]
    again = deploy(ws, model)  # a local service of that name is replaced without asking
    assert again.run('{"x": 1}')["answer"] == 2
    assert again.port == port


def test_a_script_that_fails_is_told_by_waiting(
    ws: Workspace, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    config = script("def init():\n    raise RuntimeError('no weights')\n\ndef run(data):\n    return data\n")
    service = Model.deploy(ws, "broken", [model], config, LocalWebservice.deploy_configuration())
    assert service.state == "failed"
    assert "no weights" in capsys.readouterr().out
    with pytest.raises(WebserviceException, match="no weights") as caught:
        service.wait_for_deployment(show_output=True)
    assert "raise RuntimeError('no weights')" in caught.value.message
    assert "no weights" in capsys.readouterr().out
    assert "no weights" in service.get_logs()
    with pytest.raises(WebserviceException, match="failed"):
        service.wait_for_deployment()
    assert service.error["message"]
    Path("score.py").write_text(TIMES_TWO)
    service.reload(wait=True)
    assert service.state == "running"
    assert service.run('{"x": 1}')["answer"] == 2


def test_a_failed_update_leaves_the_service_alone(ws: Workspace, model: Model) -> None:
    service = deploy(ws, model)
    service.update(inference_config=script("def init():\n    1 / 0\n\ndef run(data):\n    return 1\n"))
    with pytest.raises(WebserviceException, match="ZeroDivisionError"):
        service.wait_for_deployment()
    service.update_deployment_state()
    assert service.state == "running"
    assert service.run('{"x": 1}')["answer"] == 2


def test_wrong_deployments_change_nothing(ws: Workspace, model: Model) -> None:
    local, config = LocalWebservice.deploy_configuration(), script()
    for name in ("Upper", "ab", "ends-", "with_underscore", "x" * 33):
        with pytest.raises(WebserviceException, match="letters"):
            Model.deploy(ws, name, [model], config, local)
    with pytest.raises(TypeError, match="list"):
        Model.deploy(ws, "myservice", model, config, local)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="looks one up"):
        Model.deploy(ws, "myservice", ["mymodel"], config, local)  # type: ignore[list-item]
    with pytest.raises(WebserviceException, match="deployment_config"):
        Model.deploy(ws, "myservice", [model], config, "local")
    with pytest.raises(WebserviceException, match="deployment_config"):
        Model.deploy(ws, "myservice", [model], config, None, deployment_target="cluster")
    with pytest.raises(WebserviceException, match="InferenceConfig"):
        Model.deploy(ws, "myservice", [model], "score.py", local)  # type: ignore[arg-type]
    with pytest.raises(WebserviceException, match="run"):
        Model.deploy(ws, "myservice", [model], script("def init(): pass\n"), local)
    with pytest.raises(UserErrorException, match="exactly one"):
        Model.deploy(ws, "myservice", [model, model])
    with pytest.raises(UserErrorException, match="Onnx"):
        Model.deploy(ws, "myservice", [model])
    with pytest.raises(NotYetAvailable, match="AksEndpoint"):
        Model.deploy(ws, "myservice", [model], config, AksEndpoint.deploy_configuration(version_name="one"))
    gone = Model.register(ws, "model.pkl", "gone")
    gone.delete()
    with pytest.raises(WebserviceException, match="gone:1"):
        Model.deploy(ws, "myservice", [gone], config, local)
    assert LocalWebservice.list(ws, all=True) == []


def test_what_another_python_cannot_compile_is_told_at_once(ws: Workspace, model: Model) -> None:
    old = next(Path.home().glob(".pyenv/versions/3.[67].*/bin/python"), None)
    if old is None:
        pytest.skip("no Python 3.6 or 3.7 below ~/.pyenv")
    config = script("def init(): pass\n\ndef run(data):\n    return (x := 1)\n")
    assert config.environment is not None
    config.environment.python.interpreter_path = str(old)
    with pytest.raises(WebserviceException, match="does not understand it"):
        Model.deploy(ws, "myservice", [model], config, LocalWebservice.deploy_configuration())
    assert LocalWebservice.list(ws, all=True) == []


def test_a_taken_port_is_named(ws: Workspace, model: Model, unused_port_holder: int) -> None:
    config = LocalWebservice.deploy_configuration(port=unused_port_holder)
    with pytest.raises(WebserviceException, match=str(unused_port_holder)):
        deploy(ws, model, config)


@pytest.fixture
def unused_port_holder() -> Any:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.mark.parametrize("port", ["8890", 80.0, 70000, -1, True])
def test_a_port_is_a_number(port: Any) -> None:
    with pytest.raises(WebserviceException, match="port"):
        LocalWebservice.deploy_configuration(port=port)


def test_a_service_that_is_not_there(ws: Workspace) -> None:
    with pytest.raises(WebserviceException) as caught:
        Webservice(ws, "nothing")
    assert caught.value.message.startswith("WebserviceNotFound")
    assert caught.value.status_code == 404
    missing = LocalWebservice(ws, "nothing", must_exist=False)
    assert missing.state == "unknown"
    for call in (missing.delete, missing.reload, missing.get_logs, missing.wait_for_deployment):
        with pytest.raises(WebserviceException, match="unknown"):
            call()
    with pytest.raises(WebserviceException, match="nothing"):
        Webservice.deserialize(ws, {"name": "nothing", "workspaceName": "other"})
    Webservice.check_for_existing_webservice(ws, "nothing")


def post(service: Webservice, secret: str | None) -> int:
    """Ask as a client does, and return the status."""
    headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    return requests.post(service.scoring_uri, data='{"x": 4}', headers=headers, timeout=30).status_code


def test_an_aci_service_runs_here_and_says_so(
    ws: Workspace, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    config = AciWebservice.deploy_configuration(
        cpu_cores=1, memory_gb=1, tags={"a": "1"}, properties={"p": "1"}, description="d", auth_enabled=True
    )
    service = deploy(ws, model, config)
    notes = [line for line in capsys.readouterr().out.splitlines() if "for now" in line]
    assert len(notes) == 1
    assert notes[0].startswith("ACI services run as processes of this machine for now")
    service.wait_for_deployment(show_output=True)
    assert capsys.readouterr().out.endswith(
        'ACI service creation operation finished, operation "Succeeded"\n'
    )
    assert isinstance(service, AciWebservice)
    assert (service.state, service.compute_type, service.description) == ("Healthy", "ACI", "d")
    assert (service.tags, service.properties) == ({"a": "1"}, {"p": "1"})
    assert service.container_resource_requirements.serialize() == {"cpu": 1, "memoryInGB": 1}
    assert (service.auth_enabled, service.token_auth_enabled) == (True, False)
    assert service.created_time.tzinfo is not None
    with pytest.raises(WebserviceException, match="Primary"):
        service.regen_key("third")
    with pytest.raises(NotImplementedError):
        service.get_token()
    assert service.run('{"x": 4}')["answer"] == 8
    for key in service.get_keys():
        assert post(service, key) == 200
    assert (post(service, None), post(service, "guess")) == (401, 401)
    primary, secondary = service.get_keys()
    service.regen_key("PRIMARY")
    assert service.get_keys()[0] != primary
    service.regen_key("Secondary", set_key="my-own-key")
    assert service.get_keys()[1] == "my-own-key"
    assert [post(service, key) for key in (primary, secondary, "my-own-key")] == [401, 401, 200]

    with pytest.raises(WebserviceException, match="exists already") as caught:
        deploy(ws, model, config)
    assert caught.value.status_code == 409
    with pytest.raises(WebserviceException, match="exists already"):
        Webservice.check_for_existing_webservice(ws, "myservice")
    Webservice.check_for_existing_webservice(ws, "myservice", overwrite=True)

    service.add_tags({"b": "2"})
    service.remove_tags(["a", "never"])
    service.add_properties({"q": "2"})
    assert "never" in capsys.readouterr().out
    with pytest.raises(WebserviceException, match="'p'"):
        service.add_properties({"p": "other"})
    with pytest.raises(WebserviceException, match="something to change"):
        service.update()
    with pytest.raises(NotYetAvailable, match="image"):
        service.update(image=object())
    service.update(description="new", tags={"c": "3"})
    service.update(auth_enabled=False)
    assert (service.auth_enabled, post(service, None)) == (False, 200)
    with pytest.raises(WebserviceException, match="auth_enabled=True"):
        service.get_keys()
    found = Webservice(ws, "myservice")
    assert isinstance(found, AciWebservice)
    assert (found.tags, found.properties) == ({"c": "3"}, {"p": "1", "q": "2"})
    assert found.description == "new"
    document = found.serialize()
    assert {"name", "state", "computeType", "scoringUri", "modelDetails", "createdBy"} <= set(document)
    assert Webservice.deserialize(ws, document).name == "myservice"
    json.dumps(document)
    assert [one.name for one in Webservice.list(ws, compute_type="ACI", tags=[["c", "3"]])] == ["myservice"]
    assert [one.name for one in Webservice.list(ws, model_id="mymodel:1", properties=["p"])] == ["myservice"]
    assert Webservice.list(ws, compute_type="AKS") == []
    assert Webservice.list(ws, model_name="other") == []
    with pytest.raises(WebserviceException, match="compute_type"):
        Webservice.list(ws, compute_type="moon")
    assert repr(found).startswith("AciWebservice(workspace=Workspace.create(name='lab'")
    service.delete()
    assert service.state == "Deleting"
    service.delete()
    assert "nothing to delete" in capsys.readouterr().out


def test_an_aci_service_speaks_tls(ws: Workspace, model: Model, tmp_path: Path) -> None:
    from moorage.deployments.self_signed import make_self_signed

    made = make_self_signed(tmp_path / "tls", ())
    pem = {"ssl_cert_pem_file": str(made.certificate), "ssl_key_pem_file": str(made.key)}
    config = AciWebservice.deploy_configuration(
        ssl_enabled=True, ssl_cname="localhost", auth_enabled=True, **pem
    )
    service = deploy(ws, model, config)
    service.wait_for_deployment()
    assert service.scoring_uri.startswith("https://localhost:")
    assert (service.ssl_enabled, service.cname) == (True, "localhost")
    headers = {"Authorization": f"Bearer {service.get_keys()[0]}"}
    answer = requests.post(
        service.scoring_uri, data='{"x": 4}', headers=headers, verify=str(made.certificate), timeout=30
    )
    assert answer.json()["answer"] == service.run('{"x": 4}')["answer"] == 8
    with pytest.raises(WebserviceException, match=r"none\.pem"):
        service.update(ssl_cert_pem_file="none.pem")
    service.update(ssl_enabled=False)
    assert service.scoring_uri.startswith("http://")
    assert (service.ssl_enabled, service.run('{"x": 4}')["answer"]) == (False, 8)
    service.update(ssl_enabled=True, ssl_cname="localhost", **pem)
    assert service.ssl_certificate == str(made.certificate)


def test_an_aks_service_keeps_its_limits(ws: Workspace, model: Model) -> None:
    config = AksWebservice.deploy_configuration(
        num_replicas=1, scoring_timeout_ms=5000, max_request_wait_time=700, namespace="ns", cpu_cores=1
    )
    service = deploy(ws, model, config)
    service.wait_for_deployment()
    assert isinstance(service, AksWebservice)
    assert (service.compute_type, service.namespace, service.num_replicas) == ("AKS", "ns", 1)
    assert (service.scoring_timeout_ms, service.max_request_wait_time) == (5000, 700)
    assert service.deployment_status["availableReplicas"] == 1
    assert service.container_resource_requirements.cpu == 1
    running = service._record.deployment_config
    assert (running.scoring_timeout_ms, running.max_queue_wait_ms, running.worker_count) == (5000, 700, 1)
    service.update(scoring_timeout_ms=6000)
    assert service.scoring_timeout_ms == service._record.deployment_config.scoring_timeout_ms == 6000
    assert service._record.deployment_config.max_queue_wait_ms == 700
    assert (service.auth_enabled, service.token_auth_enabled) == (True, False)
    assert (post(service, None), post(service, service.get_keys()[1])) == (401, 200)
    with pytest.raises(WebserviceException, match="token_auth_enabled=True"):
        service.get_token()
    service.update(token_auth_enabled=True)
    assert (service.auth_enabled, service.token_auth_enabled) == (False, True)
    token, refresh_after = service.get_token()
    assert refresh_after.tzinfo is None
    access = service.get_access_token()
    assert (access.token_type, access.refresh_after < access.expiry_on) == ("Bearer", True)
    assert (post(service, token), post(service, access.access_token), post(service, "x")) == (200, 200, 401)
    assert service.run('{"x": 4}')["answer"] == 8
    with pytest.raises(WebserviceException, match="namespace"):
        service.update(namespace="Not Allowed")


def test_the_oldest_way_to_deploy_still_works(ws: Workspace, model: Model, model_file: str) -> None:
    script()
    image = ContainerImage.image_configuration(execution_script="score.py", runtime="python")
    service = Webservice.deploy_from_model(
        ws, "oldest", [model], image, AciWebservice.deploy_configuration(), overwrite=True
    )
    assert service.run('{"x": 1}')["answer"] == 2
    local = Webservice.deploy_local_from_model(ws, "oldest-local", [model], image, wait=True)
    assert local.state == "running"
    with pytest.raises(NotYetAvailable, match=r"Model\.deploy"):
        Webservice.deploy_from_image(ws, "x", object())
    built = ContainerImage.create(name="oldest-image", models=[model], image_config=image, workspace=ws)
    built.wait_for_creation(show_output=True)
    assert (built.creation_state, built.id, ws.images) == ("Succeeded", "oldest-image:1", {})
    of_image = Webservice.deploy_from_image(
        workspace=ws, name="of-image", image=built, deployment_config=AciWebservice.deploy_configuration()
    )
    assert of_image.run('{"x": 1}')["answer"] == 2
    with pytest.raises(WebserviceException, match="image_configuration"):
        Webservice.deploy(ws, "files", [model_file], "image")
    registered = Webservice.deploy(ws, "files", [model_file], image)
    assert [one.name for one in registered.models] == ["model.pkl"]


def test_a_local_service_moves_on(ws: Workspace, model: Model) -> None:
    service = deploy(ws, model)
    moved = service.deploy_to_cloud("moved", AciWebservice.deploy_configuration())
    assert isinstance(moved, AciWebservice)
    assert moved.run('{"x": 1}') == {"answer": 2, "greeting": "hello"}
