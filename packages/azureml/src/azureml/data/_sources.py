"""The paths that old code gives: texts, web addresses, data stores with a path, lists of these."""

import os
from typing import TYPE_CHECKING, Any

from azureml.core.datastore import Datastore
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath
from azureml.exceptions import UserErrorException
from moorage.datasets import Source
from moorage.datasets.sources import StoredPath
from moorage.datasets.sources import find_sources as find

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = ["find_sources"]


def find_sources(path: Any) -> "tuple[tuple[Source, ...], Workspace | None]":
    """Return the files that ``path`` means, and the workspace of the data store if one is named.

    Raises:
        UserErrorException: it is no path.
    """
    several = path if isinstance(path, list) else [path]
    stores = [place for place, _path in map(_read, several) if place is not None]
    workspace = stores[0].workspace if stores else None
    paths = [name if place is None else StoredPath(place.name, name) for place, name in map(_read, several)]
    return find(None if workspace is None else workspace._moorage, paths), workspace


def _read(one: Any) -> tuple[Datastore | None, str]:
    match one:
        case str() | os.PathLike():
            return None, os.fspath(one)
        case (Datastore() as place, str() as path):
            return place, path
        case DataPath() | DataReference():
            return one.datastore, one.path_on_datastore or ""
        case Datastore():
            return one, ""
    raise UserErrorException(
        f"path: a text, (datastore, 'path'), or a list of these is expected, not {one!r}"
    )
