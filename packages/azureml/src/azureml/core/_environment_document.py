"""An ``Environment`` as the JSON document that files, configuration files and ``repr`` show, and back."""

from collections.abc import Mapping
from typing import Any

from azureml.core._sections import (
    DEFAULT_CPU_IMAGE,
    DatabricksSection,
    DockerBuildContext,
    DockerSection,
    PythonSection,
    SparkPackage,
    SparkSection,
)
from azureml.core.conda_dependencies import CondaDependencies

__all__ = ["docker_of", "docker_section", "python_of", "python_section", "spark_of", "spark_section"]


def python_of(section: PythonSection) -> dict[str, Any]:
    """Return the ``python`` part of the document."""
    dependencies = section.conda_dependencies
    return {
        "interpreterPath": section.interpreter_path,
        "userManagedDependencies": section.user_managed_dependencies,
        "condaDependencies": None if dependencies is None else dependencies.as_dict(),
        "baseCondaEnvironment": section.base_conda_environment,
    }


def python_section(document: Mapping[str, Any]) -> PythonSection:
    """Read the ``python`` part; what is missing has the default of a new section."""
    section = PythonSection()
    section.interpreter_path = document.get("interpreterPath") or section.interpreter_path
    section.user_managed_dependencies = bool(document.get("userManagedDependencies"))
    section.base_conda_environment = document.get("baseCondaEnvironment")
    if document.get("condaDependencies") is not None:
        section.conda_dependencies = CondaDependencies(_underlying_structure=document["condaDependencies"])
    elif document.get("condaDependenciesFile"):
        section.conda_dependencies_file = document["condaDependenciesFile"]
    elif "condaDependencies" in document:
        section.conda_dependencies = None
    return section


def docker_of(section: DockerSection) -> dict[str, Any]:
    """Return the ``docker`` part. The registry's password is in it, as in the old files."""
    registry, context = section.base_image_registry, section.build_context
    document: dict[str, Any] = {
        "enabled": section.enabled,
        # The stand-in of the default image means "whatever the target takes": nothing to write down.
        "baseImage": None if section.base_image == DEFAULT_CPU_IMAGE else section.base_image,
        "baseDockerfile": section.base_dockerfile,
        "baseImageRegistry": {
            "address": registry.address,
            "username": registry.username,
            "password": registry.password,
        },
        "platform": {"os": section.platform.os, "architecture": section.platform.architecture},
        "arguments": list(section.arguments),
        "sharedVolumes": section.shared_volumes,
        "shmSize": section.shm_size,
    }
    if context is not None:
        document["buildContext"] = {"location": context.location, "dockerfilePath": context.dockerfile_path}
    return document


def docker_section(document: Mapping[str, Any]) -> DockerSection:
    """Read the ``docker`` part; what is missing has the default of a new section."""
    section = DockerSection()
    section.enabled = bool(document.get("enabled"))
    if document.get("baseImage"):
        section.base_image = document["baseImage"]
    if document.get("baseDockerfile"):
        section.base_dockerfile = document["baseDockerfile"]
    registry = document.get("baseImageRegistry") or {}
    section.base_image_registry.address = registry.get("address")
    section.base_image_registry.username = registry.get("username")
    section.base_image_registry.password = registry.get("password")
    section.arguments = list(document.get("arguments") or ())
    section.shared_volumes = bool(document.get("sharedVolumes", True))
    section.shm_size = document.get("shmSize", section.shm_size)
    context = document.get("buildContext")
    if context:
        section.build_context = DockerBuildContext(
            None, context.get("location"), context.get("dockerfilePath") or "Dockerfile"
        )
    return section


def spark_of(section: SparkSection) -> dict[str, Any]:
    """Return the ``spark`` part of the document."""
    return {
        "repositories": list(section.repositories),
        "packages": [
            {"group": one.group, "artifact": one.artifact, "version": one.version} for one in section.packages
        ],
        "precachePackages": section.precache_packages,
    }


def spark_section(document: Mapping[str, Any]) -> SparkSection:
    """Read the ``spark`` part."""
    section = SparkSection()
    section.repositories = list(document.get("repositories") or ())
    section.packages = [
        SparkPackage(one.get("group"), one.get("artifact"), one.get("version"))
        for one in document.get("packages") or ()
    ]
    section.precache_packages = bool(document.get("precachePackages", True))
    return section


def databricks_section(document: Mapping[str, Any]) -> DatabricksSection:
    """Read the ``databricks`` part; it is kept, nothing uses it."""
    section = DatabricksSection()
    for name in ("maven", "pypi", "rcran", "jar", "egg"):
        setattr(section, f"{name}_libraries", list(document.get(f"{name}Libraries") or ()))
    return section
