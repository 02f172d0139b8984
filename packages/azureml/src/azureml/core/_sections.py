"""The parts of an ``Environment``: Python, Docker, Spark, R and Databricks.

Every part knows its attributes: a misspelt one is an AttributeError instead of a setting that nobody reads.
"""

from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.container_registry import ContainerRegistry
from azureml.exceptions import UserErrorException

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "DatabricksSection",
    "DockerBuildContext",
    "DockerImagePlatform",
    "DockerSection",
    "PythonSection",
    "RSection",
    "Section",
    "SparkPackage",
    "SparkSection",
]

# Stand for "the base image of the target": no image of that name is ever pulled.
DEFAULT_CPU_IMAGE = "moorage/default-cpu"
DEFAULT_GPU_IMAGE = "moorage/default-gpu"


class Section:
    """An object whose attributes are fixed by ``_names``; a leading underscore is our own."""

    _names: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, **kwargs: Any) -> None:
        for name, value in kwargs.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and name not in self._names:
            known = ", ".join(sorted(self._names))
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}; it has {known}")
        object.__setattr__(self, name, value)


class PythonSection(Section):
    """Which packages, or that they are the user's business (``user_managed_dependencies``)."""

    _names = frozenset(
        {
            "conda_dependencies",
            "conda_dependencies_file",
            "interpreter_path",
            "user_managed_dependencies",
            "base_conda_environment",
        }
    )
    interpreter_path: str
    user_managed_dependencies: bool
    conda_dependencies: CondaDependencies | None
    base_conda_environment: str | None

    def __init__(self, **kwargs: Any) -> None:
        self.interpreter_path = "python"
        self.user_managed_dependencies = False
        self.conda_dependencies = CondaDependencies()
        self.base_conda_environment = None
        self._conda_dependencies_file: str | None = None
        super().__init__(**kwargs)

    @property
    def conda_dependencies_file(self) -> str | None:
        """Deprecated: a path; the file is read when it is set."""
        return self._conda_dependencies_file

    @conda_dependencies_file.setter
    def conda_dependencies_file(self, value: str | None) -> None:
        self._conda_dependencies_file = value
        if value is not None:
            self.conda_dependencies = CondaDependencies(value)


class DockerImagePlatform(Section):
    """The platform that images are built for."""

    _names = frozenset({"os", "architecture"})
    os: str
    architecture: str

    def __init__(self) -> None:
        super().__init__()
        self.os, self.architecture = "Linux", "amd64"


class DockerBuildContext:
    """Where the files of an image build are."""

    class LocationType(Enum):
        """What ``location`` is."""

        Git = "git"
        StorageAccount = "storageAccount"

    def __init__(
        self,
        location_type: "DockerBuildContext.LocationType | None" = None,
        location: str | None = None,
        dockerfile_path: str = "Dockerfile",
    ) -> None:
        self.location_type, self.location = location_type, location
        self.dockerfile_path = dockerfile_path

    @staticmethod
    def from_local_directory(
        workspace: Any, path: str, dockerfile_path: str = "Dockerfile"
    ) -> "DockerBuildContext":
        """Describe a folder on this machine; it is read when the image is built.

        Raises:
            UserErrorException: the folder has no such Dockerfile.
        """
        if not (Path(path) / dockerfile_path).is_file():
            raise UserErrorException(f"the folder {path} has no file {dockerfile_path}")
        return DockerBuildContext(None, str(Path(path).resolve()), dockerfile_path)


