"""Flags and files become the configurations of a deployment; a flag is stronger than a file."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.cli.deployment import Wishes, deployment_config, inference_config, service_name_for
from moorage.cli.session import Session
from moorage.deployments import ContainerConfig, InferenceConfig, KubernetesConfig, LocalConfig
from moorage.environments import Environment
from moorage.errors import InvalidArgument, InvalidConfiguration

MODEL_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}", fullmatch=True)

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@UNHURRIED
@given(MODEL_NAMES)
def test_any_model_gives_a_valid_service_name(name: str) -> None:
    assert re.fullmatch(r"[a-z]([a-z0-9-]{1,30}[a-z0-9])", service_name_for([f"{name}:1"]))


@pytest.mark.parametrize(
    ("model", "service"),
    [
        ("mymodel:1", "mymodel"),
        ("My_Model.v2:3", "my-model-v2"),
        ("2nd:1", "model-2nd"),
        ("m:1", "m-service"),
    ],
)
def test_the_service_is_named_after_the_model(model: str, service: str) -> None:
    assert service_name_for([model, "other:1"]) == service


def test_without_a_model_a_name_is_needed() -> None:
    with pytest.raises(InvalidArgument, match="-n"):
        service_name_for([])


def _file(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_nothing_said_means_nothing() -> None:
    assert inference_config(Session(), Wishes()) is None
    assert deployment_config(Session(), Wishes()) is None


def test_a_flag_is_stronger_than_the_file(place: Path) -> None:
    script = _file(place / "ic.json", {"entryScript": "old.py", "sourceDirectory": "src"})
    target = _file(place / "dc.json", {"computeType": "LOCAL", "port": 1111})
    wishes = Wishes(
        inference_config_file=script,
        deploy_config_file=target,
        flags={"entry_script": "new.py", "port": 2222},
    )
    made = inference_config(Session(), wishes)
    assert made is not None
    assert (Path(made.entry_script).name, Path(str(made.source_directory)).name) == ("new.py", "src")
    assert deployment_config(Session(), wishes) == LocalConfig(port=2222)


def test_flags_alone_are_enough() -> None:
    wishes = Wishes(flags={"entry_script": "score.py", "conda_file": "env.yml", "enable_gpu": "true"})
    assert inference_config(Session(), wishes) == InferenceConfig(
        entry_script="score.py", conda_file="env.yml", enable_gpu=True
    )
    assert deployment_config(Session(), Wishes(flags={"port": 8890})) == LocalConfig(port=8890)
    with pytest.raises(InvalidConfiguration, match="no entry script"):
        inference_config(Session(), Wishes(flags={"runtime": "python"}))


def test_the_flags_of_the_old_containers_and_clusters() -> None:
    flags = {"cpu_cores": 2.0, "memory_gb": 1.5, "auth_enabled": "True", "dns_name_label": "x"}
    assert deployment_config(Session(), Wishes(compute_type="ACI", flags=flags)) == ContainerConfig(
        cpu_cores=2.0, memory_gb=1.5, auth_enabled=True, dns_name_label="x"
    )
    flags = {"compute_target": "mycluster", "num_replicas": 3, "autoscale_enabled": "false"}
    assert deployment_config(Session(), Wishes(flags=flags)) == KubernetesConfig(
        compute_target="mycluster", replica_count=3, autoscale_enabled=False
    )


def test_a_flag_of_another_target_is_warned_about(capsys: pytest.CaptureFixture[str]) -> None:
    wishes = Wishes(compute_type="local", flags={"num_replicas": 3, "port": 1234})
    assert deployment_config(Session(), wishes) == LocalConfig(port=1234)
    assert capsys.readouterr().err == (
        "Warning: --num-replicas has no effect on a service of compute type local\n"
    )


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        (Wishes(compute_type="cloud"), "'cloud' is none of local, aci"),
        (Wishes(compute_type="aci", flags={"auth_enabled": "perhaps"}), "neither true nor false"),
        (Wishes(compute_type="aci", profile_input=Path("nothing.json")), "nothing.json cannot be read"),
    ],
)
def test_impossible_targets_are_refused(wishes: Wishes, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        deployment_config(Session(), wishes)


def test_file_and_flag_must_agree_on_the_target(place: Path) -> None:
    file = _file(place / "dc.json", {"computeType": "local"})
    with pytest.raises(InvalidArgument, match=r"'aks' contradicts .*dc\.json, which says 'local'"):
        deployment_config(Session(), Wishes(deploy_config_file=file, compute_type="aks"))


def test_a_profile_recommends_resources_and_flags_overrule_it(place: Path) -> None:
    profile = _file(place / "profile.json", {"recommendedCpu": 0.6, "recommendedMemoryInGB": 0.5})
    wishes = Wishes(compute_type="aci", profile_input=profile, flags={"memory_gb": 2.0})
    assert deployment_config(Session(), wishes) == ContainerConfig(cpu_cores=0.6, memory_gb=2.0)


def test_environments_come_by_name_or_folder(home: Path, place: Path) -> None:
    from moorage import environments
    from moorage.workspace import Workspace

    with Workspace.create("a") as workspace:
        for variable in ("1", "2"):
            environments.register(workspace, Environment("myenv", variables={"X": variable}))
    session = Session("a")
    flags = {"entry_script": "score.py"}
    newest = inference_config(session, Wishes(environment_name="myenv", flags=flags))
    assert newest is not None
    assert newest.environment is not None
    assert newest.environment.id == "myenv:2"
    older = inference_config(session, Wishes(environment_name="myenv", environment_version="1", flags=flags))
    assert older is not None
    assert older.environment is not None
    assert older.environment.variables == {"X": "1"}
    session.close()

    _file(place / "azureml_environment.json", {"name": "other"})
    made = inference_config(Session(), Wishes(environment_directory=place, flags=flags))
    assert made is not None
    assert made.environment == Environment("other")
    for wrong in (
        Wishes(environment_name="myenv", environment_directory=place),
        Wishes(environment_version="1"),
    ):
        with pytest.raises(InvalidArgument):
            inference_config(Session("a"), wrong)


def test_an_update_changes_what_the_service_has(place: Path) -> None:
    current = InferenceConfig(entry_script="/app/score.py", environment=Environment("old"))
    changed = inference_config(Session(), Wishes(flags={"entry_script": "new.py"}), current)
    assert changed == InferenceConfig(entry_script="new.py", environment=Environment("old"))
    changed = inference_config(Session(), Wishes(flags={"conda_file": "env.yml"}), current)
    assert changed == InferenceConfig(entry_script="/app/score.py", conda_file="env.yml")
    config = LocalConfig(port=1234, worker_count=2)
    assert deployment_config(Session(), Wishes(flags={"workers": 3}), config) == LocalConfig(
        port=1234, worker_count=3
    )
    assert deployment_config(Session(), Wishes(), config) is None
