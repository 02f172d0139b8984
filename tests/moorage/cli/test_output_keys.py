"""The documented keys of the old command line are in the answers, with values of the documented kind."""

import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from moorage.cli.documents import service_document
from moorage.cli.endpoint import endpoint_document
from moorage.deployments import ContainerConfig, InferenceConfig, KubernetesConfig, LocalConfig
from moorage.environments import Environment
from moorage.services import Service

MODEL = (
    "createdTime description experimentName framework frameworkVersion id name properties runId tags version"
)
WORKSPACE = (
    "applicationInsights containerRegistry creationTime description friendlyName id identityPrincipalId "
    "identityTenantId identityType keyVault location name resourceGroup storageAccount type workspaceid"
)
SERVICE = (
    "id name description tags properties operationId state createdTime updatedTime error computeType "
    "deploymentType runtimeType scoringUri updatedAt swaggerUri authEnabled sslEnabled appInsightsEnabled "
    "dataCollection cname publicIp publicFqdn modelConfigMap environment models imageId imageDetails "
    "aadAuthEnabled"
)
ACI = "containerResourceRequirements location"
AKS = (
    "computeName namespace numReplicas autoScaler scoringTimeoutMs maxConcurrentRequestsPerContainer "
    "maxQueueWaitMs livenessProbeRequirements deploymentStatus containerResourceRequirements"
)


def has(document: Any, keys: str) -> None:
    assert set(keys.split()) <= set(document), set(keys.split()) - set(document)


@pytest.fixture
def service() -> Callable[..., Service]:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)

    def make(config: Any, compute_type: str) -> Service:
        return Service(
            name="svc",
            state="Healthy",
            target="local",
            revision=3,
            scoring_uri="http://127.0.0.1:8890/score",
            swagger_uri="http://127.0.0.1:8890/swagger.json",
            port=8890,
            models=("m:1",),
            error=None,
            description="d",
            tags={"a": "b"},
            properties={},
            created_at=now,
            updated_at=now,
            compute_type=compute_type,
            inference_config=InferenceConfig(entry_script="s.py", environment=Environment("e", version="2")),
            deployment_config=config,
        )

    return make


def test_models(answer: Callable[..., Any], model_path: Path) -> None:
    made = answer("model", "register", "-n", "m", "-p", str(model_path), "-t", "made.json")
    has(made, MODEL)
    assert made["framework"] == "Custom"
    assert (made["id"], made["version"]) == ("m:1", 1)
    assert datetime.fromisoformat(made["createdTime"]).tzinfo is not None
    written = json.loads(Path("made.json").read_text())
    assert written["modelId"] == "m:1"
    assert made.items() <= written.items()
    for document in (
        answer("model", "list")[0],
        answer("model", "show", "-i", "m:1"),
        answer("model", "update", "-i", "m:1", "--add-tag", "a=b"),
    ):
        has(document, MODEL)
    assert answer("model", "download", "-i", "m:1", "-t", "there")["path"].endswith("model.pkl")
    has(answer("model", "delete", "-i", "m:1"), "id")


def test_workspaces_and_folders(answer: Callable[..., Any]) -> None:
    made = answer("workspace", "create", "-w", "ocean", "-g", "harbour", "-l", "west")
    has(made, WORKSPACE)
    assert (made["resourceGroup"], made["location"], made["type"]) == ("harbour", "west", "Workspace")
    has(answer("workspace", "show"), WORKSPACE)
    has(answer("workspace", "list")[0], WORKSPACE)
    attached = answer("folder", "attach", "-w", "ocean")
    assert set(attached) == {
        "Experiment name",
        "Project path",
        "Resource group",
        "Subscription id",
        "Workspace name",
    }


def test_environments(answer: Callable[..., Any]) -> None:
    answer("environment", "scaffold", "-n", "e", "-d", "e")
    made = answer("environment", "register", "-d", "e")
    keys = "name version environmentVariables python docker"
    has(made, keys)
    has(answer("environment", "show", "-n", "e"), keys)
    has(answer("environment", "list")[0], keys)
    parts = "userManagedDependencies interpreterPath condaDependencies"
    has(made["python"], parts)


@pytest.mark.parametrize(
    ("config", "compute_type", "more"),
    [
        (LocalConfig(), "Local", ""),
        (ContainerConfig(location="west", app_insights_enabled=True), "ACI", ACI),
        (KubernetesConfig(replica_count=2, namespace="n", collect_model_data=True), "AKS", AKS),
        (None, "Local", ""),
    ],
)
def test_services(service: Callable[..., Service], config: Any, compute_type: str, more: str) -> None:
    document = service_document(service(config, compute_type))
    has(document, f"{SERVICE} {more}")
    json.dumps(document)
    assert document["environment"] == {"name": "e", "version": "2"}
    assert document["appInsightsEnabled"] is (compute_type == "ACI")
    assert document["dataCollection"] == {"storageEnabled": compute_type == "AKS"}


def test_the_numbers_of_a_cluster_are_those_that_were_asked_for(service: Callable[..., Service]) -> None:
    document = service_document(service(KubernetesConfig(), "AKS"))
    assert document["autoScaler"]["autoscaleEnabled"] is True
    assert document["containerResourceRequirements"]["memoryInGB"] == 0.5
    assert document["livenessProbeRequirements"]["initialDelaySeconds"] == 310
    fixed = service_document(service(KubernetesConfig(replica_count=2), "AKS"))
    assert (fixed["numReplicas"], fixed["autoScaler"]["autoscaleEnabled"]) == (2, False)


def test_endpoints(service: Callable[..., Service]) -> None:
    config = KubernetesConfig(compute_type="aksendpoint", version_name="v2", is_control_version=True)
    document = endpoint_document(service(config, "AKSENDPOINT"))
    has(document, f"{SERVICE} variants computeName namespace")
    (version,) = document["variants"]
    assert (version["name"], version["isDefault"], version["trafficPercentile"]) == ("v2", True, 100)
    assert version["type"] == "Control"


def test_secrets_are_not_printed(service: Callable[..., Service]) -> None:
    config = ContainerConfig(auth_enabled=True, primary_key="first-secret", secondary_key="other-secret")
    assert "secret" not in json.dumps(service_document(service(config, "ACI")))


def test_data_sets(answer: Callable[..., Any], place: Path) -> None:
    (place / "rows.csv").write_text("a,b\n1,2\n")
    template = answer("dataset", "register", "--show-template")
    assert isinstance(template, dict)
    assert answer("dataset", "list") == []


def test_computes(answer: Callable[..., Any], invoke: Callable[..., Any]) -> None:
    assert answer("computetarget", "list") == []
    missing = invoke("computetarget", "show", "-n", "cluster")
    assert (missing.exit_code, missing.stdout) == (3, "")
