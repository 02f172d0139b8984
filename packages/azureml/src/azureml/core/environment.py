"""``Environment``: which Python, packages and image an entry script runs with."""

import copy
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import yaml

from azureml._errors import as_old_exceptions
from azureml.core import _environment_document as parts
from azureml.core import _images
from azureml.core._images import DockerImageDetails, ImageBuildDetails
from azureml.core._sections import (
    DEFAULT_CPU_IMAGE,
    DEFAULT_GPU_IMAGE,
    DatabricksSection,
    DockerBuildContext,
    DockerImagePlatform,
    DockerSection,
    PythonSection,
    RSection,
    Section,
    SparkPackage,
    SparkSection,
)
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.container_registry import ContainerRegistry
from azureml.exceptions import NotYetAvailable, UserErrorException
from moorage import environments
from moorage.environments import wheels
from moorage.environments.curated import curated_environment

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "DatabricksSection",
    "DockerBuildContext",
    "DockerImageDetails",
    "DockerImagePlatform",
    "DockerSection",
    "Environment",
    "EnvironmentReference",
    "ImageBuildDetails",
    "PythonSection",
    "RSection",
    "SparkPackage",
    "SparkSection",
]

_DEFINITION_FILE = "azureml_environment.json"
_CONDA_FILE = "conda_dependencies.yml"
_DOCKERFILE = "BaseDockerfile"
_IMAGES = "Services run without an image, in the Python that deploys them."


