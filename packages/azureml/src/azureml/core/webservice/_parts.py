"""Small records of a service: scaling, resources, probes, tokens. All read and write REST documents."""

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

__all__ = [
    "AciContainerResourceRequirements",
    "AksServiceAccessToken",
    "AutoScaler",
    "ContainerResourceRequirements",
    "DataCollection",
    "EncryptionProperties",
    "LivenessProbeRequirements",
    "VnetConfiguration",
    "WebServiceAccessToken",
    "token_fields",
]


class AutoScaler:
    """How many replicas; utilization in percent, the period in seconds."""

    def __init__(
        self,
        autoscale_enabled: bool | None,
        max_replicas: int | None,
        min_replicas: int | None,
        refresh_period_seconds: float | None,
        target_utilization: float | None,
    ) -> None:
        self.autoscale_enabled = autoscale_enabled
        self.max_replicas, self.min_replicas = max_replicas, min_replicas
        self.refresh_period_seconds, self.target_utilization = refresh_period_seconds, target_utilization

    def serialize(self) -> dict[str, Any]:
        """Return the document."""
        return {
            "autoscaleEnabled": self.autoscale_enabled,
            "minReplicas": self.min_replicas,
            "maxReplicas": self.max_replicas,
            "refreshPeriodInSeconds": self.refresh_period_seconds,
            "targetUtilization": self.target_utilization,
        }

    @staticmethod
    def deserialize(payload_obj: Mapping[str, Any] | None) -> "AutoScaler | None":
        """Read the document; None stays None."""
        if payload_obj is None:
            return None
        return AutoScaler(
            payload_obj.get("autoscaleEnabled"),
            payload_obj.get("maxReplicas"),
            payload_obj.get("minReplicas"),
            payload_obj.get("refreshPeriodInSeconds"),
            payload_obj.get("targetUtilization"),
        )


class ContainerResourceRequirements:
    """Requests and limits of one replica: cores and GB."""

    def __init__(
        self,
        cpu: float | None,
        memory_in_gb: float | None,
        gpu: int | None = None,
        cpu_limit: float | None = None,
        memory_in_gb_limit: float | None = None,
    ) -> None:
        self.cpu, self.memory_in_gb, self.gpu = cpu, memory_in_gb, gpu
        self.cpu_limit, self.memory_in_gb_limit = cpu_limit, memory_in_gb_limit

    def serialize(self) -> dict[str, Any]:
        """Return the document."""
        return {
            "cpu": self.cpu,
            "cpuLimit": self.cpu_limit,
            "memoryInGB": self.memory_in_gb,
            "memoryInGBLimit": self.memory_in_gb_limit,
            "gpu": self.gpu,
        }

    @staticmethod
    def deserialize(payload_obj: Mapping[str, Any] | None) -> "ContainerResourceRequirements | None":
        """Read the document; None stays None."""
        if payload_obj is None:
            return None
        return ContainerResourceRequirements(
            payload_obj.get("cpu"),
            payload_obj.get("memoryInGB"),
            payload_obj.get("gpu"),
            payload_obj.get("cpuLimit"),
            payload_obj.get("memoryInGBLimit"),
        )


class AciContainerResourceRequirements:
    """The resources of a service of one container: cores and GB."""

    def __init__(self, cpu: float | None, memory_in_gb: float | None) -> None:
        self.cpu, self.memory_in_gb = cpu, memory_in_gb

    def serialize(self) -> dict[str, Any]:
        """Return the document."""
        return {"cpu": self.cpu, "memoryInGB": self.memory_in_gb}

    @staticmethod
    def deserialize(payload_obj: Mapping[str, Any] | None) -> "AciContainerResourceRequirements | None":
        """Read the document; None stays None."""
        if payload_obj is None:
            return None
        return AciContainerResourceRequirements(payload_obj.get("cpu"), payload_obj.get("memoryInGB"))


class DataCollection:
    """Whether inputs and predictions are kept."""

    def __init__(self, event_hub_enabled: bool | None, storage_enabled: bool | None) -> None:
        self.event_hub_enabled, self.storage_enabled = event_hub_enabled, storage_enabled

    def serialize(self) -> dict[str, Any]:
        """Return the document."""
        return {"eventHubEnabled": self.event_hub_enabled, "storageEnabled": self.storage_enabled}

    @staticmethod
    def deserialize(payload_obj: Mapping[str, Any] | None) -> "DataCollection | None":
        """Read the document; None stays None."""
        if payload_obj is None:
            return None
        return DataCollection(payload_obj.get("eventHubEnabled"), payload_obj.get("storageEnabled"))


