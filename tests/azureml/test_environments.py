"""Environments: sections, ways to make them, folders, and the registry."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from azureml.core import Environment, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.container_registry import ContainerRegistry
from azureml.core.environment import (
    DEFAULT_CPU_IMAGE,
    DockerBuildContext,
    DockerImageDetails,
    EnvironmentReference,
)
from azureml.exceptions import NotYetAvailable, UserErrorException, WebserviceException


def test_a_new_environment_has_the_documented_defaults() -> None:
    environment = Environment("e")
    assert (environment.name, environment.version, environment.asset_id) == ("e", None, None)
    assert environment.python.user_managed_dependencies is False
    assert environment.python.interpreter_path == "python"
    assert environment.python.conda_dependencies is not None
    assert environment.python.conda_dependencies.get_python_version() == "3.8.13"
    assert environment.docker.base_image == DEFAULT_CPU_IMAGE
    assert (environment.docker.base_dockerfile, environment.docker.build_context) == (None, None)
    assert (environment.docker.shm_size, environment.docker.shared_volumes) == ("2g", True)
    assert environment.docker.platform.os == "Linux"
    assert environment.inferencing_stack_version is None


def test_misspelt_attributes_are_refused() -> None:
    environment = Environment("e")
    with pytest.raises(AttributeError, match="conda_dependecies"):
        environment.python.conda_dependecies = CondaDependencies()  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="enviroment_variables"):
        environment.enviroment_variables = {}  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        environment.docker.image = "x"  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        Environment(3)  # type: ignore[arg-type]


def test_image_dockerfile_and_context_exclude_each_other() -> None:
    docker = Environment("e").docker
    docker.base_dockerfile = "FROM x"
    assert docker.base_image is None
    docker.base_image = "y"
    assert docker.base_dockerfile is None
    docker.build_context = DockerBuildContext(location="here")
    assert docker.base_image is None


def test_environments_come_from_conda_and_pip_files() -> None:
    Path("conda.yml").write_text("name: x\ndependencies: [python=3.7, {pip: [joblib]}]\n")
    conda = Environment.from_conda_specification("c", "conda.yml").python.conda_dependencies
    assert conda is not None
    assert conda.get_python_version() == "3.7"
    Path("requirements.txt").write_text("# comment\n\njoblib==1.0\nnumpy  \n")
    pip = Environment.from_pip_requirements("p", "requirements.txt", pip_version="20.1").python
    assert pip.conda_dependencies is not None
    assert list(pip.conda_dependencies.pip_packages) == ["joblib==1.0", "numpy"]
    assert "pip=20.1" in list(pip.conda_dependencies.conda_packages)
    with pytest.raises(FileNotFoundError):
        Environment.from_conda_specification("c", "none.yml")


def test_environments_come_from_images() -> None:
    registry = ContainerRegistry()
    registry.address = "registry.example"
    plain = Environment.from_docker_image("i", "image:1", registry)
    assert plain.docker.base_image == "image:1"
    assert plain.docker.base_image_registry.address == "registry.example"
    assert plain.python.user_managed_dependencies
    Path("requirements.txt").write_text("joblib\n")
    packed = Environment.from_docker_image("i", "image:1", pip_requirements="requirements.txt")
    assert not packed.python.user_managed_dependencies
    with pytest.raises(UserErrorException, match="not both"):
        Environment.from_docker_image("i", "image", None, "a.yml", "b.txt")


def test_environments_come_from_dockerfiles() -> None:
    Path("Dockerfile").write_text("FROM a\nRUN b\n")
    assert Environment.from_dockerfile("d", "Dockerfile").docker.base_dockerfile == "FROM a\nRUN b\n"
    text = Environment.from_dockerfile("d", "FROM c\nRUN d")
    assert text.docker.base_dockerfile == "FROM c\nRUN d"
    assert text.docker.base_image is None
    context = DockerBuildContext.from_local_directory(None, ".")
    made = Environment.from_docker_build_context("b", context)
    assert made.docker.build_context is context
    with pytest.raises(UserErrorException, match="Other"):
        DockerBuildContext.from_local_directory(None, ".", "Other")


def test_an_unknown_conda_environment_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path.cwd()))
    assert Environment.from_existing_conda_environment("e", "unknown") is None


def test_an_existing_conda_environment_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    conda = Path("conda")
    conda.write_text(
        "#!/bin/sh\nprintf 'name: x\\nprefix: /p\\ndependencies:\\n- python=3.9\\n- pip:\\n  - joblib\\n'\n"
    )
    conda.chmod(0o755)
    monkeypatch.setenv("PATH", f"{Path.cwd()}:/bin:/usr/bin")
    made = Environment.from_existing_conda_environment("e", "x")
    assert made is not None
    assert made.python.conda_dependencies is not None
    assert made.python.conda_dependencies.as_dict() == {
        "name": "x",
        "dependencies": ["python=3.9", {"pip": ["joblib"]}],
        "channels": [],
    }


def test_a_folder_keeps_an_environment() -> None:
    environment = Environment.from_dockerfile("e", "FROM a\nRUN b\n")
    environment.environment_variables = {"A": "1"}
    environment.inferencing_stack_version = "latest"
    environment.save_to_directory("saved")
    assert sorted(path.name for path in Path("saved").iterdir()) == [
        "BaseDockerfile",
        "azureml_environment.json",
        "conda_dependencies.yml",
    ]
    with pytest.raises(FileExistsError):
        environment.save_to_directory("saved")
    environment.save_to_directory("saved", overwrite=True)
    assert repr(Environment.load_from_directory("saved")) == repr(environment)
    with pytest.raises(FileNotFoundError):
        Environment.load_from_directory("nowhere")


def test_printing_is_the_definition_without_the_password() -> None:
    environment = Environment("e")
    environment.docker.base_image_registry.password = "secret"
    definition = json.loads(repr(environment))
    assert definition["name"] == "e"
    assert definition["python"]["condaDependencies"]["dependencies"][0] == "python=3.8.13"
    assert "secret" not in repr(environment)


def test_a_clone_is_independent() -> None:
    environment = Environment("e")
    environment.version = "3"
    twin = environment.clone("f")
    assert (twin.name, twin.version) == ("f", None)
    assert twin.python.conda_dependencies is not None
    twin.python.conda_dependencies.add_pip_package("joblib")
    assert environment.python.conda_dependencies is not None
    assert "joblib" not in list(environment.python.conda_dependencies.pip_packages)


def test_registering_gives_versions_as_texts(ws: Workspace) -> None:
    environment = Environment("myenv")
    environment.environment_variables = {"A": "1"}
    environment.docker.base_image = "image:1"
    registered = environment.register(workspace=ws)
    assert (registered.version, environment.version) == ("1", None)
    assert environment.register(ws).version == "1"
    environment.environment_variables["A"] = "2"
    assert environment.register(ws).version == "2"
    found = Environment.get(workspace=ws, name="myenv", version="1")
    assert found.environment_variables == {"A": "1"}
    assert found.docker.base_image == "image:1"
    assert Environment.get(ws, "myenv").version == "2"
    assert Environment.get(ws, "myenv", version=1).version == "1"  # type: ignore[arg-type]
    assert {name: one.version for name, one in Environment.list(ws).items()} == {"myenv": "2"}
    assert list(ws.environments) == ["myenv"]
    assert EnvironmentReference("myenv", "1").get_environment(ws).version == "1"


def test_unknown_environments_raise(ws: Workspace) -> None:
    with pytest.raises(UserErrorException, match="myenv"):
        Environment.get(ws, "myenv")
    with pytest.raises(UserErrorException, match="not both"):
        Environment.get(ws, "myenv", "1", "latest")
    with pytest.raises(WebserviceException, match="AzureML"):
        Environment("AzureML-mine").register(ws)


def test_what_is_not_built_says_what_to_do(ws: Workspace) -> None:
    environment = Environment("e")
    for call in (
        lambda: environment.get_image_details(ws),
        lambda: Environment.label(ws, "e", "1", ["x"]),
        lambda: Environment.get(ws, "e", label="mine"),
    ):
        with pytest.raises(NotYetAvailable):
            call()


def test_image_details_are_a_dictionary_with_properties() -> None:
    details = DockerImageDetails(imageExistsInRegistry=True, dockerImage={"name": "a"})
    assert (details.image_exist, details.repository, details.dockerfile) == (True, "a", None)


def test_ready_made_environments_become_definitions(
    ws: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Environment.get(ws, "AzureML-sklearn-0.24-ubuntu18.04-py37-cpu-inference")
    assert found.python.conda_dependencies is not None
    assert found.python.conda_dependencies.get_python_version() == "3.7"
    assert list(found.python.conda_dependencies.pip_packages) == ["scikit-learn==0.24.*"]
    assert "python=3.7, scikit-learn==0.24.*" in capsys.readouterr().out
    mine = found.clone("mine")
    assert mine.register(ws).version == "1"
    with pytest.raises(UserErrorException):
        Environment.get(ws, "AzureML-Unknown-1")


def make_wheel(folder: Path) -> Path:
    """Write a wheel of a package ``boat`` with nothing in it but its version."""
    folder.mkdir(exist_ok=True)
    wheel, info = folder / "boat-1.0-py3-none-any.whl", "boat-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("boat.py", "__version__ = '1.0'\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: boat\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def test_a_private_wheel_is_built_into_an_environment(
    ws: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = make_wheel(tmp_path / "wheels")
    address = Environment.add_private_pip_wheel(workspace=ws, file_path=str(wheel))
    assert address.endswith("/boat-1.0-py3-none-any.whl")
    with pytest.raises(WebserviceException, match="exist_ok=True"):
        Environment.add_private_pip_wheel(ws, str(wheel))
    assert Environment.add_private_pip_wheel(ws, str(wheel), exist_ok=True) == address
    with pytest.raises(WebserviceException, match="does not exist"):
        Environment.add_private_pip_wheel(ws, "none-1.0-py3-none-any.whl")

    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    environment = Environment("sea")
    environment.python.conda_dependencies = CondaDependencies.create(
        pip_packages=[address], python_version=python
    )
    environment.python.conda_dependencies.set_pip_option("--no-index")
    build = environment.build(workspace=ws)
    build.wait_for_completion(show_output=True)
    assert build.status == "Succeeded"
    assert "Environment build Succeeded" in capsys.readouterr().out
    folder = Path(build.get_log().splitlines()[-1].removeprefix("sea is in "))
    asked = [str(folder / "bin" / "python"), "-c", "import boat; print(boat.__version__)"]
    assert subprocess.run(asked, check=True, capture_output=True, text=True).stdout == "1.0\n"
    environment.build_local(ws)
    assert f"sea is in {folder}" in capsys.readouterr().out

    environment.python.conda_dependencies.add_pip_package("boat==9")
    with pytest.raises(WebserviceException, match="no package named boat is in the package index"):
        environment.build(ws)
    environment.python.user_managed_dependencies = True
    assert "nothing is built" in environment.build(ws).get_log()
