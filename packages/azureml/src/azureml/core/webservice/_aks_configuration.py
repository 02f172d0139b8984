"""The deployment configurations of services that a cluster runs in several replicas."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from azureml.core.webservice._configuration import (
    WebserviceDeploymentConfiguration,
    positive,
)
from moorage.deployments import LocalConfig

__all__ = [
    "AksEndpointDeploymentConfiguration",
    "AksServiceDeploymentConfiguration",
    "problems_of",
]

_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_POSITIVE = (
    "autoscale_min_replicas",
    "autoscale_max_replicas",
    "autoscale_refresh_seconds",
    "autoscale_target_utilization",
    "num_replicas",
    "cpu_cores",
    "memory_gb",
    "cpu_cores_limit",
    "memory_gb_limit",
    "scoring_timeout_ms",
    "replica_max_concurrent_requests",
    "max_request_wait_time",
    "period_seconds",
    "initial_delay_seconds",
    "timeout_seconds",
    "success_threshold",
    "failure_threshold",
)
_AUTOSCALING = _POSITIVE[:4]


class AksServiceDeploymentConfiguration(WebserviceDeploymentConfiguration):
    """Replicas, resources, limits, probes, keys. Checked when it is made.

    Raises:
        WebserviceException: all that is wrong, one line each.
    """

    def __init__(
        self,
        autoscale_enabled: bool | None,
        autoscale_min_replicas: int | None,
        autoscale_max_replicas: int | None,
        autoscale_refresh_seconds: int | None,
        autoscale_target_utilization: int | None,
        collect_model_data: bool | None,
        auth_enabled: bool | None,
        cpu_cores: float | None,
        memory_gb: float | None,
        enable_app_insights: bool | None,
        scoring_timeout_ms: int | None,
        replica_max_concurrent_requests: int | None,
        max_request_wait_time: int | None,
        num_replicas: int | None,
        primary_key: str | None,
        secondary_key: str | None,
        tags: Mapping[str, str] | None,
        properties: Mapping[str, str] | None,
        description: str | None,
        gpu_cores: int | None,
        period_seconds: int | None,
        initial_delay_seconds: int | None,
        timeout_seconds: int | None,
        success_threshold: int | None,
        failure_threshold: int | None,
        namespace: str | None,
        token_auth_enabled: bool | None,
        compute_target_name: str | None,
        cpu_cores_limit: float | None,
        memory_gb_limit: float | None,
        blobfuse_enabled: bool | None = None,
    ) -> None:
        super().__init__("AKS", description, tags, properties, primary_key, secondary_key)
        self.autoscale_enabled = autoscale_enabled
        self.autoscale_min_replicas, self.autoscale_max_replicas = (
            autoscale_min_replicas,
            autoscale_max_replicas,
        )
        self.autoscale_refresh_seconds = autoscale_refresh_seconds
        self.autoscale_target_utilization = autoscale_target_utilization
        self.collect_model_data, self.enable_app_insights = collect_model_data, enable_app_insights
        self.auth_enabled, self.token_auth_enabled = auth_enabled, token_auth_enabled
        self.cpu_cores, self.cpu_cores_limit = cpu_cores, cpu_cores_limit
        self.memory_gb, self.memory_gb_limit = memory_gb, memory_gb_limit
        self.gpu_cores, self.num_replicas = gpu_cores, num_replicas
        self.scoring_timeout_ms = scoring_timeout_ms
        self.replica_max_concurrent_requests = replica_max_concurrent_requests
        self.max_request_wait_time = max_request_wait_time
        self.period_seconds, self.initial_delay_seconds = period_seconds, initial_delay_seconds
        self.timeout_seconds = timeout_seconds
        self.success_threshold, self.failure_threshold = success_threshold, failure_threshold
        self.namespace, self.compute_target_name = namespace, compute_target_name
        self.blobfuse_enabled = blobfuse_enabled
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """Raise WebserviceException with everything that is wrong, one line each."""
        self._raise_problems(problems_of(vars(self)))

    def as_record(self) -> LocalConfig:
        """Return the control plane's form: processes of this machine, with the limits that were asked for."""
        return LocalConfig(
            worker_count=self.num_replicas or 1,
            scoring_timeout_ms=self.scoring_timeout_ms,
            max_queue_wait_ms=self.max_request_wait_time,
            model_options=self._model_options(),
            # Processes in place of replicas have no limits, whatever the models ask for.
            cpu_cores_limit=0,
            memory_limit_bytes=0,
            # Keys are what this kind of service always had, unless they are switched off.
            auth_enabled=not self.token_auth_enabled if self.auth_enabled is None else self.auth_enabled,
            token_auth_enabled=bool(self.token_auth_enabled),
            primary_key=self.primary_key,
            secondary_key=self.secondary_key,
        )

    def print_deploy_configuration(self) -> None:
        """Print the resources that were asked for."""
        lines = {
            "CPU requirement": self.cpu_cores,
            "CPU limit": self.cpu_cores_limit,
            "Memory requirement (GB)": self.memory_gb,
            "Memory limit (GB)": self.memory_gb_limit,
            "GPU requirement": self.gpu_cores,
            "Number of replicas": self.num_replicas,
        }
        for label, value in lines.items():
            if value is not None:
                print(f"{label}: {value}")


