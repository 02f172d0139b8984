"""The model registry: versions of files, given numbers by the database, never changed afterwards."""

from moorage.models.changes import delete, update
from moorage.models.download import download
from moorage.models.model import Model, ModelFile, ResourceConfiguration, check_model_name
from moorage.models.queries import get, get_by_id, list_models
from moorage.models.registration import register
from moorage.models.scan_policy import Finding
from moorage.models.scans import scan_model, scan_path
from moorage.models.unused import remove_unused_blobs

__all__ = [
    "Finding",
    "Model",
    "ModelFile",
    "ResourceConfiguration",
    "check_model_name",
    "delete",
    "download",
    "get",
    "get_by_id",
    "list_models",
    "register",
    "remove_unused_blobs",
    "scan_model",
    "scan_path",
    "update",
]