class Environment(Section):
    """A definition; ``register`` keeps it in a workspace under its name, with versions that are texts."""

    _names: ClassVar[frozenset[str]] = frozenset(
        {
            "asset_id",
            "databricks",
            "docker",
            "environment_variables",
            "inferencing_stack_version",
            "name",
            "python",
            "r",
            "spark",
            "version",
        }
    )
    name: str | None
    version: str | None
    asset_id: str | None
    python: PythonSection
    docker: DockerSection
    spark: SparkSection
    databricks: DatabricksSection
    r: RSection | None
    inferencing_stack_version: str | None

    def __init__(self, name: str | None, **kwargs: Any) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name: a text is expected, not {name!r}")
        self.name, self.version, self.asset_id = name, None, None
        self.python, self.docker, self.spark = PythonSection(), DockerSection(), SparkSection()
        self.databricks, self.r = DatabricksSection(), None
        self.inferencing_stack_version = None
        self._environment_variables: dict[str, str] = {}
        super().__init__(**kwargs)

    @property
    def environment_variables(self) -> dict[str, str]:
        """Variables that the entry script sees."""
        return self._environment_variables

    @environment_variables.setter
    def environment_variables(self, value: Mapping[str, str] | None) -> None:
        self._environment_variables = dict(value or {})

    # --- the registry ---

    @staticmethod
    @as_old_exceptions()
    def get(workspace: Any, name: str, version: str | None = None, label: str | None = None) -> "Environment":
        """Return a registered environment; without ``version`` the newest one.

        The name of a ready-made environment of Azure ML gives a definition with the same main packages, and
        a printed line says so.

        Raises:
            UserErrorException: it is not registered, or both ``version`` and ``label`` are given.
        """
        if version is not None and label is not None:
            raise UserErrorException("give a version or a label, not both")
        if label is not None and label.lower() != "latest":
            raise NotYetAvailable(f"The label {label!r} of an environment", "Name the version instead.")
        curated = curated_environment(name)
        if curated is not None:
            packages = ", ".join([*(curated.conda.packages if curated.conda else ()), *curated.requirements])
            print(
                f"{name} was an image of Azure ML; here it is a definition with {packages or 'no packages'}"
            )
            return Environment.from_document(curated.to_document())
        found = environments.get(workspace._moorage, name, None if version is None else str(version))
        return Environment.from_document(found.to_document())

    @staticmethod
    @as_old_exceptions()
    def list(workspace: Any) -> "dict[str, Environment]":
        """Return the newest version of each registered environment by name."""
        listed = environments.list_environments(workspace._moorage, latest=True)
        return {one.name: Environment.from_document(one.to_document()) for one in listed}

    @as_old_exceptions()
    def register(self, workspace: Any) -> "Environment":
        """Keep the definition and return it with its version; the same content gets the same version."""
        registered = environments.register(workspace._moorage, self.as_record())
        return Environment.from_document(registered.to_document())

    @staticmethod
    def label(workspace: Any, name: str, version: str, labels: Any) -> None:
        """Not built yet."""
        raise NotYetAvailable("Environment.label()", "Name the version, or leave it out for the newest.")

    # --- making definitions ---

    @staticmethod
    def from_conda_specification(name: str, file_path: str) -> "Environment":
        """Take a conda file as it is.

        Raises:
            FileNotFoundError: there is no such file.
            UserErrorException: it is not a conda environment file.
        """
        environment = Environment(name)
        environment.python.conda_dependencies = CondaDependencies(file_path)
        return environment

    @staticmethod
    def from_pip_requirements(name: str, file_path: str, pip_version: str | None = None) -> "Environment":
        """Take a requirements file; comments and empty lines are left out.

        Raises:
            FileNotFoundError: there is no such file.
        """
        environment = Environment(name)
        environment.python.conda_dependencies = _with_requirements(Path(file_path), pip_version)
        return environment

    @staticmethod
    def from_existing_conda_environment(name: str, conda_environment_name: str) -> "Environment | None":
        """Take over what ``conda env export`` says; None when conda or the environment is not there."""
        command = ["conda", "env", "export", "--no-builds", "--name", conda_environment_name]
        try:
            exported = subprocess.run(  # noqa: S603 - a list of words, no shell
                command, capture_output=True, text=True, check=True, timeout=120
            )
        except (OSError, subprocess.SubprocessError) as error:
            print(f"conda environment {conda_environment_name} could not be exported: {error}")
            return None
        document = yaml.safe_load(exported.stdout)
        document.pop("prefix", None)
        environment = Environment(name)
        environment.python.conda_dependencies = CondaDependencies(_underlying_structure=document)
        return environment

    @staticmethod
    def from_docker_image(
        name: str,
        image: str,
        container_registry: ContainerRegistry | None = None,
        conda_specification: str | None = None,
        pip_requirements: str | None = None,
    ) -> "Environment":
        """Start from an image; without a package list the image already has every package."""
        environment = Environment(name)
        environment.docker.base_image = image
        environment.docker.base_image_registry = container_registry or ContainerRegistry()
        _add_packages(environment, conda_specification, pip_requirements)
        return environment

    @staticmethod
    def from_dockerfile(
        name: str,
        dockerfile: str,
        conda_specification: str | None = None,
        pip_requirements: str | None = None,
    ) -> "Environment":
        """Start from a Dockerfile: its path, or its text."""
        environment = Environment(name)
        is_path = "\n" not in dockerfile and Path(dockerfile).is_file()
        environment.docker.base_dockerfile = (
            Path(dockerfile).read_text(encoding="utf-8") if is_path else dockerfile
        )
        _add_packages(environment, conda_specification, pip_requirements)
        return environment

    @staticmethod
    def from_docker_build_context(name: str, docker_build_context: DockerBuildContext) -> "Environment":
        """Start from the files of an image build."""
        environment = Environment(name)
        environment.docker.build_context = docker_build_context
        environment.python.user_managed_dependencies = True
        return environment

    def clone(self, new_name: str) -> "Environment":
        """Return an unregistered copy under another name."""
        twin = copy.deepcopy(self)
        twin.name, twin.version, twin.asset_id = new_name, None, None
        return twin

    # --- documents and folders ---

    def as_document(self) -> dict[str, Any]:
        """Return the JSON definition."""
        return {
            "name": self.name,
            "version": self.version,
            "assetId": self.asset_id,
            "environmentVariables": dict(self.environment_variables),
            "python": parts.python_of(self.python),
            "docker": parts.docker_of(self.docker),
            "spark": parts.spark_of(self.spark),
            "inferencingStackVersion": self.inferencing_stack_version,
        }

    def as_record(self) -> environments.Environment:
        """Return the control plane's form; raises what it says of impossible values."""
        document = self.as_document()
        if self.docker.shm_size == DockerSection().shm_size:
            document["docker"]["shmSize"] = None  # the default is nothing that was asked for
        return environments.Environment.from_document(document)

    @staticmethod
    def from_document(document: Mapping[str, Any]) -> "Environment":
        """Read a JSON definition; what is missing has the default of a new environment."""
        environment = Environment(document.get("name"))
        version = document.get("version")
        environment.version = None if version is None else str(version)
        environment.asset_id = document.get("assetId")
        environment.environment_variables = document.get("environmentVariables")
        environment.python = parts.python_section(document.get("python") or {})
        environment.docker = parts.docker_section(document.get("docker") or {})
        environment.spark = parts.spark_section(document.get("spark") or {})
        environment.inferencing_stack_version = document.get("inferencingStackVersion")
        return environment

    def save_to_directory(self, path: str, overwrite: bool = False) -> None:
        """Write the definition, the conda file and the Dockerfile if there is one.

        Raises:
            FileExistsError: the folder is there and ``overwrite`` is False.
        """
        folder = Path(path)
        if folder.exists() and not overwrite:
            raise FileExistsError(f"{folder} is there already; overwrite=True writes into it")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _DEFINITION_FILE).write_text(repr(self) + "\n", encoding="utf-8")
        if self.python.conda_dependencies is not None:
            self.python.conda_dependencies.save(str(folder / _CONDA_FILE))
        if self.docker.base_dockerfile:
            (folder / _DOCKERFILE).write_text(self.docker.base_dockerfile, encoding="utf-8")

    @staticmethod
    def load_from_directory(path: str) -> "Environment":
        """Read what ``save_to_directory`` wrote; the conda file and the Dockerfile win over the definition.

        Raises:
            FileNotFoundError: the folder has no definition.
        """
        folder = Path(path)
        environment = Environment.from_document(
            json.loads((folder / _DEFINITION_FILE).read_text(encoding="utf-8"))
        )
        if (folder / _CONDA_FILE).is_file():
            environment.python.conda_dependencies = CondaDependencies(str(folder / _CONDA_FILE))
        if (folder / _DOCKERFILE).is_file():
            environment.docker.base_dockerfile = (folder / _DOCKERFILE).read_text(encoding="utf-8")
        return environment

    # --- images ---

    def build(self, workspace: Any, image_build_compute: Any = None) -> ImageBuildDetails:
        """Build the Python environment of the definition, as the first deployment that needs it would.

        Returns when that is done. There is no image; with ``user_managed_dependencies`` nothing to build.

        Raises:
            WebserviceException: what is asked for cannot be had, or does not build.
        """
        return _images.build(self, _say_nothing)

    def build_local(self, workspace: Any, platform: Any = None, **kwargs: Any) -> Any:
        """Build as `build` does, and print the steps."""
        return _images.build(self, print)

    def get_image_details(self, workspace: Any) -> DockerImageDetails:
        """Not built yet."""
        raise NotYetAvailable("Environment.get_image_details()", _IMAGES)

    @staticmethod
    @as_old_exceptions()
    def add_private_pip_wheel(workspace: Any, file_path: str, exist_ok: bool = False) -> str:
        """Keep a wheel in the workspace and return its address, for ``add_pip_package``.

        Raises:
            WebserviceException: no such file, no wheel, or one of that name is there already.
        """
        return wheels.keep_wheel(workspace._moorage, Path(file_path).expanduser(), exist_ok=exist_ok)

    def __repr__(self) -> str:
        document = self.as_document()
        # A definition is printed and saved: the registry's password does not belong there.
        document["docker"]["baseImageRegistry"]["password"] = None
        return json.dumps(document, indent=4)


class EnvironmentReference:
    """A registered environment by name; None: the newest version."""

    def __init__(self, name: str, version: str | None = None) -> None:
        self.name, self.version = name, version

    def get_environment(self, workspace: Any) -> Environment:
        """Look it up."""
        return Environment.get(workspace, self.name, self.version)


def _with_requirements(path: Path, pip_version: str | None = None) -> CondaDependencies:
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    dependencies = CondaDependencies()
    dependencies.add_conda_package("pip" if pip_version is None else f"pip={pip_version}")
    dependencies.set_pip_requirements([line for line in lines if line and not line.startswith("#")])
    return dependencies


def _add_packages(environment: Environment, conda_file: str | None, requirements: str | None) -> None:
    if conda_file is not None and requirements is not None:
        raise UserErrorException("give conda_specification or pip_requirements, not both")
    if conda_file is not None:
        environment.python.conda_dependencies = CondaDependencies(conda_file)
    elif requirements is not None:
        environment.python.conda_dependencies = _with_requirements(Path(requirements))
    else:
        environment.python.user_managed_dependencies = True


def _say_nothing(line: str) -> None:
    return
