"""The file ``config.json`` that ties a folder to a workspace: where it is, what it says, how to write it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from moorage.errors import InvalidWorkspaceFile

__all__ = ["WorkspaceConfig", "find", "read", "write"]

FILE_NAME = "config.json"
_FOLDERS = (".azureml", "aml_config", ".")
_SCOPE = re.compile(r"/subscriptions/([^/]+)/resourceGroups/([^/]+)/.*/workspaces/([^/]+)/?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WorkspaceConfig:
    """What the file names."""

    subscription_id: str
    resource_group: str
    workspace_name: str


def find(path: str | None, file_name: str | None = None) -> Path:
    """Return the file: ``path`` itself, or the nearest one from the folder ``path`` (None: here) upwards.

    Raises:
        InvalidWorkspaceFile: there is none.
    """
    start = Path.cwd() if path is None else Path(path)
    if start.is_file():
        return start
    if start.is_dir():
        for candidate in _candidates(start.resolve(), file_name or FILE_NAME):
            if candidate.is_file():
                return candidate
        places = f"neither it nor a folder above it has {', '.join(f'{f}/{FILE_NAME}' for f in _FOLDERS)}"
    else:
        places = "there is no such file or folder"
    raise InvalidWorkspaceFile(
        f"no workspace configuration was found from {start}: {places}. "
        "Workspace(...).write_config() writes one, Workspace.create(name) makes a workspace"
    )


def _candidates(start: Path, file_name: str) -> Iterator[Path]:
    for folder in (start, *start.parents):
        for place in _FOLDERS:
            yield folder / place / file_name


def read(path: Path) -> WorkspaceConfig:
    """Read both forms: three keys, or ``Scope`` with the resource id of the workspace.

    Raises:
        InvalidWorkspaceFile: keys are missing.
        json.JSONDecodeError: the file is not JSON.
    """
    with path.open(encoding="utf-8") as file:
        document = json.load(file)
    if isinstance(document, dict):
        match = _SCOPE.fullmatch(str(document.get("Scope", "")))
        if match:
            return WorkspaceConfig(*match.groups())
        keys = ("subscription_id", "resource_group", "workspace_name")
        values = [value for key in keys if isinstance(value := document.get(key), str) and value]
        if len(values) == len(keys):
            return WorkspaceConfig(*values)
    raise InvalidWorkspaceFile(
        f"{path} must hold subscription_id, resource_group and workspace_name, as texts"
    )


def write(config: WorkspaceConfig, path: str | None, file_name: str | None) -> Path:
    """Write the file below ``path`` (None: here), into ``aml_config`` if that folder is there.

    Raises:
        InvalidWorkspaceFile: ``path`` is not a folder.
    """
    base = Path.cwd() if path is None else Path(path)
    if not base.is_dir():
        raise InvalidWorkspaceFile(f"cannot write the configuration: the folder {base} does not exist")
    folder = base / "aml_config" if (base / "aml_config").is_dir() else base / ".azureml"
    folder.mkdir(exist_ok=True)
    target = folder / (file_name or FILE_NAME)
    document = {
        "subscription_id": config.subscription_id,
        "resource_group": config.resource_group,
        "workspace_name": config.workspace_name,
    }
    target.write_text(json.dumps(document, indent=4) + "\n", encoding="utf-8")
    return target
