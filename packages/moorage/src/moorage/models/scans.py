"""Scanning a registered model, or files that are not registered yet."""

import os
import tempfile
from collections.abc import Sequence

from moorage.models.download import download
from moorage.models.model import Model
from moorage.models.queries import get_by_id
from moorage.models.scan_policy import Finding
from moorage.models.source import find_files
from moorage.workspace import Workspace


def scan_path(path: str | os.PathLike[str], child_paths: Sequence[str] | None = None) -> list[Finding]:
    """Return what in a file or folder would run when it is loaded, the most dangerous first.

    Raises:
        ModelPathNotFound, EmptyModelFolder, ModelPathNotAllowed: see `find_files`.
        NotSupported: the scanner is not installed.
    """
    from moorage.models.scanning import scan_files  # needs an extra

    return scan_files([(source.path, source.file) for source in find_files(path, child_paths)])


def scan_model(workspace: Workspace, model: Model | str) -> list[Finding]:
    """As `scan_path`, for the files of a registered model (a record or an id).

    Raises:
        ModelNotFound: it is not registered.
    """
    wanted = get_by_id(workspace, model) if isinstance(model, str) else model
    with tempfile.TemporaryDirectory(prefix="moorage-scan-") as aside:
        return scan_path(download(workspace, wanted, aside))