class DockerSection(Section):
    """The image: a base image, a Dockerfile or a build context, one of the three."""

    _names = frozenset(
        {
            "arguments",
            "base_dockerfile",
            "base_image",
            "base_image_registry",
            "build_context",
            "enabled",
            "gpu_support",
            "platform",
            "shared_volumes",
            "shm_size",
        }
    )
    base_image_registry: ContainerRegistry
    platform: DockerImagePlatform

    def __init__(self, **kwargs: Any) -> None:
        self._base_image: str | None = DEFAULT_CPU_IMAGE
        self._base_dockerfile: str | None = None
        self._build_context: DockerBuildContext | None = None
        self._enabled, self._shared_volumes, self._gpu_support = False, True, True
        self._shm_size: str | None = "2g"
        self._arguments: list[str] = []
        self.base_image_registry = ContainerRegistry()
        self.platform = DockerImagePlatform()
        super().__init__(**kwargs)

    @property
    def base_image(self) -> str | None:
        """An image reference; None when a Dockerfile or a build context is used."""
        return self._base_image

    @base_image.setter
    def base_image(self, value: str | None) -> None:
        self._base_image = value
        if value is not None:
            self._base_dockerfile, self._build_context = None, None

    @property
    def base_dockerfile(self) -> str | None:
        """The text of a Dockerfile. Setting it takes the place of the base image."""
        return self._base_dockerfile

    @base_dockerfile.setter
    def base_dockerfile(self, value: str | None) -> None:
        self._base_dockerfile = value
        if value is not None:
            self._base_image, self._build_context = None, None

    @property
    def build_context(self) -> DockerBuildContext | None:
        """Files of an image build. Setting it takes the place of the base image."""
        return self._build_context

    @build_context.setter
    def build_context(self, value: DockerBuildContext | None) -> None:
        self._build_context = value
        if value is not None:
            self._base_image, self._base_dockerfile = None, None

    @property
    def enabled(self) -> bool:
        """Deprecated; the target of a deployment decides whether there is a container."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._enabled = value

    @property
    def shared_volumes(self) -> bool:
        """Kept for old code; no effect on services."""
        return self._shared_volumes

    @shared_volumes.setter
    def shared_volumes(self, value: bool) -> None:
        self._shared_volumes = value

    @property
    def gpu_support(self) -> bool:
        """Deprecated; no effect."""
        return self._gpu_support

    @gpu_support.setter
    def gpu_support(self, value: bool) -> None:
        self._gpu_support = value

    @property
    def shm_size(self) -> str | None:
        """Shared memory of the container with a unit letter, such as ``2g``."""
        return self._shm_size

    @shm_size.setter
    def shm_size(self, value: str | None) -> None:
        self._shm_size = value

    @property
    def arguments(self) -> list[str]:
        """Further arguments for starting the container."""
        return self._arguments

    @arguments.setter
    def arguments(self, value: list[str]) -> None:
        self._arguments = value


class SparkPackage:
    """The coordinates of a Spark package."""

    def __init__(
        self, group: str | None = None, artifact: str | None = None, version: str | None = None
    ) -> None:
        self.group, self.artifact, self.version = group, artifact, version


class SparkSection(Section):
    """Spark packages; kept for old code."""

    _names = frozenset({"packages", "precache_packages", "repositories"})
    repositories: list[str]
    packages: list[SparkPackage]
    precache_packages: bool

    def __init__(self, **kwargs: Any) -> None:
        self.repositories, self.packages, self.precache_packages = [], [], True
        super().__init__(**kwargs)


class DatabricksSection(Section):
    """Databricks libraries; not used by deployments."""

    _names = frozenset(
        {"maven_libraries", "pypi_libraries", "rcran_libraries", "jar_libraries", "egg_libraries"}
    )

    def __init__(self, **kwargs: Any) -> None:
        for name in self._names:
            object.__setattr__(self, name, [])
        super().__init__(**kwargs)


class RSection(Section):
    """R packages; kept for old code, services run Python."""

    _names = frozenset(
        {
            "bioconductor_packages",
            "cran_packages",
            "custom_url_packages",
            "github_packages",
            "r_version",
            "rscript_path",
            "snapshot_date",
            "user_managed",
        }
    )
    r_version: str | None
    snapshot_date: str | None
    rscript_path: str | None
    user_managed: bool
    cran_packages: list[Any] | None
    github_packages: list[Any] | None
    custom_url_packages: list[str] | None
    bioconductor_packages: list[str] | None

    def __init__(self) -> None:
        super().__init__()
        self.r_version, self.snapshot_date, self.rscript_path = None, None, None
        self.user_managed = False
        self.cran_packages, self.github_packages = None, None
        self.custom_url_packages, self.bioconductor_packages = None, None
