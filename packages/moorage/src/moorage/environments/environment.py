"""What a script needs around it: interpreter, packages, variables, image."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from moorage.environments.conda import CondaSpecification
from moorage.errors import InvalidConfiguration, InvalidName

NAME_RULE = (
    "1 to 255 letters, digits, '-', '_', '.' and ' ', the first one a letter or digit; "
    "names that begin with Microsoft or AzureML are reserved"
)


@dataclass(frozen=True, slots=True)
class DockerSpecification:
    """The image part. ``registry_password`` is a secret and is never stored.

    ``build_context`` is a folder (an address is of no use here) and the name of a Dockerfile in it.
    """

    base_image: str | None = None
    base_dockerfile: str | None = None
    registry_address: str | None = None
    registry_username: str | None = None
    registry_password: str | None = field(default=None, repr=False)
    arguments: tuple[str, ...] = ()
    shm_size: str | None = None
    build_context: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment definition.

    ``version`` is given by :func:`register`. With ``user_managed`` nothing is installed and ``interpreter``
    runs the script as it is. ``pip_requirements`` are lines of a requirements file; a conda definition has
    its own. ``extras`` keeps sections that Moorage does not use, so that old files survive a round trip.
    """

    name: str
    version: str | None = None
    conda: CondaSpecification | None = None
    pip_requirements: tuple[str, ...] = ()
    interpreter: Path | None = None
    user_managed: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    docker: DockerSpecification | None = None
    inferencing_stack_version: str | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.name if self.version is None else f"{self.name}:{self.version}"

    @property
    def requirements(self) -> tuple[str, ...]:
        """All lines that pip would be given, from the conda definition and beside it."""
        return (*(self.conda.pip if self.conda else ()), *self.pip_requirements)

    def without_secrets(self) -> "Environment":
        """Return the definition as it may be written down."""
        if self.docker is None or self.docker.registry_password is None:
            return self
        return replace(self, docker=replace(self.docker, registry_password=None))

    def to_document(self) -> dict[str, Any]:
        """Return the JSON form of inference configuration files and ``azureml_environment.json``."""
        docker = self.docker or DockerSpecification()
        return {
            **self.extras,
            "name": self.name,
            "version": self.version,
            "environmentVariables": dict(self.variables),
            "python": {
                "userManagedDependencies": self.user_managed,
                "interpreterPath": "python" if self.interpreter is None else str(self.interpreter),
                "condaDependencies": self.conda.to_document() if self.conda else None,
                **({"pipRequirements": list(self.pip_requirements)} if self.pip_requirements else {}),
            },
            "docker": {
                "baseImage": docker.base_image,
                "baseDockerfile": docker.base_dockerfile,
                "baseImageRegistry": {
                    "address": docker.registry_address,
                    "username": docker.registry_username,
                    "password": docker.registry_password,
                },
                "arguments": list(docker.arguments),
                "shmSize": docker.shm_size,
                **_build_context(docker),
            },
            "inferencingStackVersion": self.inferencing_stack_version,
        }

    @classmethod
    def from_document(
        cls, document: Mapping[str, Any], *, where: str = "environment", base: Path | None = None
    ) -> "Environment":
        """Read the JSON form; a relative ``condaDependenciesFile`` counts from ``base``.

        Raises:
            InvalidConfiguration: a value has the wrong form; the text names ``where`` and the key.
        """
        from moorage.environments.document import read_document

        return read_document(document, where, base)


def _build_context(docker: DockerSpecification) -> dict[str, Any]:
    if docker.build_context is None:
        return {}
    location, file = docker.build_context
    return {"buildContext": {"location": location, "dockerfilePath": file}}


def check_environment_name(name: object) -> str:
    """Return the name; raises `InvalidName` if it breaks `NAME_RULE`."""
    pattern = r"(?!Microsoft|AzureML)[A-Za-z0-9][A-Za-z0-9 ._-]{0,254}"
    if not isinstance(name, str) or re.fullmatch(pattern, name) is None:
        raise InvalidName("environment", name, NAME_RULE)
    return name


def check_variables(variables: Mapping[str, str], where: str = "environment variables") -> None:
    """Refuse what no operating system can set.

    Raises:
        InvalidConfiguration: an empty name, a name with "=", or a NUL character.
    """
    for name, value in variables.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise InvalidConfiguration(f"{where}: {name!r} cannot be an environment variable")
