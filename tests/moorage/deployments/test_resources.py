"""The resources of a service: of its deployment, of its models, of nobody."""

import pytest

from moorage import models
from moorage.cli.target_keys import target_keys
from moorage.deployments import ContainerConfig, InferenceConfig, KubernetesConfig, LocalConfig, plan
from moorage.deployments.resources import (
    container_resources,
    local_limits,
    resources_of,
    resources_of_models,
)
from moorage.models import ResourceConfiguration
from moorage.targets.contract import Place
from moorage.targets.local.settings import service_settings

ASKED = ResourceConfiguration(2.0, 1.5, 1)


@pytest.fixture
def register(workspace, tmp_path):
    def made(name="m", **more):
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(b"graph of nothing")
        return models.register(workspace, path, name, framework="Onnx", **more)

    return made


def test_what_the_deployment_names_counts_then_the_models_then_a_default():
    named = ContainerConfig(cpu_cores=0.5, memory_gb=4.0, gpu_count=0)
    assert container_resources(named, ASKED) == ResourceConfiguration(0.5, 4.0, 0)
    assert container_resources(ContainerConfig(cpu_cores=0.5), ASKED) == ResourceConfiguration(0.5, 1.5, 1)
    assert container_resources(ContainerConfig(), None) == ResourceConfiguration(0.1, 0.5, None)


def test_limits_of_processes():
    assert local_limits(LocalConfig(), ASKED) == {
        "cpu_cores_limit": 2.0,
        "memory_limit_bytes": 1_500_000_000,
    }
    assert local_limits(LocalConfig(cpu_cores_limit=0, memory_limit_bytes=7), ASKED) == {}
    assert local_limits(LocalConfig(), None) == {}
    stand_in = ContainerConfig().as_processes()
    assert local_limits(stand_in, ASKED) == {}
    assert resources_of(stand_in, ASKED) == ASKED
    for stand_in in (KubernetesConfig(), KubernetesConfig(cpu_cores=3.0, memory_gb=1.0, gpu_count=0)):
        made = stand_in.as_processes(most_workers=2)
        assert local_limits(made, ASKED) == {}
        assert resources_of(made, ASKED) == container_resources(stand_in, ASKED)
    assert container_resources(KubernetesConfig(cpu_cores=3.0), ASKED) == ResourceConfiguration(3.0, 1.5, 1)
    assert resources_of(LocalConfig(), None) is None
    assert resources_of(LocalConfig(memory_limit_bytes=10**9), None) == ResourceConfiguration(None, 1.0)


def test_several_models_need_the_memory_of_all_and_the_cores_of_one(register):
    made = [register("a", resources=ASKED), register("b", resources=ResourceConfiguration(4.0, 0.5))]
    assert resources_of_models(made) == ResourceConfiguration(4.0, 2.0, 1)
    assert resources_of_models(made, limits_several=False) == ResourceConfiguration(4.0, None, 1)
    assert resources_of_models([register("c")]) is None


def test_a_plan_without_a_script_has_the_resources_of_its_model(workspace, register):
    model = register(resources=ASKED)
    made = plan(workspace, "svc", [model])
    assert made.resources == ASKED
    assert "limits       2 cores, 1.5 GB of memory, 1 GPUs" in str(made)
    settings = service_settings(Place(workspace.path, workspace.name, "svc"), made, workspace.path)
    assert (settings["cpu_cores_limit"], settings["memory_limit_bytes"]) == (2.0, 1_500_000_000)
    made = plan(workspace, "svc", [model], None, ContainerConfig(memory_gb=3.0))
    assert "container    2 cores, 3 GB of memory, 1 GPUs" in str(made)


def test_a_script_decides_itself(workspace, register, tmp_path):
    (tmp_path / "score.py").write_text("def init(): pass\ndef run(data): return 1\n")
    config = InferenceConfig(entry_script=tmp_path / "score.py")
    made = plan(workspace, "svc", [register(resources=ASKED)], config)
    assert made.resources is None


def test_a_container_for_models_without_a_script_has_their_packages(workspace, register):
    model = register(properties={"onnx.threads": "1"})
    config = ContainerConfig(model_options={"onnx.threads": "3"})
    made = plan(workspace, "svc", [model], None, config)
    assert made.is_possible, str(made)
    assert made.inference_config.environment is None  # what is kept: later models bring their own packages
    lines = made.image_config.environment.pip_requirements
    assert any(line.startswith("onnxruntime") for line in lines), lines
    assert '"onnx.threads": "3"' in made.variables["MOORAGE_NO_CODE"]
    assert "/opt/moorage/" in made.variables["MOORAGE_NO_CODE"]


def test_a_container_without_a_script_or_a_known_model_is_refused(workspace, tmp_path):
    (tmp_path / "model.txt").write_text("weights")
    model = models.register(workspace, tmp_path / "model.txt", "m")
    made = plan(workspace, "svc", [model], None, ContainerConfig())
    assert not made.is_possible
    assert "m:1 is registered without a framework, which needs an entry script" in str(made)
    assert "neither a model nor an entry script" in str(plan(workspace, "svc", [], None, ContainerConfig()))


def test_what_is_shown(workspace):
    class Shown:
        asked_config = LocalConfig()
        inference_config = None
        token_auth_enabled = False
        resources = ASKED

    assert target_keys(Shown())["containerResourceRequirements"] == {"cpu": 2.0, "gpu": 1, "memoryInGB": 1.5}
