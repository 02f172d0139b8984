"""Deployment and inference configurations: their rules, told all at once, before anything is done."""

from pathlib import Path
from typing import Any

import pytest

from azureml.core import Environment
from azureml.core.compute import AksCompute, ComputeTarget
from azureml.core.compute.aks import SslConfiguration, SystemService
from azureml.core.container_registry import ContainerRegistry
from azureml.core.model import InferenceConfig
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.core.webservice import AciWebservice, AksEndpoint, AksWebservice, aci, aks, webservice
from azureml.exceptions import (
    ComputeTargetException,
    NotYetAvailable,
    UserErrorException,
    WebserviceException,
)

# --- inference configurations ---


@pytest.fixture
def score() -> str:
    Path("score.py").write_text("def init(): pass\ndef run(data): return data\n")
    return "score.py"


def test_every_parameter_is_an_attribute(score: str) -> None:
    environment = Environment("e")
    config = InferenceConfig(score, source_directory=".", description="d", environment=environment)
    assert (config.entry_script, config.description, config.environment) == (score, "d", environment)
    assert config.source_directory == str(Path.cwd())
    assert isinstance(config.base_image_registry, ContainerRegistry)
    assert repr(config).startswith("InferenceConfig(entry_script=score.py, runtime=None, conda_file=None")
    record = config.as_record()
    assert (record.entry_path, record.environment.name) == (Path.cwd() / score, "e")  # type: ignore[union-attr]


def test_the_older_form_becomes_the_same_record(score: str) -> None:
    Path("conda.yml").write_text("dependencies: [python=3.7]\n")
    Path("steps").write_text("RUN x\n")
    config = InferenceConfig(
        score,
        runtime="Python",
        conda_file="conda.yml",
        extra_docker_file_steps="steps",
        enable_gpu=True,
        cuda_version="9.1",
        base_image="image",
    )
    record = config.as_record()
    assert (record.runtime, record.conda_file, record.cuda_version) == ("Python", "conda.yml", "9.1")
    assert (record.enable_gpu, record.base_image) == (True, "image")
    conda = record.conda()
    assert conda is not None
    assert conda.python == "3.7"


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"entry_script": None}, "entry_script"),
        ({"entry_script": "none.py"}, r"none\.py"),
        ({"entry_script": "text.txt"}, "not a Python file"),
        ({"source_directory": "nowhere"}, "nowhere"),
        ({"runtime": "perl"}, "perl"),
        ({"conda_file": "none.yml"}, r"none\.yml"),
        ({"extra_docker_file_steps": "none"}, "none"),
        ({"enable_gpu": True, "cuda_version": "8.0"}, r"8\.0"),
        ({"environment": "myenv"}, r"Environment\.get"),
        ({"environment": Environment("e"), "runtime": "python"}, "runtime"),
        ({"environment": Environment("e"), "conda_file": "a", "base_image": "b"}, "conda_file, base_image"),
    ],
)
def test_wrong_inference_configurations_are_refused(
    score: str, parameters: dict[str, Any], word: str
) -> None:
    Path("text.txt").write_text("")
    with pytest.raises(WebserviceException, match=word):
        InferenceConfig(**{"entry_script": score, **parameters})


@pytest.mark.parametrize("content", [b"def init(:\n", b"x = '\xff'\n", b"a\0b"])
def test_a_script_that_is_no_python_is_named_with_its_line(content: bytes) -> None:
    Path("bad.py").write_bytes(content)
    with pytest.raises(UserErrorException, match=r"bad\.py"):
        InferenceConfig("bad.py")


def test_a_script_is_looked_for_in_the_source_directory() -> None:
    Path("src/x").mkdir(parents=True)
    Path("src/x/score.py").write_text("\n")
    config = InferenceConfig("x/score.py", source_directory="src")
    assert config.path_of(config.entry_script) == Path.cwd() / "src/x/score.py"
    payload = config.build_create_payload(None, "n", ["m:1"])
    assert payload["environmentImageRequest"]["modelIds"] == ["m:1"]
    assert config.build_profile_payload("p", "{}")["inputData"] == "{}"


