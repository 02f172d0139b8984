"""The JSON files by which one command hands its result to another (``-t`` writes, ``-f`` reads)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moorage.cli.documents import model_document
from moorage.errors import InvalidArgument

if TYPE_CHECKING:
    from moorage.models import Model
    from moorage.workspace import Workspace


def check_writable(path: Path | None) -> None:
    """Refuse a file that cannot be written, before anything is done whose result should go there.

    Raises:
        InvalidArgument: its folder does not exist, or it is a folder itself.
    """
    if path is None:
        return
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise InvalidArgument(
            "--output-metadata-file", f"{path} cannot be written: no such folder, or a folder"
        )


def registration_metadata(workspace: "Workspace", model: "Model") -> dict[str, Any]:
    return {
        "modelId": model.id,
        "workspaceName": workspace.name,
        "resourceGroupName": workspace.resource_group,
        "subscriptionId": workspace.subscription_id,
        **model_document(model),
    }


def model_id_of_file(path: Path) -> str:
    """Return the id in a file that ``model register -t`` wrote.

    Raises:
        InvalidArgument: no such file, or no id in it.
    """
    found = _read("--model-metadata-file", path)
    for key in ("modelId", "id"):
        if isinstance(found.get(key), str):
            return str(found[key])
    raise InvalidArgument("--model-metadata-file", f"{path} names no model (key modelId)")


def run_of_file(path: Path) -> tuple[str | None, str | None]:
    """Return experiment name and run id of a file with run metadata, whatever the case of its keys.

    Raises:
        InvalidArgument: no such file, or no run in it.
    """
    found = _read("--run-metadata-file", path)
    values = {key.lower().replace("_", ""): found[key] for key in found}
    experiment, run_id = values.get("experimentname"), values.get("runid")
    if not isinstance(run_id, str):
        raise InvalidArgument("--run-metadata-file", f"{path} names no run (key runId)")
    return (experiment if isinstance(experiment, str) else None), run_id


def _read(flag: str, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InvalidArgument(flag, f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InvalidArgument(flag, f"{path} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidArgument(flag, f"{path} holds no JSON object")
    return found
