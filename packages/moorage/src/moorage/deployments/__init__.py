"""Deployments as values: configurations, the files they are read from, and the plan made of them."""

from typing import TYPE_CHECKING, Any

from moorage.deployments.configurations import (
    ContainerConfig,
    DeploymentConfig,
    KubernetesConfig,
    LocalConfig,
)
from moorage.deployments.inference import InferenceConfig
from moorage.deployments.problems import Problem

if TYPE_CHECKING:
    from moorage.deployments.files import parse_deployment_config, parse_inference_config
    from moorage.deployments.planning import check_service_name, plan
    from moorage.deployments.plans import Plan

__all__ = [
    "ContainerConfig",
    "DeploymentConfig",
    "InferenceConfig",
    "KubernetesConfig",
    "LocalConfig",
    "Plan",
    "Problem",
    "check_service_name",
    "parse_deployment_config",
    "parse_inference_config",
    "plan",
]


def __getattr__(name: str) -> Any:
    # Reading files needs pydantic, planning needs the database's library: who uses neither waits for neither.
    if name in ("parse_deployment_config", "parse_inference_config"):
        from moorage.deployments import files

        return getattr(files, name)
    if name in ("check_service_name", "plan"):
        from moorage.deployments import planning

        return getattr(planning, name)
    if name == "Plan":
        from moorage.deployments.plans import Plan

        return Plan
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