# --- services of one container ---


def test_an_aci_configuration_keeps_what_it_gets() -> None:
    config = AciWebservice.deploy_configuration(cpu_cores=1, memory_gb=1, tags={"a": "b"})
    assert isinstance(config, aci.AciServiceDeploymentConfiguration)
    assert (config.cpu_cores, config.memory_gb, config.tags) == (1, 1, {"a": "b"})
    assert (config.auth_enabled, config.ssl_enabled, config.location) == (None, None, None)


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"cpu_cores": 0}, "cpu_cores"),
        ({"memory_gb": -1}, "memory_gb"),
        ({"ssl_enabled": True}, "ssl_cert_pem_file, ssl_key_pem_file, ssl_cname"),
        (
            {"ssl_enabled": True, "ssl_cert_pem_file": "no.pem", "ssl_key_pem_file": "k", "ssl_cname": "c"},
            r"no\.pem does not exist",
        ),
        ({"cmk_key_name": "k"}, "cmk_vault_base_url"),
        ({"vnet_name": "v"}, "subnet_name"),
    ],
)
def test_wrong_aci_configurations_are_refused(parameters: dict[str, Any], word: str) -> None:
    with pytest.raises(WebserviceException, match=word):
        AciWebservice.deploy_configuration(**parameters)


def test_a_text_is_no_number() -> None:
    with pytest.raises(TypeError):
        AciWebservice.deploy_configuration(cpu_cores="1")  # type: ignore[arg-type]


def test_resources_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    AciWebservice.deploy_configuration(cpu_cores=1).print_deploy_configuration()
    AksWebservice.deploy_configuration(memory_gb=2, num_replicas=3).print_deploy_configuration()
    assert capsys.readouterr().out == (
        "CPU requirement: 1\nMemory requirement (GB): 2\nNumber of replicas: 3\n"
    )


# --- services of a cluster ---


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"autoscale_enabled": True, "num_replicas": 2}, "num_replicas"),
        ({"autoscale_enabled": False}, "num_replicas"),
        ({"autoscale_min_replicas": 2}, "autoscale_enabled=True"),
        (
            {"autoscale_enabled": True, "autoscale_min_replicas": 5, "autoscale_max_replicas": 2},
            "must not be above",
        ),
        ({"num_replicas": -1}, "num_replicas"),
        ({"gpu_cores": -1}, "gpu_cores"),
        ({"cpu_cores": 2, "cpu_cores_limit": 1}, "cpu_cores_limit"),
        ({"memory_gb": 2, "memory_gb_limit": 1}, "memory_gb_limit"),
        ({"auth_enabled": True, "token_auth_enabled": True}, "keys or tokens"),
        ({"namespace": "-x"}, "namespace"),
        ({"scoring_timeout_ms": 0}, "scoring_timeout_ms"),
        ({"period_seconds": 0}, "period_seconds"),
    ],
)
def test_wrong_aks_configurations_are_refused(parameters: dict[str, Any], word: str) -> None:
    with pytest.raises(WebserviceException, match=word):
        AksWebservice.deploy_configuration(**parameters)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(WebserviceException) as caught:
        AksWebservice.deploy_configuration(cpu_cores=0, memory_gb=0, namespace="A")
    lines = caught.value.message.splitlines()
    assert len(lines) == 4
    assert "cpu_cores" in lines[1]
    assert "memory_gb" in lines[2]
    assert "namespace" in lines[3]


def test_an_endpoint_has_a_share_of_the_traffic() -> None:
    config = AksEndpoint.deploy_configuration(version_name="one", traffic_percentile=20, cpu_cores=1)
    assert isinstance(config, aks.AksServiceDeploymentConfiguration)
    assert (config.version_name, config.traffic_percentile, config.cpu_cores) == ("one", 20, 1)
    with pytest.raises(WebserviceException, match="percentage"):
        AksEndpoint.deploy_configuration(traffic_percentile=120)
    assert AksEndpoint.VersionType("Control") is AksEndpoint.VersionType.control


