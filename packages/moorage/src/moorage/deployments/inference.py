"""What runs inside a service: entry script, source folder, environment."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from moorage.environments import CondaSpecification, Environment, read_conda_file
from moorage.errors import InvalidConfiguration

RUNTIMES = ("python", "spark-py", "python-slim")
CUDA_VERSIONS = ("9.0", "9.1", "10.0")
_OLDER_FORM = (
    "runtime",
    "conda_file",
    "extra_docker_file_steps",
    "enable_gpu",
    "cuda_version",
    "base_image",
    "base_image_registry",
    "base_image_credentials",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceConfig:
    """Two forms: with ``environment``, or the older one with ``conda_file`` and the fields after it.

    ``source_directory`` counts from the current folder; ``entry_script``, ``conda_file`` and
    ``extra_docker_file_steps`` count from ``source_directory`` where it is given. Without ``environment`` and
    ``conda_file`` the script runs in the Python that deploys it. ``base_image_credentials`` are user name and
    password for the registry of ``base_image``; they are never written down.

    Raises:
        InvalidConfiguration: both forms are mixed, or a value is not possible.
    """

    entry_script: str | Path
    source_directory: str | Path | None = None
    environment: Environment | None = None
    conda_file: str | Path | None = None
    runtime: str | None = None
    extra_docker_file_steps: str | Path | None = None
    enable_gpu: bool = False
    cuda_version: str | None = None
    base_image: str | None = None
    base_image_registry: str | None = None
    base_image_credentials: tuple[str, str] | None = field(default=None, repr=False)
    description: str | None = None

    def __post_init__(self) -> None:
        if not str(self.entry_script):
            raise InvalidConfiguration("entry_script is empty; name the file with init() and run()")
        mixed = [name for name in _OLDER_FORM if getattr(self, name)]
        if self.environment is not None and mixed:
            raise InvalidConfiguration(
                f"environment already says what {', '.join(mixed)} would say; leave one of them out"
            )
        if self.runtime is not None and self.runtime.lower() not in RUNTIMES:
            raise InvalidConfiguration(f"runtime {self.runtime!r} is none of {', '.join(RUNTIMES)}")
        if self.cuda_version is not None and self.cuda_version not in CUDA_VERSIONS:
            raise InvalidConfiguration(
                f"cuda_version {self.cuda_version!r} is none of {', '.join(CUDA_VERSIONS)}"
            )

    @property
    def source_path(self) -> Path | None:
        """Absolute path of the source folder."""
        return None if self.source_directory is None else _absolute(self.source_directory)

    @property
    def entry_path(self) -> Path:
        """Absolute path of the entry script."""
        return self.path_of(self.entry_script)

    def path_of(self, name: str | Path) -> Path:
        """Return the absolute path of a file of this configuration."""
        return _absolute((self.source_path or Path()) / name)

    def absolute(self) -> "InferenceConfig":
        """Return the same configuration with paths that do not depend on the current folder."""
        steps = self.extra_docker_file_steps
        return replace(
            self,
            entry_script=str(self.entry_path),
            source_directory=None if self.source_path is None else str(self.source_path),
            conda_file=None if self.conda_file is None else str(self.path_of(self.conda_file)),
            extra_docker_file_steps=None if steps is None else str(self.path_of(steps)),
        )

    def conda(self) -> CondaSpecification | None:
        """Return the packages asked for, reading ``conda_file`` if that names them.

        Raises:
            InvalidConfiguration: the conda file is missing or wrong.
        """
        if self.environment is not None:
            return self.environment.conda
        return None if self.conda_file is None else read_conda_file(self.path_of(self.conda_file))


def _absolute(path: str | Path) -> Path:
    # Not resolve(): what a link is called is what the user calls it.
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100
