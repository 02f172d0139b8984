"""Where a service runs that was meant for ACI, and what is said without a container. No engine is needed."""

import json
import os

import pytest

from moorage import models, services
from moorage.deployments import ContainerConfig, InferenceConfig, LocalConfig, parse_deployment_config, plan
from moorage.environments import DockerSpecification, Environment
from moorage.errors import (
    ContainerEngineNotFound,
    ImageBuildFailed,
    InvalidArgument,
    InvalidConfiguration,
    PlanRejected,
    RegistryFault,
    StorageFull,
)
from moorage.targets.container import choose_place
from moorage.targets.container.engine import engine_variables, find_engine

INFO = {
    "host": {"cgroupControllers": ["cpu", "memory"], "cgroupVersion": "v2", "security": {"rootless": True}}
}
NAMED = InferenceConfig(entry_script="score.py", environment=Environment("e"))


@pytest.fixture
def engine(home, monkeypatch, tmp_path):
    """Make the only engine of this machine a script that answers as told: command to (exit code, output)."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("MOORAGE_CONTAINER_ENGINE", "podman")

    def answer(**answers):
        answers.setdefault("info", (0, json.dumps(INFO)))
        program = folder / "podman"
        cases = "".join(
            f"  {name.replace('_', chr(92) + ' ')}*)\n"
            f"cat >&{2 if code else 1} <<'END'\n{text}\nEND\n  exit {code};;\n"
            for name, (code, text) in answers.items()
        )
        program.write_text(f'#!/bin/sh\ncase "$*" in\n{cases}  *) exit 125;;\nesac\n')
        program.chmod(0o755)

    answer()
    return answer


@pytest.fixture
def no_engine(home, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setenv("MOORAGE_CONTAINER_ENGINE", "auto")


def test_without_an_engine_processes_do_the_work(no_engine):
    config = ContainerConfig(auth_enabled=True, location="westeurope", cpu_cores=2)
    choice = choose_place(config, NAMED)
    assert isinstance(choice.config, LocalConfig)
    assert choice.config.auth_enabled
    assert "docker is not installed; podman is not installed" in choice.notice
    assert choice.config.asked_config == config
    assert choose_place(LocalConfig(), None).notice is None


def test_a_container_that_is_asked_for_by_name_is_not_replaced(no_engine, monkeypatch):
    for config in (ContainerConfig(compute_type="container"), ContainerConfig(image="localhost/mine")):
        with pytest.raises(ContainerEngineNotFound, match="docker is not installed"):
            choose_place(config, NAMED)
    monkeypatch.setenv("MOORAGE_CONTAINER_ENGINE", "podman")
    with pytest.raises(ContainerEngineNotFound, match="podman is not installed"):
        choose_place(ContainerConfig(), NAMED)
    monkeypatch.setenv("MOORAGE_CONTAINER_ENGINE", "none")
    assert isinstance(choose_place(ContainerConfig(), NAMED).config, LocalConfig)
    with pytest.raises(ContainerEngineNotFound, match="is none"):
        choose_place(ContainerConfig(compute_type="container"), NAMED)
    monkeypatch.setenv("MOORAGE_CONTAINER_ENGINE", "moon")
    with pytest.raises(InvalidArgument, match="moon"):
        choose_place(ContainerConfig(), NAMED)


def test_an_engine_that_is_stopped_says_so_in_its_own_words(engine):
    engine(info=(1, "Cannot connect to the daemon. Is it running?"))
    with pytest.raises(ContainerEngineNotFound, match=r"podman does not work: .*Is it running"):
        find_engine()


def test_an_engine_of_another_machine_runs_no_services_of_this_one(engine, monkeypatch):
    monkeypatch.setenv("CONTAINER_HOST", "ssh://root@elsewhere/run/podman.sock")
    with pytest.raises(ContainerEngineNotFound, match="CONTAINER_HOST names the engine of another machine"):
        find_engine()
    monkeypatch.setenv("CONTAINER_HOST", "unix:///run/user/1000/podman.sock")
    assert find_engine().name == "podman"


def test_the_way_to_an_engine_is_kept_for_later(monkeypatch):
    there = {"DOCKER_HOST": "unix:///run/user/1000/docker.sock", "XDG_RUNTIME_DIR": "/run/user/1000"}
    assert engine_variables({**there, "AWS_SECRET_ACCESS_KEY": "x", "PATH": "/bin"}) == there


def test_what_an_engine_cannot_limit_is_known(engine):
    assert find_engine().limits_memory
    old = {**INFO, "host": {**INFO["host"], "cgroupVersion": "v1"}}
    engine(info=(0, json.dumps(old)))
    found = find_engine()
    assert (found.limits_cpu, found.limits_memory) == (False, False)


def test_an_image_that_would_have_to_be_pulled_is_not_waited_for(engine, monkeypatch):
    engine(image_inspect=(125, "no such image"))
    monkeypatch.setenv("MOORAGE_CONTAINER_ENGINE", "auto")
    choice = choose_place(ContainerConfig(), NAMED)
    assert isinstance(choice.config, LocalConfig)
    assert "podman pull docker.io/library/python" in choice.notice
    nothing = choose_place(ContainerConfig(), InferenceConfig(entry_script="score.py"))
    assert "no environment is named" in nothing.notice


@pytest.fixture
def deployment(workspace, tmp_path):
    (tmp_path / "score.py").write_text("def init(): pass\ndef run(data): return 1\n")
    (tmp_path / "model.txt").write_text("weights")
    model = models.register(workspace, tmp_path / "model.txt", "m")
    docker = DockerSpecification(base_image="localhost/base")
    environment = Environment("e", user_managed=True, docker=docker)
    return [model], InferenceConfig(entry_script=tmp_path / "score.py", environment=environment)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("STEP 3: RUN pip install\nerror: exit status 7", ImageBuildFailed),
        ("writing layer: no space left on device", StorageFull),
    ],
)
def test_a_build_that_fails_leaves_nothing(workspace, engine, deployment, monkeypatch, said, kind):
    monkeypatch.setattr("moorage.targets.container.image.server_lock", lambda minor: _Lock("a==1\n"))
    base = {"image_inspect_localhost/base": (0, json.dumps([{"Id": "sha256:1"}]))}
    engine(**base, image_inspect=(125, "no such image"), build=(7, said))
    with pytest.raises(kind, match=r"exit status 7|no space left"):
        services.deploy(workspace, "svc", *deployment, ContainerConfig(compute_type="container"))
    assert services.list_services(workspace) == []
    assert not (workspace.path / "services" / "svc").exists()


def test_a_base_image_that_cannot_be_had_is_told_in_a_line(workspace, engine, deployment, monkeypatch):
    monkeypatch.setattr("moorage.targets.container.image.server_lock", lambda minor: _Lock("a==1\n"))
    engine(image_inspect=(125, "no such image"))
    with pytest.raises(RegistryFault, match="the image localhost/base is not on this machine"):
        services.deploy(workspace, "svc", *deployment, ContainerConfig(compute_type="container"))
    assert services.list_services(workspace) == []


def test_an_image_that_cannot_be_had_is_named(workspace, engine):
    engine(image_inspect=(125, "no such image"), pull=(125, "manifest unknown"))
    config = ContainerConfig(image="localhost/nowhere:1")
    with pytest.raises(RegistryFault, match="localhost/nowhere:1"):
        services.deploy(workspace, "svc", [], None, config)
    assert services.list_services(workspace) == []


def test_a_plan_for_a_container(workspace, deployment, tmp_path):
    found, inference = deployment
    config = ContainerConfig(compute_type="container", location="westeurope", dns_name_label="a")
    made = plan(workspace, "svc", found, inference, config)
    assert made.is_possible
    assert [problem.where for problem in made.problems] == ["location", "dns_name_label"]
    assert "0.1 cores, 0.5 GB" in str(made)
    without = InferenceConfig(entry_script=tmp_path / "score.py")
    with pytest.raises(PlanRejected, match="a container needs an environment"):
        plan(workspace, "svc", found, without, config).check()
    (tmp_path / "score.py").write_text("def init(): pass\n")
    with pytest.raises(Exception, match="run"):
        plan(workspace, "svc", found, inference, config).check()


def test_an_image_needs_no_script(workspace):
    made = plan(workspace, "svc", [], None, ContainerConfig(image="localhost/mine:1", scoring_port=8080))
    assert made.is_possible
    assert "localhost/mine:1, port 8080" in str(made)


@pytest.mark.parametrize(
    "wrong",
    [
        {"image": "--privileged"},
        {"image": "a b"},
        {"scoring_path": "score"},
        {"scoring_path": "/a b\r\nx: y"},
        {"liveness_port": 0},
        {"auth_enabled": True, "token_auth_enabled": True},
    ],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(InvalidConfiguration):
        ContainerConfig(**wrong)


def test_a_file_names_an_image(tmp_path):
    path = tmp_path / "dc.json"
    document = {"computeType": "Container", "image": "localhost/mine", "scoringPort": 8080}
    path.write_text(json.dumps({**document, "livenessPath": "/up", "variables": {"A": "b"}}))
    config = parse_deployment_config(path)
    assert config == ContainerConfig(
        compute_type="container",
        image="localhost/mine",
        scoring_port=8080,
        liveness_path="/up",
        variables={"A": "b"},
    )
    assert os.environ["MOORAGE_CONTAINER_ENGINE"] == "none"


class _Lock:
    options = ()

    def __init__(self, text):
        self.text = text
