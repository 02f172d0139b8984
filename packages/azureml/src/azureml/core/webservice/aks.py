"""``AksWebservice``: a service in replicas on a cluster. For now it runs as processes of this machine."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from azureml._errors import as_old_exceptions
from azureml.core.webservice import _authentication, _changes, _kinds
from azureml.core.webservice._aks_configuration import (
    AksEndpointDeploymentConfiguration,
    AksServiceDeploymentConfiguration,
)
from azureml.core.webservice._parts import (
    AksServiceAccessToken,
    AutoScaler,
    ContainerResourceRequirements,
    DataCollection,
    LivenessProbeRequirements,
)
from azureml.core.webservice.webservice import Webservice
from azureml.exceptions import NotYetAvailable
from moorage import services

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = [
    "AksEndpoint",
    "AksEndpointDeploymentConfiguration",
    "AksServiceAccessToken",
    "AksServiceDeploymentConfiguration",
    "AksWebservice",
    "AutoScaler",
    "ContainerResourceRequirements",
    "DataCollection",
    "LivenessProbeRequirements",
]

_INSTEAD = "Deploy each version as a service of its own, with AksWebservice."


class AksWebservice(Webservice):
    """See Webservice."""

    _compute_type: ClassVar[str] = "AKS"

    compute_name: str | None
    namespace: str | None
    deployment_status: dict[str, Any] | None
    autoscaler: AutoScaler | None
    data_collection: DataCollection | None
    liveness_probe_requirements: LivenessProbeRequirements | None
    num_replicas: int | None
    max_concurrent_requests_per_container: int | None
    max_request_wait_time: int | None
    scoring_timeout_ms: int | None
    is_default: bool | None
    traffic_percentile: float | None
    version_type: Any

    def _show(self, workspace: "Workspace", record: services.Service) -> None:
        super()._show(workspace, record)
        asked = _kinds.asked_of(record)
        self.compute_name, self.namespace = asked.get("compute_target_name"), asked.get("namespace")
        self.autoscaler = AutoScaler(
            asked.get("autoscale_enabled"),
            asked.get("autoscale_max_replicas"),
            asked.get("autoscale_min_replicas"),
            asked.get("autoscale_refresh_seconds"),
            asked.get("autoscale_target_utilization"),
        )
        self.data_collection = DataCollection(None, asked.get("collect_model_data"))
        self.liveness_probe_requirements = LivenessProbeRequirements(
            asked.get("period_seconds"),
            asked.get("initial_delay_seconds"),
            asked.get("timeout_seconds"),
            asked.get("success_threshold"),
            asked.get("failure_threshold"),
        )
        self.container_resource_requirements = ContainerResourceRequirements(
            asked.get("cpu_cores"),
            asked.get("memory_gb"),
            asked.get("gpu_cores"),
            asked.get("cpu_cores_limit"),
            asked.get("memory_gb_limit"),
        )
        self.num_replicas = asked.get("num_replicas")
        self.max_concurrent_requests_per_container = asked.get("replica_max_concurrent_requests")
        self.max_request_wait_time = asked.get("max_request_wait_time")
        self.scoring_timeout_ms = asked.get("scoring_timeout_ms")
        self.deployment_status = {
            "replicas": 1,
            "updatedReplicas": 1,
            "availableReplicas": int(self.state == "Healthy"),
            "error": self.error,
        }
        self.is_default, self.traffic_percentile, self.version_type = None, None, None

    @staticmethod
    def deploy_configuration(
        autoscale_enabled: bool | None = None,
        autoscale_min_replicas: int | None = None,
        autoscale_max_replicas: int | None = None,
        autoscale_refresh_seconds: int | None = None,
        autoscale_target_utilization: int | None = None,
        collect_model_data: bool | None = None,
        auth_enabled: bool | None = None,
        cpu_cores: float | None = None,
        memory_gb: float | None = None,
        enable_app_insights: bool | None = None,
        scoring_timeout_ms: int | None = None,
        replica_max_concurrent_requests: int | None = None,
        max_request_wait_time: int | None = None,
        num_replicas: int | None = None,
        primary_key: str | None = None,
        secondary_key: str | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        gpu_cores: int | None = None,
        period_seconds: int | None = None,
        initial_delay_seconds: int | None = None,
        timeout_seconds: int | None = None,
        success_threshold: int | None = None,
        failure_threshold: int | None = None,
        namespace: str | None = None,
        token_auth_enabled: bool | None = None,
        compute_target_name: str | None = None,
        cpu_cores_limit: float | None = None,
        memory_gb_limit: float | None = None,
        blobfuse_enabled: bool | None = None,
    ) -> AksServiceDeploymentConfiguration:
        """Describe what the service needs; see AksServiceDeploymentConfiguration."""
        return AksServiceDeploymentConfiguration(**locals())

    def update(  # type: ignore[override]  # each kind has its own parameters, in the old API too
        self,
        image: Any = None,
        autoscale_enabled: bool | None = None,
        autoscale_min_replicas: int | None = None,
        autoscale_max_replicas: int | None = None,
        autoscale_refresh_seconds: int | None = None,
        autoscale_target_utilization: int | None = None,
        collect_model_data: bool | None = None,
        auth_enabled: bool | None = None,
        cpu_cores: float | None = None,
        memory_gb: float | None = None,
        enable_app_insights: bool | None = None,
        scoring_timeout_ms: int | None = None,
        replica_max_concurrent_requests: int | None = None,
        max_request_wait_time: int | None = None,
        num_replicas: int | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        models: Sequence[Any] | None = None,
        inference_config: Any = None,
        gpu_cores: int | None = None,
        period_seconds: int | None = None,
        initial_delay_seconds: int | None = None,
        timeout_seconds: int | None = None,
        success_threshold: int | None = None,
        failure_threshold: int | None = None,
        namespace: str | None = None,
        token_auth_enabled: bool | None = None,
        cpu_cores_limit: float | None = None,
        memory_gb_limit: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Change what is given; tags replace, properties are added.

        Raises:
            WebserviceException: nothing is given, or the change cannot work.
        """
        given = {**locals(), **kwargs}
        for own in ("self", "kwargs"):
            given.pop(own)
        _changes.update(self, {name: value for name, value in given.items() if value is not None})

    @as_old_exceptions()
    def get_access_token(self) -> AksServiceAccessToken:
        """Return a token with its times, for a service with ``token_auth_enabled``."""
        return _authentication.token(self)

    def get_token(self) -> tuple[str, datetime]:
        """Return a token and when to ask for the next one (naive, UTC); ``get_access_token`` says more."""
        token = self.get_access_token()
        return token.access_token, token.refresh_after.replace(tzinfo=None)

    def add_tags(self, tags: Mapping[str, str]) -> None:
        """Add tags; a key that is there gets the new value."""
        _changes.add_tags(self, tags)

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Remove tags by key; a missing one is only mentioned."""
        _changes.remove_tags(self, tags)

    def add_properties(self, properties: Mapping[str, str]) -> None:
        """Add properties; a key that is there cannot change."""
        _changes.add_properties(self, properties)

    def run(self, input_data: str | bytes) -> Any:
        """Send one request and return the parsed JSON of the answer; see Webservice."""
        return super().run(input_data)


class AksEndpoint(AksWebservice):
    """Several versions behind one address; sharing traffic among them is not built yet."""

    _compute_type: ClassVar[str] = "AKSENDPOINT"

    class VersionType(Enum):
        """What a version is in a comparison; there is one control."""

        control = "Control"
        treatment = "Treatment"

    versions: dict[str, AksWebservice]

    @staticmethod
    def deploy_configuration(  # type: ignore[override]  # the old API has other parameters here, too
        autoscale_enabled: bool | None = None,
        autoscale_min_replicas: int | None = None,
        autoscale_max_replicas: int | None = None,
        autoscale_refresh_seconds: int | None = None,
        autoscale_target_utilization: int | None = None,
        collect_model_data: bool | None = None,
        auth_enabled: bool | None = None,
        cpu_cores: float | None = None,
        memory_gb: float | None = None,
        enable_app_insights: bool | None = None,
        scoring_timeout_ms: int | None = None,
        replica_max_concurrent_requests: int | None = None,
        max_request_wait_time: int | None = None,
        num_replicas: int | None = None,
        primary_key: str | None = None,
        secondary_key: str | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        gpu_cores: int | None = None,
        period_seconds: int | None = None,
        initial_delay_seconds: int | None = None,
        timeout_seconds: int | None = None,
        success_threshold: int | None = None,
        failure_threshold: int | None = None,
        namespace: str | None = None,
        token_auth_enabled: bool | None = None,
        version_name: str | None = None,
        traffic_percentile: float | None = None,
        compute_target_name: str | None = None,
        cpu_cores_limit: float | None = None,
        memory_gb_limit: float | None = None,
    ) -> AksEndpointDeploymentConfiguration:
        """Describe the first version; see AksEndpointDeploymentConfiguration."""
        return AksEndpointDeploymentConfiguration(**locals())

    def create_version(
        self,
        version_name: str,
        autoscale_enabled: bool | None = None,
        autoscale_min_replicas: int | None = None,
        autoscale_max_replicas: int | None = None,
        autoscale_refresh_seconds: int | None = None,
        autoscale_target_utilization: int | None = None,
        collect_model_data: bool | None = None,
        cpu_cores: float | None = None,
        memory_gb: float | None = None,
        scoring_timeout_ms: int | None = None,
        replica_max_concurrent_requests: int | None = None,
        max_request_wait_time: int | None = None,
        num_replicas: int | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        models: Sequence[Any] | None = None,
        inference_config: Any = None,
        gpu_cores: int | None = None,
        period_seconds: int | None = None,
        initial_delay_seconds: int | None = None,
        timeout_seconds: int | None = None,
        success_threshold: int | None = None,
        failure_threshold: int | None = None,
        traffic_percentile: float | None = None,
        is_default: bool | None = None,
        is_control_version_type: bool | None = None,
        cpu_cores_limit: float | None = None,
        memory_gb_limit: float | None = None,
    ) -> None:
        """Not built yet."""
        raise NotYetAvailable("AksEndpoint.create_version()", _INSTEAD)

    def update_version(
        self,
        version_name: str,
        autoscale_enabled: bool | None = None,
        autoscale_min_replicas: int | None = None,
        autoscale_max_replicas: int | None = None,
        autoscale_refresh_seconds: int | None = None,
        autoscale_target_utilization: int | None = None,
        collect_model_data: bool | None = None,
        cpu_cores: float | None = None,
        memory_gb: float | None = None,
        scoring_timeout_ms: int | None = None,
        replica_max_concurrent_requests: int | None = None,
        max_request_wait_time: int | None = None,
        num_replicas: int | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        models: Sequence[Any] | None = None,
        inference_config: Any = None,
        gpu_cores: int | None = None,
        period_seconds: int | None = None,
        initial_delay_seconds: int | None = None,
        timeout_seconds: int | None = None,
        success_threshold: int | None = None,
        failure_threshold: int | None = None,
        traffic_percentile: float | None = None,
        is_default: bool | None = None,
        is_control_version_type: bool | None = None,
        cpu_cores_limit: float | None = None,
        memory_gb_limit: float | None = None,
    ) -> None:
        """Not built yet."""
        raise NotYetAvailable("AksEndpoint.update_version()", _INSTEAD)

    def delete_version(self, version_name: str) -> None:
        """Not built yet."""
        raise NotYetAvailable("AksEndpoint.delete_version()", _INSTEAD)

    def update(  # type: ignore[override]  # each kind has its own parameters, in the old API too
        self,
        auth_enabled: bool | None = None,
        token_auth_enabled: bool | None = None,
        enable_app_insights: bool | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Not built yet."""
        raise NotYetAvailable("AksEndpoint.update()", _INSTEAD)
