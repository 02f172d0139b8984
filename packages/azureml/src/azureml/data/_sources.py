"""The paths that old code gives: texts, web addresses, data stores with a path, lists of these."""

import os
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from azureml.core.datastore import Datastore
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath
from azureml.exceptions import NotYetAvailable, UserErrorException
from moorage.datasets import LocalFile, RemoteFile, Source, StoredFile, datastore
from moorage.datasets.paths import find_local

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = ["find_sources"]


def find_sources(path: Any) -> "tuple[tuple[Source, ...], Workspace | None]":
    """Return the files that ``path`` means, and the workspace of the data store if one is named.

    Raises:
        UserErrorException: it names no file, or is no path.
    """
    # Each with the folder it was found in, so that files of several folders keep different paths.
    found: list[tuple[str, Source]] = []
    workspace = None
    for one in _several(path):
        place, name = _store_and_path(one)
        if place is not None:
            workspace = place.workspace
            found += _stored(place, name)
        else:
            found += _local_or_remote(name)
    folders = {folder for folder, _source in found}
    common = "" if len(folders) == 1 else os.path.commonpath(folders) if _share_root(folders) else ""
    sources = [
        source if len(folders) == 1 else _below(source, _relative(folder, common)) for folder, source in found
    ]
    return tuple({source.path: source for source in sources}.values()), workspace


def _several(path: Any) -> list[Any]:
    if isinstance(path, list):
        if not path:
            raise UserErrorException("path: an empty list names no file")
        return path
    return [path]


def _store_and_path(one: Any) -> tuple[Datastore | None, str]:
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


def _stored(place: Datastore, path: str) -> Iterable[tuple[str, Source]]:
    folder, files = datastore.find(place.workspace._moorage, place.name, path)
    if not files:
        raise UserErrorException(
            f"{path or '/'} names no file in the data store {place.name}; upload_files() puts files there"
        )
    folder = "" if folder == "." else folder
    for file in files:
        yield f"{place.name}/{folder}", StoredFile(_relative(file.path, folder), file.sha256, file.size_bytes)


def _local_or_remote(text: str) -> Iterable[tuple[str, Source]]:
    scheme = urlsplit(text).scheme.lower()
    if scheme in ("http", "https"):
        name = PurePosixPath(unquote(urlsplit(text).path)).name or "index"
        return [(text.rpartition("/")[0], RemoteFile(name, text))]
    if scheme == "file":
        text = unquote(urlsplit(text).path)
    elif len(scheme) > 1:  # a single letter is a drive
        raise NotYetAvailable(
            f"Reading from {scheme}://",
            "Download the files, or upload them to Datastore.get_default(workspace).",
        )
    base, files = find_local(text)
    return [(base.as_posix(), file) for file in files]


def _share_root(folders: Iterable[str]) -> bool:
    return len({folder.startswith("/") for folder in folders}) == 1


def _relative(path: str, folder: str) -> str:
    return path.removeprefix(folder).strip("/") if folder else path.strip("/")


def _below(source: Source, folder: str) -> Source:
    path = f"{folder}/{source.path}".strip("/").replace("://", "/")
    match source:
        case StoredFile(_, sha256, size_bytes):
            return StoredFile(path, sha256, size_bytes)
        case LocalFile(_, file):
            return LocalFile(path, file)
        case RemoteFile(_, url):
            return RemoteFile(path, url)
