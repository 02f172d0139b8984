"""Records as the JSON objects that scripts around the old command line read, with the old keys."""

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moorage.cli.target_keys import target_keys

if TYPE_CHECKING:
    from moorage.deployments import Plan
    from moorage.models import Model, ResourceConfiguration
    from moorage.services import CandidateSeen, Service
    from moorage.workspace import Workspace


def model_document(model: "Model") -> dict[str, Any]:
    """Return what register, list, show and update print."""
    return {
        "createdTime": time_text(model.created_at),
        "createdBy": model.created_by,
        "description": model.description,
        "experimentName": model.experiment_name,
        "framework": model.framework or "Custom",
        "frameworkVersion": model.framework_version,
        "id": model.id,
        "name": model.name,
        "properties": dict(model.properties),
        "resourceConfiguration": _resources(model.resources),
        "runId": model.run_id,
        "sampleInputDatasetId": model.sample_input_dataset_id,
        "sampleOutputDatasetId": model.sample_output_dataset_id,
        "sizeInBytes": model.size_bytes,
        "tags": dict(model.tags),
        "version": model.version,
    }


def model_details(model: "Model") -> dict[str, Any]:
    """Return what show prints: also the files, and the libraries found when the model was registered."""
    files = [
        {"path": file.path, "sha256": file.sha256, "sizeInBytes": file.size_bytes} for file in model.files
    ]
    return {**model_document(model), "files": files, "libraries": dict(model.libraries)}


def model_row(document: Any) -> dict[str, Any]:
    return {
        "Name": document["name"],
        "Version": document["version"],
        "Framework": document["framework"],
        "Size": size_text(document["sizeInBytes"]),
        "Created": document["createdTime"][:19].replace("T", " "),
        "Tags": labels_text(document["tags"]),
    }


def workspace_document(workspace: "Workspace") -> dict[str, Any]:
    """Return what create, list and show print. The old cloud's parts are there, and null."""
    return {
        "applicationInsights": None,
        "containerRegistry": None,
        "creationTime": time_text(workspace.created_at),
        "description": "",
        "friendlyName": workspace.name,
        "id": str(workspace.path),
        "identityPrincipalId": None,
        "identityTenantId": None,
        "identityType": None,
        "keyVault": None,
        "location": workspace.location,
        "name": workspace.name,
        "path": str(workspace.path),
        "resourceGroup": workspace.resource_group,
        "storageAccount": None,
        "subscriptionId": workspace.subscription_id,
        "type": "Workspace",
        "workspaceid": workspace.name,
    }


def workspace_row(document: Any) -> dict[str, Any]:
    return {"Name": document["name"], "Created": document["creationTime"][:10], "Folder": document["path"]}


def service_document(service: "Service") -> dict[str, Any]:
    """Return what deploy, list, show and update print."""
    fault = service.error
    document = {
        **target_keys(service),
        "authEnabled": service.auth_enabled,
        "candidate": candidate_document(service.candidate),
        "computeType": service.compute_type,
        "createdBy": service.created_by,
        "createdTime": time_text(service.created_at),
        "description": service.description,
        "error": fault and {"code": fault.stage, "message": fault.message, "traceback": fault.traceback},
        "id": service.name,
        "models": list(service.models),
        "name": service.name,
        "port": service.port,
        "properties": dict(service.properties),
        "restarts": service.restarts,
        "revision": service.revision,
        "runtimeType": None,
        "scoringUri": service.scoring_uri,
        "state": service.state,
        "swaggerUri": service.swagger_uri,
        "tags": dict(service.tags),
        "updatedAt": time_text(service.updated_at),
        "updatedTime": time_text(service.updated_at),
    }
    return dict(sorted(document.items()))


def service_row(document: Any) -> dict[str, Any]:
    row = {
        "Name": document["name"],
        "State": document["state"],
        "Target": document["computeType"],
        "Models": ", ".join(document["models"]),
        "Revision": document["revision"],
        "Address": document["scoringUri"],
    }
    if document["candidate"]:
        row["Beside"] = candidate_text(document["candidate"])
    return {**row, "Error": document["error"]["message"]} if document["error"] else row


def candidate_document(seen: "CandidateSeen | None") -> dict[str, Any] | None:
    """Return what is printed of a canary or mirror; times are UTC, counts are answers."""
    if seen is None:
        return None
    ends_at = None if seen.ends_at is None else datetime.fromtimestamp(seen.ends_at, timezone.utc)
    document = {
        "revision": seen.revision,
        "kind": seen.kind,
        "state": seen.state,
        "percent": seen.share_percent,
        "answered": seen.answered,
        "failed": seen.failed,
        "slow": seen.slow,
        "liveAnswered": seen.live_answered,
        "liveFailed": seen.live_failed,
        "endsAt": time_text(ends_at),
        "error": seen.fault and {"code": seen.fault.stage, "message": seen.fault.message},
    }
    return document if seen.kind == "canary" else {**document, "compared": dict(seen.compared)}


def candidate_text(document: Mapping[str, Any]) -> str:
    """Return the same in a few words: ``"2: canary 10 %, serving"``."""
    return f"{document['revision']}: {document['kind']} {document['percent']} %, {document['state']}"


def plan_document(plan: "Plan") -> dict[str, Any]:
    """Return what deploy --dry-run prints."""
    return {
        "isPossible": plan.is_possible,
        "models": [model.id for model in plan.models],
        "problems": [
            {
                "help": problem.help,
                "message": problem.message,
                "severity": problem.severity,
                "where": problem.where,
            }
            for problem in plan.problems
        ],
        "python": None if plan.python is None else str(plan.python),
        "pythonVersion": plan.python_version,
        "script": None if plan.source is None else str(plan.source.script),
        "service": plan.service,
        "target": plan.target,
        "variables": dict(plan.variables),
    }


def time_text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def size_text(size_bytes: int) -> str:
    """Return ``"1.5 MB"``; units of 1000, as file managers count."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def labels_text(labels: Any) -> str:
    return ", ".join(f"{key}={value}" for key, value in (labels or {}).items())


def write_document(path: Path, document: Any) -> None:
    """Write a JSON file for a later command, whole or not at all."""
    import json
    import secrets

    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        aside.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _resources(resources: "ResourceConfiguration | None") -> dict[str, Any] | None:
    if resources is None:
        return None
    return {"cpu": resources.cpu_cores, "memoryInGB": resources.memory_gb, "gpu": resources.gpu_count}