class AksEndpointDeploymentConfiguration(AksServiceDeploymentConfiguration):
    """The same for the first version of an endpoint; ``traffic_percentile`` is its share in percent."""

    def __init__(
        self,
        autoscale_enabled: bool | None,
        autoscale_min_replicas: int | None,
        autoscale_max_replicas: int | None,
        autoscale_refresh_seconds: int | None,
        autoscale_target_utilization: int | None,
        collect_model_data: bool | None,
        auth_enabled: bool | None,
        cpu_cores: float | None,
        memory_gb: float | None,
        enable_app_insights: bool | None,
        scoring_timeout_ms: int | None,
        replica_max_concurrent_requests: int | None,
        max_request_wait_time: int | None,
        num_replicas: int | None,
        primary_key: str | None,
        secondary_key: str | None,
        tags: Mapping[str, str] | None,
        properties: Mapping[str, str] | None,
        description: str | None,
        gpu_cores: int | None,
        period_seconds: int | None,
        initial_delay_seconds: int | None,
        timeout_seconds: int | None,
        success_threshold: int | None,
        failure_threshold: int | None,
        namespace: str | None,
        token_auth_enabled: bool | None,
        version_name: str | None,
        traffic_percentile: float | None,
        compute_target_name: str | None,
        cpu_cores_limit: float | None,
        memory_gb_limit: float | None,
    ) -> None:
        self.version_name, self.traffic_percentile = version_name, traffic_percentile
        given = dict(locals())
        for extra in ("self", "__class__", "version_name", "traffic_percentile"):
            given.pop(extra, None)
        super().__init__(**given)
        self.webservice_type = "AKSENDPOINT"

    def validate_endpoint_configuration(self) -> None:
        """Raise WebserviceException when the share of the traffic is not a percentage."""
        self._raise_problems(_traffic_problems(self.traffic_percentile))

    def validate_configuration(self) -> None:
        """Raise WebserviceException with everything that is wrong, one line each."""
        super().validate_configuration()
        self.validate_endpoint_configuration()


def problems_of(given: Mapping[str, Any]) -> Iterator[str]:
    """Name everything that is wrong with the values of a configuration or an update; None: not given."""
    yield from _autoscaling_problems(given)
    yield from positive({name: given.get(name) for name in _POSITIVE})
    if given.get("gpu_cores") is not None and given["gpu_cores"] < 0:
        yield f"gpu_cores must not be negative, but is {given['gpu_cores']}"
    for request in ("cpu_cores", "memory_gb"):
        limit = given.get(f"{request}_limit")
        if given.get(request) is not None and limit is not None and limit < given[request]:
            yield f"{request}_limit ({limit}) must not be less than {request} ({given[request]})"
    if given.get("auth_enabled") and given.get("token_auth_enabled"):
        yield "auth_enabled and token_auth_enabled exclude each other: keys or tokens"
    namespace = given.get("namespace")
    if namespace and not _NAMESPACE.fullmatch(namespace):
        yield (
            f"namespace {namespace!r}: up to 63 lower-case letters, digits and hyphens, no hyphen at the ends"
        )
    yield from _traffic_problems(given.get("traffic_percentile"))


def _autoscaling_problems(given: Mapping[str, Any]) -> Iterator[str]:
    enabled, replicas = given.get("autoscale_enabled"), given.get("num_replicas")
    if enabled and replicas:
        yield "num_replicas must not be given with autoscale_enabled=True: autoscaling chooses the number"
    if enabled is False and not replicas:
        yield "autoscale_enabled=False needs num_replicas"
    stray = [name for name in _AUTOSCALING if given.get(name)]
    if stray and not enabled:
        yield f"{', '.join(stray)}: only with autoscale_enabled=True"
    least, most = given.get("autoscale_min_replicas"), given.get("autoscale_max_replicas")
    if least and most and least > most:
        yield f"autoscale_min_replicas ({least}) must not be above autoscale_max_replicas ({most})"


def _traffic_problems(percentile: float | None) -> Iterator[str]:
    if percentile is not None and not 0 <= percentile <= 100:
        yield f"traffic_percentile is a percentage from 0 to 100, not {percentile}"