def test_image_objects_are_refused() -> None:
    with pytest.raises(NotYetAvailable, match=r"Model\.deploy"):
        AciWebservice.deploy_configuration().validate_image(object())


# --- records ---

RECORDS = [
    webservice.AutoScaler(True, 10, 1, 1, 70),
    webservice.ContainerResourceRequirements(1, 2, 3, 4, 5),
    aci.ContainerResourceRequirements(1, 2),
    webservice.DataCollection(False, True),
    webservice.LivenessProbeRequirements(10, 310, 2, 1, 3),
    aci.EncryptionProperties("v", "k", "1"),
    aci.VnetConfiguration("v", "s"),
    SslConfiguration("Enabled", "c", "k", "n", "l", True, False),
    SystemService("t", "v", "1.2.3.4"),
    ResourceConfiguration(1, 2, 3),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_records_survive_their_documents(record: Any) -> None:
    document = record.serialize()
    assert vars(type(record).deserialize(document)) == vars(record)
    assert all(isinstance(key, str) for key in document)


@pytest.mark.parametrize("record", [one for one in RECORDS if not isinstance(one, SystemService)])
def test_no_document_is_no_record(record: Any) -> None:
    assert type(record).deserialize(None) is None


@pytest.mark.parametrize("kind", [webservice.WebServiceAccessToken, aks.AksServiceAccessToken])
def test_tokens_survive_their_documents(kind: Any) -> None:
    document = {"accessToken": "a", "tokenType": "Bearer", "refreshAfter": 1600000000, "expiryOn": 1600003600}
    token = kind.deserialize(document)
    assert isinstance(token, kind)
    assert (token.access_token, token.refresh_after.isoformat()) == ("a", "2020-09-13T12:26:40+00:00")
    assert token.serialize() == document


# --- clusters ---


def test_clusters_say_that_they_are_not_there(ws: Any) -> None:
    with pytest.raises(ComputeTargetException, match="ComputeTargetNotFound"):
        ComputeTarget(ws, "cluster")
    with pytest.raises(ComputeTargetException, match="this machine"):
        AksCompute(ws, "cluster")
    assert ComputeTarget.list(ws) == []
    with pytest.raises(NotYetAvailable, match=r"ComputeTarget\.create"):
        ComputeTarget.create(ws, "cluster", AksCompute.provisioning_configuration())
    with pytest.raises(NotYetAvailable, match=r"ComputeTarget\.attach"):
        ComputeTarget.attach(ws, "c", AksCompute.attach_configuration("group", "cluster"))


def test_cluster_configurations_are_checked() -> None:
    config = AksCompute.provisioning_configuration(agent_count=3, vm_size="Standard_D3_v2")
    assert (config.agent_count, config.vm_size) == (3, "Standard_D3_v2")
    for wrong in ({"ssl_cname": "c"}, {"vnet_name": "v"}, {"agent_count": 0}, {"load_balancer_type": "x"}):
        with pytest.raises(ComputeTargetException):
            AksCompute.provisioning_configuration(**wrong)  # type: ignore[arg-type]
    for wrong in ({}, {"resource_group": "g"}, {"resource_id": "/subscriptions/x"}):
        with pytest.raises(ComputeTargetException):
            AksCompute.attach_configuration(**wrong)
    attached = AksCompute.attach_configuration(
        resource_id="/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"
    )
    attached.enable_ssl(leaf_domain_label="l")
    assert attached.leaf_domain_label == "l"
    with pytest.raises(ComputeTargetException, match="SSL"):
        attached.enable_ssl(ssl_cname="c")
    with pytest.raises(ComputeTargetException, match="InternalLoadBalancer"):
        AksCompute.attach_configuration("g", "c", load_balancer_subnet="s")
