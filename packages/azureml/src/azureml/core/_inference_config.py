"""``InferenceConfig``: the entry script and what it needs."""

import ast
import warnings
from pathlib import Path
from typing import Any

from azureml.core.container_registry import ContainerRegistry
from azureml.core.environment import Environment
from azureml.exceptions import UserErrorException, WebserviceException
from moorage.deployments import InferenceConfig as Record

__all__ = ["InferenceConfig"]

_RUNTIMES = ("python", "spark-py")
_CUDA_VERSIONS = ("9.0", "9.1", "10.0")


class InferenceConfig:
    """Every parameter is an attribute of the same name; ``source_directory`` is kept absolute.

    Two forms: with ``environment``, or the older one with ``runtime`` and ``conda_file``. Without either the
    service runs in the Python that deploys it.

    Raises:
        WebserviceException: a file is missing, or the two forms are mixed.
        UserErrorException: the entry script is not valid Python; the text has file and line.
    """

    def __init__(
        self,
        entry_script: str,
        runtime: str | None = None,
        conda_file: str | None = None,
        extra_docker_file_steps: str | None = None,
        source_directory: str | None = None,
        enable_gpu: bool | None = None,
        description: str | None = None,
        base_image: str | None = None,
        base_image_registry: ContainerRegistry | None = None,
        cuda_version: str | None = None,
        environment: Environment | None = None,
    ) -> None:
        self.entry_script = entry_script
        self.runtime = runtime
        self.conda_file = conda_file
        self.extra_docker_file_steps = extra_docker_file_steps
        self.source_directory = None if source_directory is None else str(Path(source_directory).absolute())
        self.enable_gpu = enable_gpu
        self.description = description
        self.base_image = base_image
        self.base_image_registry = base_image_registry or ContainerRegistry()
        self.cuda_version = cuda_version
        self.environment = environment
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """Raise if the configuration cannot work, as the constructor does."""
        if self.environment is not None:
            self._refuse_older_form()
        if self.source_directory is not None and not Path(self.source_directory).is_dir():
            raise WebserviceException(f"source_directory: the folder {self.source_directory} does not exist")
        self._check_entry_script()
        if self.runtime is not None and self.runtime.lower() not in _RUNTIMES:
            raise WebserviceException(f"runtime: {self.runtime!r} is none of {', '.join(_RUNTIMES)}")
        if self.cuda_version is not None and self.cuda_version not in _CUDA_VERSIONS:
            raise WebserviceException(
                f"cuda_version: {self.cuda_version!r} is none of {', '.join(_CUDA_VERSIONS)}"
            )
        for name in ("conda_file", "extra_docker_file_steps"):
            value = getattr(self, name)
            if value is not None and not self.path_of(value).is_file():
                raise WebserviceException(f"{name}: the file {self.path_of(value)} does not exist")

    def validation_script_content(self) -> None:
        """Raise UserErrorException with file and line if the entry script is not valid Python."""
        path = self.path_of(self.entry_script)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the script's own affair: it prints them when it runs
                ast.parse(path.read_bytes(), filename=str(path))
        except SyntaxError as error:
            text = f"the entry script has a syntax error: {path}, line {error.lineno}: {error.msg}"
            raise UserErrorException(text, inner_exception=error) from error
        except ValueError as error:  # a zero byte, before Python 3.12
            raise UserErrorException(f"{path} is not Python text: {error}", inner_exception=error) from error

    def path_of(self, name: str) -> Path:
        """Return where a file is: below ``source_directory``, else below the current folder."""
        return Path(self.source_directory or ".") / name

    def as_record(self) -> Record:
        """Return the control plane's form; raises what it says of impossible values."""
        environment = None if self.environment is None else self.environment.as_record()
        registry = self.base_image_registry
        return Record(
            entry_script=self.entry_script,
            source_directory=self.source_directory,
            environment=environment,
            conda_file=self.conda_file,
            runtime=self.runtime,
            extra_docker_file_steps=self.extra_docker_file_steps,
            enable_gpu=bool(self.enable_gpu),
            cuda_version=self.cuda_version,
            base_image=self.base_image,
            base_image_registry=registry.address,
            base_image_credentials=(registry.username, registry.password)
            if registry.username and registry.password
            else None,
            description=self.description,
        )

    def build_create_payload(self, workspace: Any, name: str, model_ids: list[str]) -> dict[str, Any]:
        """Return the request that describes a service with this configuration."""
        environment = None if self.environment is None else self.environment.as_document()
        return {
            "name": name,
            "description": self.description,
            "environmentImageRequest": {
                "driverProgram": self.entry_script,
                "modelIds": list(model_ids),
                "environment": environment,
            },
        }

    def build_profile_payload(
        self,
        profile_name: str,
        input_data: Any = None,
        workspace: Any = None,
        models: Any = None,
        dataset_id: str | None = None,
        container_resource_requirements: Any = None,
        description: str | None = None,
    ) -> dict[str, Any]:
        """Return the request that describes a profiling run with this configuration."""
        ids = [model.id for model in models or ()]
        return {
            **self.build_create_payload(workspace, profile_name, ids),
            "inputData": input_data,
            "inputDatasetId": dataset_id,
            "description": description,
        }

    def _refuse_older_form(self) -> None:
        if not isinstance(self.environment, Environment):
            raise WebserviceException(
                f"environment: an Environment is expected, not {self.environment!r}; "
                "Environment.get(workspace, name) returns a registered one"
            )
        names = (
            "runtime",
            "conda_file",
            "extra_docker_file_steps",
            "enable_gpu",
            "cuda_version",
            "base_image",
        )
        mixed = [name for name in names if getattr(self, name)]
        if mixed:
            raise WebserviceException(
                f"environment already says what {', '.join(mixed)} would say; leave one of them out"
            )

    def _check_entry_script(self) -> None:
        if not self.entry_script:
            raise WebserviceException("entry_script: the file with init() and run() must be given")
        path = self.path_of(self.entry_script)
        if not path.is_file():
            raise WebserviceException(f"entry_script: the file {path} does not exist")
        if path.suffix != ".py":
            raise WebserviceException(f"entry_script: {path} is not a Python file (.py)")
        self.validation_script_content()

    def __repr__(self) -> str:
        names = (
            "entry_script",
            "runtime",
            "conda_file",
            "extra_docker_file_steps",
            "source_directory",
            "enable_gpu",
            "base_image",
            "base_image_registry",
        )
        return f"InferenceConfig({', '.join(f'{name}={getattr(self, name)}' for name in names)})"
