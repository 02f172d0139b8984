"""Which kind of service old code deployed, kept beside a service until the targets of those kinds are there.

A service of this machine does not know that it was meant for ACI or AKS, so one property of it says so, with
the values of the configuration that old code reads back. Keys are not among them.
"""

import json
from collections.abc import Mapping
from typing import Any

from azureml.core.webservice._configuration import WebserviceDeploymentConfiguration
from moorage.deployments import KubernetesConfig, LocalConfig
from moorage.services import Service

__all__ = ["LOCAL", "asked_of", "kind_of", "marks", "note", "shown_properties"]

LOCAL = "Local"
_PROPERTY = "azureml.deployment"
_AS_OF_OLD = {"Container": "ACI"}
_SECRET = ("primary_key", "secondary_key")
_FIELDS = {
    "autoscale_enabled": "autoscale_enabled",
    "autoscale_max_replicas": "autoscale_max_replicas",
    "autoscale_min_replicas": "autoscale_min_replicas",
    "autoscale_refresh_seconds": "autoscale_refresh_s",
    "autoscale_target_utilization": "autoscale_target_percent",
    "collect_model_data": "collect_model_data",
    "compute_target_name": "compute_target",
    "cpu_cores": "cpu_cores",
    "cpu_cores_limit": "cpu_cores_limit",
    "enable_app_insights": "app_insights_enabled",
    "failure_threshold": "probe_failure_threshold",
    "gpu_cores": "gpu_count",
    "initial_delay_seconds": "probe_initial_delay_s",
    "memory_gb": "memory_gb",
    "memory_gb_limit": "memory_gb_limit",
    "namespace": "namespace",
    "num_replicas": "replica_count",
    "period_seconds": "probe_period_s",
    "replica_max_concurrent_requests": "max_concurrent_requests_per_container",
    "success_threshold": "probe_success_threshold",
    "timeout_seconds": "probe_timeout_s",
}
"""The old names of parameters, and the fields that keep them."""
_ELSEWHERE = ("webservice_type", "tags", "properties", "description")


def marks(configuration: WebserviceDeploymentConfiguration) -> dict[str, str]:
    """Return the property that remembers a configuration; local services need none."""
    if configuration.webservice_type == LOCAL:
        return {}
    asked = {
        name: value
        for name, value in vars(configuration).items()
        if value is not None and name not in (*_SECRET, *_ELSEWHERE)
    }
    return {_PROPERTY: json.dumps({"kind": configuration.webservice_type, **asked})}


def kind_of(record: Service) -> str:
    """Return ``Local``, ``ACI``, ``AKS`` or ``AKSENDPOINT``."""
    kind = _remembered(record).get("kind", record.compute_type)
    return str(_AS_OF_OLD.get(kind, kind))


def asked_of(record: Service) -> Mapping[str, Any]:
    """Return the parameters of the configuration by their old names; what was changed since, as it is now."""
    found = dict(_remembered(record))
    if not found and isinstance(record.asked_config, KubernetesConfig):  # from the command line
        asked = record.asked_config
        found = {
            old: getattr(asked, ours) for old, ours in _FIELDS.items() if getattr(asked, ours) is not None
        }
    present = record.deployment_config
    if isinstance(present, LocalConfig):
        changed = {
            "num_replicas": present.worker_count
            if "num_replicas" in found or present.worker_count > 1
            else None,
            "scoring_timeout_ms": present.scoring_timeout_ms,
            "max_request_wait_time": present.max_queue_wait_ms,
        }
        found |= {name: value for name, value in changed.items() if value is not None}
    return found


def shown_properties(record: Service) -> dict[str, str]:
    """Return the properties that users gave."""
    return {name: value for name, value in record.properties.items() if name != _PROPERTY}


def note(configuration: WebserviceDeploymentConfiguration) -> str:
    """Return the line that says where such a service runs for now."""
    kind = configuration.webservice_type
    return f"{kind} services run as processes of this machine for now: it answers this machine only."


def _remembered(record: Service) -> Mapping[str, Any]:
    text = record.properties.get(_PROPERTY)
    found: Mapping[str, Any] = {} if text is None else json.loads(text)
    return found
