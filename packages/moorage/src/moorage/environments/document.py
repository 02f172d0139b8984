"""The JSON form of an environment, checked: untrusted values in, a record out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moorage.environments.conda import CondaSpecification, read_conda_file
from moorage.environments.environment import (
    DockerSpecification,
    Environment,
    check_environment_name,
    check_variables,
)
from moorage.errors import InvalidConfiguration, InvalidName

_READ = ("name", "version", "environmentVariables", "python", "docker", "inferencingStackVersion")


def read_document(document: Mapping[str, Any], where: str, base: Path | None) -> Environment:
    """See `Environment.from_document`."""
    if not isinstance(document, Mapping):
        raise InvalidConfiguration(f"{where} must be an object, not {document!r}")
    python = _section(document, "python", where)
    variables = _variables(document.get("environmentVariables"), f"{where}.environmentVariables")
    user_managed = _flag(python, "userManagedDependencies", f"{where}.python")
    interpreter = _text(python, "interpreterPath", f"{where}.python")
    version = document.get("version")
    return Environment(
        name=_name(document.get("name"), where),
        version=None if version is None else str(version),
        conda=_conda(python, f"{where}.python", base),
        pip_requirements=tuple(_list(python, "pipRequirements", f"{where}.python")),
        # "python" is the old default and means "the one that is on the path" of the image.
        interpreter=Path(interpreter) if interpreter and interpreter != "python" else None,
        user_managed=user_managed,
        variables=variables,
        docker=_docker(_section(document, "docker", where), f"{where}.docker"),
        inferencing_stack_version=_text(document, "inferencingStackVersion", where),
        extras={key: value for key, value in document.items() if key not in _READ and value is not None},
    )


def _name(value: object, where: str) -> str:
    try:
        return check_environment_name(value)
    except InvalidName as error:
        raise InvalidConfiguration(f"{where}.name: {error}") from error


def _variables(value: object, where: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidConfiguration(f"{where} must be an object of texts")
    variables = {}
    for name, content in value.items():
        if not isinstance(name, str) or not isinstance(content, (str, int, float)):
            raise InvalidConfiguration(f"{where}.{name} must be a text or a number")
        # As JSON writes it: a script that compares with "true" expects no "True".
        variables[name] = str(content).lower() if isinstance(content, bool) else str(content)
    check_variables(variables, where)
    return variables


def _conda(python: Mapping[str, Any], where: str, base: Path | None) -> CondaSpecification | None:
    inline = python.get("condaDependencies")
    if inline is not None:
        return CondaSpecification.from_document(inline, f"{where}.condaDependencies")
    file = _text(python, "condaDependenciesFile", where)
    return read_conda_file((base or Path()) / file) if file else None


def _docker(section: Mapping[str, Any], where: str) -> DockerSpecification | None:
    registry = _section(section, "baseImageRegistry", where)
    docker = DockerSpecification(
        base_image=_text(section, "baseImage", where),
        base_dockerfile=_text(section, "baseDockerfile", where),
        registry_address=_text(registry, "address", f"{where}.baseImageRegistry"),
        registry_username=_text(registry, "username", f"{where}.baseImageRegistry"),
        registry_password=_text(registry, "password", f"{where}.baseImageRegistry"),
        arguments=tuple(_list(section, "arguments", where)),
        shm_size=_text(section, "shmSize", where),
        build_context=_build_context(_section(section, "buildContext", where), f"{where}.buildContext"),
    )
    return None if docker == DockerSpecification() else docker


def _build_context(section: Mapping[str, Any], where: str) -> tuple[str, str] | None:
    location = _text(section, "location", where)
    return None if location is None else (location, _text(section, "dockerfilePath", where) or "Dockerfile")


def _section(document: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = document.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidConfiguration(f"{where}.{key} must be an object, not {value!r}")
    return value


def _text(section: Mapping[str, Any], key: str, where: str) -> str | None:
    value = section.get(key)
    if value is not None and not isinstance(value, str):
        raise InvalidConfiguration(f"{where}.{key} must be a text, not {value!r}")
    return value


def _flag(section: Mapping[str, Any], key: str, where: str) -> bool:
    value = section.get(key)
    if value is not None and not isinstance(value, bool):
        raise InvalidConfiguration(f"{where}.{key} must be true or false, not {value!r}")
    return bool(value)


def _list(section: Mapping[str, Any], key: str, where: str) -> list[str]:
    value = section.get(key)
    if value is None:
        return []
    if not isinstance(value, (list, tuple)) or not all(isinstance(entry, str) for entry in value):
        raise InvalidConfiguration(f"{where}.{key} must be a list of texts")
    return list(value)
