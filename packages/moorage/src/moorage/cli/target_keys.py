"""What a service was asked to be, under the keys that scripts around the old command line read.

Source of the keys: the public REST description of the old platform, "modelManagement".
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moorage.deployments import ContainerConfig, KubernetesConfig
    from moorage.models import ResourceConfiguration
    from moorage.services import Service

# Parts of the old cloud: the keys are there, so that a query finds them, and say nothing.
NOTHING = dict.fromkeys(
    ("imageDetails", "imageId", "modelConfigMap", "operationId", "publicFqdn", "publicIp")
)


def target_keys(service: "Service") -> dict[str, Any]:
    """Return the keys that depend on the kind of target; secrets are left out."""
    from moorage.deployments import ContainerConfig, KubernetesConfig

    config = service.asked_config
    keys: dict[str, Any] = {
        **NOTHING,
        "aadAuthEnabled": service.token_auth_enabled,
        "appInsightsEnabled": getattr(config, "app_insights_enabled", False),
        "cname": getattr(config, "ssl_cname", None),
        "dataCollection": {"storageEnabled": getattr(config, "collect_model_data", False)},
        "deploymentType": "HttpRealtimeEndpoint",
        "containerResourceRequirements": _resources(service.resources),
        "environment": _environment(service),
        "sslEnabled": getattr(config, "ssl_enabled", False),
    }
    if isinstance(config, ContainerConfig):
        return {**keys, **_container_keys(config)}
    if isinstance(config, KubernetesConfig):
        return {**keys, **_cluster_keys(config, service)}
    return keys


def _environment(service: "Service") -> dict[str, Any] | None:
    environment = None if service.inference_config is None else service.inference_config.environment
    return None if environment is None else {"name": environment.name, "version": environment.version}


def _container_keys(config: "ContainerConfig") -> dict[str, Any]:
    return {
        "dnsNameLabel": config.dns_name_label,
        "image": config.image,
        "location": config.location or "local",
        # Kept as labels: nothing here goes by them.
        "notApplicable": sorted(_camel(name) for name in config.not_applicable),
        "vnetConfiguration": {"subnetName": config.subnet_name, "vnetName": config.vnet_name},
    }


def _cluster_keys(config: "KubernetesConfig", service: "Service") -> dict[str, Any]:
    from moorage.deployments.resources import container_resources

    is_scaled = config.autoscale_enabled
    up = int(service.state == "Healthy")
    return {
        "autoScaler": {
            "autoscaleEnabled": config.replica_count is None if is_scaled is None else is_scaled,
            "maxReplicas": config.autoscale_max_replicas,
            "minReplicas": config.autoscale_min_replicas,
            "refreshPeriodInSeconds": config.autoscale_refresh_s,
            "targetUtilization": config.autoscale_target_percent,
        },
        "computeName": config.compute_target,
        "containerResourceRequirements": {
            **(_resources(service.resources or container_resources(config, None)) or {}),
            "cpuLimit": config.cpu_cores_limit,
            "memoryInGBLimit": config.memory_gb_limit,
        },
        "deploymentStatus": {
            # One service on this machine, with as many scorers as replicas were asked for.
            "availableReplicas": up,
            "desiredReplicas": 1,
            "error": None,
            "updatedReplicas": up,
        },
        "livenessProbeRequirements": {
            "failureThreshold": config.probe_failure_threshold,
            "initialDelaySeconds": config.probe_initial_delay_s,
            "periodSeconds": config.probe_period_s,
            "successThreshold": config.probe_success_threshold,
            "timeoutSeconds": config.probe_timeout_s,
        },
        "maxConcurrentRequestsPerContainer": config.max_concurrent_requests_per_container,
        "maxQueueWaitMs": config.max_queue_wait_ms,
        "namespace": config.namespace,
        "numReplicas": config.replica_count,
        "scoringTimeoutMs": config.scoring_timeout_ms,
    }


def _camel(name: str) -> str:
    head, *rest = name.removeprefix("cmk_").split("_")
    return head + "".join(word.capitalize() for word in rest)


def _resources(resources: "ResourceConfiguration | None") -> dict[str, Any] | None:
    """What bounds a service; None: nothing but the machine."""
    if resources is None:
        return None
    return {"cpu": resources.cpu_cores, "gpu": resources.gpu_count, "memoryInGB": resources.memory_gb}
