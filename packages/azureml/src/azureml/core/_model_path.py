"""``Model.get_model_path`` for code that is not inside a service: the same search, and a workspace to ask."""

from pathlib import Path

from azureml.exceptions import ModelNotFoundException, WebserviceException
from moorage import models
from moorage.workspace import Workspace
from moorage_runtime.legacy import exceptions as runtime
from moorage_runtime.legacy.model_paths import Model as DeployedModel

__all__ = ["find"]

_FOLDER = "azureml-models"


def find(name: str, version: int | None, workspace: Workspace | None) -> str:
    """See ``Model.get_model_path``."""
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        raise WebserviceException(f"version: a whole number is expected, not {version!r}")
    if workspace is not None and (version is None or not Path(_FOLDER, name, str(version)).is_dir()):
        record = models.get(workspace, name, version)
        target = Path(_FOLDER, name, str(record.version))
        return str(models.download(workspace, record, target, exist_ok=True))
    try:
        return DeployedModel.get_model_path(name, version)
    except runtime.ModelNotFoundException as error:
        # The old client had two exceptions for the two questions.
        kind = ModelNotFoundException if version is None else WebserviceException
        raise kind(str(error), inner_exception=error) from error
    except runtime.WebserviceException as error:
        raise WebserviceException(str(error), inner_exception=error) from error
