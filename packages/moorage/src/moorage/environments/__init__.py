"""Environments: what a script needs around it, as records with versions."""

from typing import TYPE_CHECKING, Any

from moorage.environments.conda import CondaSpecification, read_conda_file, requirement_lines
from moorage.environments.environment import (
    DockerSpecification,
    Environment,
    check_environment_name,
    check_variables,
)

if TYPE_CHECKING:
    from moorage.environments.registry import get, list_environments, register

__all__ = [
    "CondaSpecification",
    "DockerSpecification",
    "Environment",
    "check_environment_name",
    "check_variables",
    "get",
    "list_environments",
    "read_conda_file",
    "register",
    "requirement_lines",
]


def __getattr__(name: str) -> Any:
    # The records are used without a database too; its library takes longest of all to import.
    if name in ("get", "list_environments", "register"):
        from moorage.environments import registry

        return getattr(registry, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