class LivenessProbeRequirements:
    """When a replica counts as dead; times in seconds."""

    def __init__(
        self,
        period_seconds: int | None,
        initial_delay_seconds: int | None,
        timeout_seconds: int | None,
        success_threshold: int | None,
        failure_threshold: int | None,
    ) -> None:
        self.period_seconds, self.initial_delay_seconds = period_seconds, initial_delay_seconds
        self.timeout_seconds = timeout_seconds
        self.success_threshold, self.failure_threshold = success_threshold, failure_threshold

    def serialize(self) -> dict[str, Any]:
        """Return the document."""
        return {
            "periodSeconds": self.period_seconds,
            "initialDelaySeconds": self.initial_delay_seconds,
            "timeoutSeconds": self.timeout_seconds,
            "successThreshold": self.success_threshold,
            "failureThreshold": self.failure_threshold,
        }

    @staticmethod
    def deserialize(payload_obj: Mapping[str, Any] | None) -> "LivenessProbeRequirements | None":
        """Read the document; None stays None."""
        if payload_obj is None:
            return None
        return LivenessProbeRequirements(
            payload_obj.get("periodSeconds"),
            payload_obj.get("initialDelaySeconds"),
            payload_obj.get("timeoutSeconds"),
            payload_obj.get("successThreshold"),
            payload_obj.get("failureThreshold"),
        )


class EncryptionProperties:
    """A key of the customer; kept for old code, nothing is encrypted with it."""

    def __init__(self, cmk_vault_base_url: str, cmk_key_name: str, cmk_key_version: str) -> None:
        self.cmk_vault_base_url, self.cmk_key_name = cmk_vault_base_url, cmk_key_name
        self.cmk_key_version = cmk_key_version

    def serialize(self) -> dict[str, Any]:
        """Return the document."""
        return {
            "vaultBaseUrl": self.cmk_vault_base_url,
            "keyName": self.cmk_key_name,
            "keyVersion": self.cmk_key_version,
        }

    @staticmethod
    def deserialize(payload_obj: Mapping[str, Any] | None) -> "EncryptionProperties | None":
        """Read the document; None stays None."""
        if payload_obj is None:
            return None
        return EncryptionProperties(
            payload_obj["vaultBaseUrl"], payload_obj["keyName"], payload_obj["keyVersion"]
        )


class VnetConfiguration:
    """A virtual network; kept for old code."""

    def __init__(self, vnet_name: str, subnet_name: str) -> None:
        self.vnet_name, self.subnet_name = vnet_name, subnet_name

    def serialize(self) -> dict[str, Any]:
        """Return the document."""
        return {"vnetName": self.vnet_name, "subnetName": self.subnet_name}

    @staticmethod
    def deserialize(payload_obj: Mapping[str, Any] | None) -> "VnetConfiguration | None":
        """Read the document; None stays None."""
        if payload_obj is None:
            return None
        return VnetConfiguration(payload_obj["vnetName"], payload_obj["subnetName"])


class WebServiceAccessToken:
    """A bearer token, when to ask for the next one, and when it ends (both aware)."""

    def __init__(
        self, access_token: str, token_type: str, refresh_after: datetime, expiry_on: datetime
    ) -> None:
        self.access_token, self.token_type = access_token, token_type
        self.refresh_after, self.expiry_on = refresh_after, expiry_on

    def serialize(self) -> dict[str, Any]:
        """Return the document; times are seconds since 1970."""
        return {
            "accessToken": self.access_token,
            "tokenType": self.token_type,
            "refreshAfter": int(self.refresh_after.timestamp()),
            "expiryOn": int(self.expiry_on.timestamp()),
        }

    @staticmethod
    def deserialize(payload_obj: Mapping[str, Any]) -> "WebServiceAccessToken":
        """Read the document; times are seconds since 1970."""
        return WebServiceAccessToken(*token_fields(payload_obj))


class AksServiceAccessToken(WebServiceAccessToken):
    """The token of a service of the cluster kind."""

    def __init__(
        self, access_token: str, token_type: str, refresh_after: datetime, expiry_on: datetime
    ) -> None:
        super().__init__(access_token, token_type, refresh_after, expiry_on)

    @staticmethod
    def deserialize(payload_obj: Mapping[str, Any]) -> "AksServiceAccessToken":
        """Read the document; times are seconds since 1970."""
        return AksServiceAccessToken(*token_fields(payload_obj))


def token_fields(document: Mapping[str, Any]) -> tuple[str, str, datetime, datetime]:
    """Return token, type and the two times of a token's document."""
    refresh_after = datetime.fromtimestamp(float(document["refreshAfter"]), timezone.utc)
    expiry_on = datetime.fromtimestamp(float(document["expiryOn"]), timezone.utc)
    return document["accessToken"], document["tokenType"], refresh_after, expiry_on
