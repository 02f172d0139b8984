"""A model as the document of the REST interface, and back."""

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from azureml.core.resource_configuration import ResourceConfiguration
from moorage.models import Model

__all__ = ["of_record", "to_record"]


def of_record(record: Model) -> dict[str, Any]:
    """Return the document; times are ISO 8601."""
    resources = ResourceConfiguration.of_record(record.resources)
    return {
        "createdTime": record.created_at.isoformat(),
        "createdBy": {"userName": record.created_by},
        "description": record.description,
        "id": record.id,
        "mimeType": "application/json",
        "name": record.name,
        "framework": record.framework,
        "frameworkVersion": record.framework_version,
        "tags": dict(record.tags),
        "properties": dict(record.properties),
        "unpack": False,
        "url": f"aml://asset/{record.id}",
        "version": record.version,
        "experimentName": record.experiment_name,
        "runId": record.run_id,
        "runDetails": "" if record.run_id is None else f"run {record.run_id}",
        "datasets": [],
        "resourceConfiguration": None if resources is None else resources.serialize(),
        "sampleInputDatasetId": record.sample_input_dataset_id,
        "sampleOutputDatasetId": record.sample_output_dataset_id,
    }


def to_record(document: Mapping[str, Any]) -> Model:
    """Read the document; the list of files is not in it."""
    created = document.get("createdTime")
    resources = ResourceConfiguration.deserialize(document.get("resourceConfiguration"))
    return Model(
        name=document["name"],
        version=int(document["version"]),
        created_at=datetime.fromtimestamp(0, timezone.utc) if created is None else _time(created),
        created_by=str((document.get("createdBy") or {}).get("userName", "")),
        description=document.get("description"),
        tags=dict(document.get("tags") or document.get("kvTags") or {}),
        properties=dict(document.get("properties") or {}),
        framework=document.get("framework"),
        framework_version=document.get("frameworkVersion"),
        resources=None if resources is None else resources.as_record(),
        run_id=document.get("runId"),
        experiment_name=document.get("experimentName"),
        sample_input_dataset_id=document.get("sampleInputDatasetId"),
        sample_output_dataset_id=document.get("sampleOutputDatasetId"),
    )


def _time(text: str) -> datetime:
    # Python 3.10 does not read the "Z" that REST documents end their times with.
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
