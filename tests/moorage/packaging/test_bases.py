"""What an image starts from, and the user's own Dockerfile as the first stages of ours."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage import packaging
from moorage.deployments import InferenceConfig, parse_inference_config
from moorage.environments import DockerSpecification, Environment
from moorage.errors import InvalidConfiguration, RequirementsUnsolvable
from moorage.packaging.bases import Credentials, as_stage, find_base
from moorage.packaging.dockerfile import Recipe

OLD_FORM = {"entry_script": "score.py", "conda_file": "c.yml"}


def base_of(config=None, **docker):
    environment = Environment("e", docker=DockerSpecification(**docker) if docker else None)
    return find_base(environment, config or InferenceConfig(entry_script="score.py"))


@pytest.mark.parametrize(
    ("image", "address", "name"),
    [
        ("mine:1", None, "mine:1"),
        ("team/mine:1", "registry.example.org", "registry.example.org/team/mine:1"),
        ("registry.example.org/mine", "https://registry.example.org/", "registry.example.org/mine"),
        ("mcr.microsoft.com/azureml/base:latest", None, None),
    ],
)
def test_an_image_and_its_registry_make_one_name(image, address, name):
    assert base_of(base_image=image, registry_address=address).image == name
    config = InferenceConfig(**OLD_FORM, base_image=image, base_image_registry=address)
    assert base_of(config).image == name


def test_credentials_come_from_both_forms_and_are_not_shown(tmp_path):
    wanted = Credentials("registry.example.org", "user", "secret")
    newer = base_of(
        base_image="a", registry_address="registry.example.org", registry_username="user",
        registry_password="secret",
    )  # fmt: skip
    file = tmp_path / "inferenceconfig.json"
    file.write_text(
        '{"entryScript": "score.py", "condaFile": "c.yml", "baseImage": "a", "baseImageRegistry": '
        '{"address": "registry.example.org", "username": "user", "password": "secret"}}'
    )
    config = parse_inference_config(file)
    assert newer.credentials == base_of(config).credentials == wanted
    assert "secret" not in f"{newer} {config}"


def test_a_chosen_image_wins_and_then_the_definition_and_then_the_variable(monkeypatch):
    monkeypatch.setenv("MOORAGE_BASE_IMAGE", "localhost/ours")
    config = InferenceConfig(entry_script="score.py")
    environment = Environment("e", docker=DockerSpecification(base_image="theirs"))
    assert find_base(environment, config, "chosen").image == "chosen"
    assert find_base(environment, config).image == "theirs"
    assert find_base(Environment("e"), config).image == "localhost/ours"
    both = Environment("e", docker=DockerSpecification(base_image="theirs", base_dockerfile="FROM x"))
    assert find_base(both, config).dockerfile == "FROM x"


def test_of_a_build_context_the_dockerfile_counts(tmp_path):
    file = tmp_path / "Dockerfile"
    file.write_text("FROM mine\nRUN x\n")
    document = {"name": "e", "docker": {"buildContext": {"location": str(tmp_path)}}}
    environment = Environment.from_document(document)
    assert Environment.from_document(environment.to_document()) == environment
    config = InferenceConfig(entry_script="score.py")
    assert find_base(environment, config).dockerfile == file.read_text()
    file.write_text("FROM mine\nCOPY a b\n")
    with pytest.raises(InvalidConfiguration, match="copies files"):
        find_base(environment, config)
    with pytest.raises(InvalidConfiguration, match="name it as base_image"):
        base_of(build_context=("https://example.org/x.git", "Dockerfile"))


def test_the_last_stage_gets_a_name():
    text = "ARG V=1\nFROM a AS one\nRUN x\nfrom --platform=linux/amd64 \\\n  b:${V}\n# FROM c\n"
    text += "RUN y \\\n  FROM z\n"
    assert as_stage(text) == (
        "ARG V=1\nFROM a AS one\nRUN x\nfrom --platform=linux/amd64 b:${V} AS moorage-base\n# FROM c\n"
        "RUN y \\\n  FROM z",
        "moorage-base",
    )
    assert as_stage("FROM a AS mine\nRUN <<E\nFROM b\nE\nCOPY --from=x /a /b") == (
        "FROM a AS mine\nRUN <<E\nFROM b\nE\nCOPY --from=x /a /b",
        "mine",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "no line FROM"), ("RUN x", "no line FROM"), ("FROM a\nCOPY b c", r"line 2: 'COPY b c' copies")],
)
def test_what_is_no_base_is_refused(text, said):
    with pytest.raises(InvalidConfiguration, match=said):
        as_stage(text)


@given(st.text(alphabet="FROM COPYRUNas\\\n#<-E'x ", max_size=60))
def test_any_text_is_a_base_or_refused(text):
    try:
        changed, name = as_stage(text)
    except InvalidConfiguration:
        return
    assert name
    assert "FROM" in changed.upper()


def test_a_dockerfile_comes_first_and_its_directive_before_it():
    text = Recipe("3.8", base_dockerfile="# syntax=docker/dockerfile:1\nFROM a\nUSER me").text
    lines = text.splitlines()
    assert lines[0] == "# syntax=docker/dockerfile:1"
    assert lines.index("FROM a AS moorage-base") < lines.index("FROM moorage-base AS moorage-environment")
    assert lines[lines.index("FROM moorage-base") + 1] == "USER 0"
    assert "BASE_IMAGE" not in text
    assert lines.index("ARG SERVER_IMAGE=docker.io/library/python:3.11-slim-bookworm") < lines.index(
        "FROM a AS moorage-base"
    )


@pytest.mark.usefixtures("offline")
def test_a_package_of_a_dockerfile_and_of_an_image(workspace, model, script):
    docker = DockerSpecification(base_dockerfile="FROM debian:12\nRUN apt-get install -y python3-venv")
    environment = Environment("e", pip_requirements=("boat",), docker=docker)
    made = packaging.package(workspace, [model], script(environment=environment), generate_dockerfile=True)
    text = (made.context / "Dockerfile").read_text()
    assert "FROM debian:12 AS moorage-base" in text
    assert "base.name" not in text
    image = DockerSpecification(base_image="team/base:1", registry_address="registry.example.org")
    environment = Environment("e", pip_requirements=("boat",), docker=image)
    made = packaging.package(workspace, [model], script(environment=environment), generate_dockerfile=True)
    text = (made.context / "Dockerfile").read_text()
    assert "ARG BASE_IMAGE=registry.example.org/team/base:1" in text
    assert '"org.opencontainers.image.base.name"="registry.example.org/team/base:1"' in text


def test_packages_from_a_folder_are_all_from_there(workspace, model, script, tmp_path):
    folder = tmp_path / "wheels"
    folder.mkdir()
    with pytest.raises(
        RequirementsUnsolvable, match=r"in the folder .*wheels: no package named boat is there"
    ):
        packaging.package(workspace, [model], script(), generate_dockerfile=True, wheels=folder)


@pytest.mark.usefixtures("offline")
def test_a_folder_of_this_machine_is_refused_for_an_image(workspace, model, script, tmp_path):
    for lines in (
        ("boat", f"--find-links {tmp_path}"),
        (f"boat @ file://{tmp_path}/boat-1.0-py3-none-any.whl",),
    ):
        config = script(environment=Environment("e", pip_requirements=lines))
        with pytest.raises(InvalidConfiguration, match="wheels"):
            packaging.package(workspace, [model], config, generate_dockerfile=True)


def test_requirements_in_a_file_beside_the_script_count(workspace, model, script, monkeypatch):
    seen = []

    def lock(environment, further, wheels):
        seen.append(further)
        raise RequirementsUnsolvable(["enough"])

    monkeypatch.setattr("moorage.packaging.context.environment_lock", lock)
    config = script(environment=Environment("e", variables={"AZUREML_EXTRA_REQUIREMENTS_TXT": "more.txt"}))
    Path(config.source_directory, "more.txt").write_text("six==1.17.0\n")
    with pytest.raises(RequirementsUnsolvable):
        packaging.package(workspace, [model], config, generate_dockerfile=True)
    assert seen == [("six==1.17.0",)]


def test_the_check_of_a_base_image_is_a_program_that_says_what_is_wrong():
    text = Recipe("2.7", base_image="x").text
    (line,) = {line for line in text.splitlines() if line.startswith("RUN command -v python3")}
    done = subprocess.run(
        ["/bin/sh", "-c", line[4:]], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode != 0
    assert "the base image has Python 3." in done.stderr
    assert "2.7 is needed here" in done.stderr
    done = subprocess.run(
        ["/bin/sh", "-c", line[4:]], capture_output=True, text=True, check=False, env={"PATH": ""}
    )
    assert "the base image has no python3" in done.stderr
