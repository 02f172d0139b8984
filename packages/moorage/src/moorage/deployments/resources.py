"""The resources of a service: what its deployment names, else what its models ask for, else a default.

Models are asked only where there is no script, as on the old platform: a script may do anything with them.
"""

from collections.abc import Sequence
from typing import Any

from moorage.deployments.configurations import ContainerConfig, KubernetesConfig, LocalConfig
from moorage.models import Model, ResourceConfiguration

DEFAULT_CORES = 0.1
DEFAULT_MEMORY_GB = 0.5
GIGABYTE = 1_000_000_000
_NOTHING = ResourceConfiguration()


def resources_of_models(
    models: Sequence[Model], *, limits_several: bool = True
) -> ResourceConfiguration | None:
    """Return what models ask for together, None if nothing: the most cores and GPUs, the sum of memory.

    One request is answered by one of them, but all may be in memory. Without ``limits_several`` the memory of
    several is none: it is the budget within which they are loaded and unloaded, not a limit of a process.
    """
    asked = [model.resources for model in models if model.resources is not None]
    has_limit = limits_several or len(models) == 1
    memory_gb = sum(one.memory_gb for one in asked if one.memory_gb) if has_limit else 0
    together = ResourceConfiguration(
        cpu_cores=max((one.cpu_cores for one in asked if one.cpu_cores), default=None),
        memory_gb=memory_gb or None,
        gpu_count=max((one.gpu_count for one in asked if one.gpu_count), default=None),
    )
    return None if together == _NOTHING else together


def container_resources(
    config: ContainerConfig | KubernetesConfig, of_models: ResourceConfiguration | None
) -> ResourceConfiguration:
    """Return what a container gets; cores and memory are never None."""
    asked = of_models or _NOTHING
    return ResourceConfiguration(
        cpu_cores=config.cpu_cores or asked.cpu_cores or DEFAULT_CORES,
        memory_gb=config.memory_gb or asked.memory_gb or DEFAULT_MEMORY_GB,
        gpu_count=asked.gpu_count if config.gpu_count is None else config.gpu_count,
    )


def local_limits(config: LocalConfig, of_models: ResourceConfiguration | None) -> dict[str, Any]:
    """Return the limits of processes that models set, as fields of `LocalConfig`.

    None where the deployment names one (0: no limit), and none at all where processes stand in for a
    container: they never had limits.
    """
    if of_models is None or config.asked_for is not None:
        return {}
    limits: dict[str, Any] = {}
    if of_models.cpu_cores is not None and config.cpu_cores_limit is None:
        limits["cpu_cores_limit"] = of_models.cpu_cores
    if of_models.memory_gb is not None and config.memory_limit_bytes is None:
        limits["memory_limit_bytes"] = int(of_models.memory_gb * GIGABYTE)
    return limits


def resources_of(
    config: ContainerConfig | LocalConfig, of_models: ResourceConfiguration | None
) -> ResourceConfiguration | None:
    """Return what a service of this machine has, None if nothing bounds it."""
    if isinstance(config, ContainerConfig):
        return container_resources(config, of_models)
    asked = config.asked_config
    if not isinstance(asked, LocalConfig):
        return container_resources(asked, of_models)
    limits = local_limits(config, of_models)
    memory_bytes = limits.get("memory_limit_bytes", config.memory_limit_bytes)
    found = ResourceConfiguration(
        cpu_cores=limits.get("cpu_cores_limit", config.cpu_cores_limit) or None,
        memory_gb=memory_bytes / GIGABYTE if memory_bytes else None,
        gpu_count=None if of_models is None else of_models.gpu_count,
    )
    return None if found == _NOTHING else found
