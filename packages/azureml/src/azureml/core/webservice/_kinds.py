"""Which kind of service old code deployed, kept beside a service until the targets of those kinds are there.

A service of this machine does not know that it was meant for ACI or AKS, so one property of it says so, with
the values of the configuration that old code reads back. Keys are not among them.
"""

import json
from collections.abc import Mapping
from typing import Any

from azureml.core.webservice._configuration import WebserviceDeploymentConfiguration
from moorage.services import Service

__all__ = ["LOCAL", "asked_of", "kind_of", "marks", "note", "shown_properties"]

LOCAL = "Local"
_PROPERTY = "azureml.deployment"
_AS_OF_OLD = {"Container": "ACI"}
_SECRET = ("primary_key", "secondary_key")
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
    """Return the parameters that the configuration was made with, by their old names."""
    return _remembered(record)


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
