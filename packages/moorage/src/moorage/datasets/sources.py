"""The files behind a list of paths: here, behind a web address, or in a data store."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from moorage.datasets import datastore
from moorage.datasets.dataset import RemoteFile, Source
from moorage.datasets.paths import find_local
from moorage.errors import DatasetFileNotFound, NotSupported
from moorage.workspace import Workspace

__all__ = ["StoredPath", "find_sources"]


@dataclass(frozen=True, slots=True)
class StoredPath:
    """A file, folder or pattern in a data store."""

    datastore: str
    path: str = ""


def find_sources(workspace: Workspace | None, paths: Sequence[str | StoredPath]) -> tuple[Source, ...]:
    """Return the files that the paths mean, each named by its path below the folder they share.

    ``workspace`` may be None if no path is in a data store.

    Raises:
        DatasetFileNotFound: a path names no file, or there is no path.
        NotSupported: an address of a kind that cannot be read.
    """
    if not paths:
        raise DatasetFileNotFound("an empty list of paths names no file")
    # Each with the folder it was found in, so that files of several folders keep different paths.
    found: list[tuple[str, Source]] = []
    for one in paths:
        found += _stored(workspace, one) if isinstance(one, StoredPath) else _elsewhere(one)
    folders = {folder for folder, _source in found}
    if len(folders) == 1:
        sources: Iterable[Source] = (source for _folder, source in found)
    else:
        shared = os.path.commonpath(folders) if _have_one_root(folders) else ""
        sources = (_below(_relative(folder, shared), source) for folder, source in found)
    return tuple({source.path: source for source in sources}.values())


def _stored(workspace: Workspace | None, wanted: StoredPath) -> Iterator[tuple[str, Source]]:
    if workspace is None:
        raise ValueError("data stores are in a workspace")
    folder, files = datastore.find(workspace, wanted.datastore, wanted.path)
    if not files:
        raise DatasetFileNotFound(
            f"{wanted.path or '/'} names no file in the data store {wanted.datastore}; "
            "upload_files() puts files there"
        )
    folder = "" if folder == "." else folder
    for file in files:
        yield f"{wanted.datastore}/{folder}", replace(file, path=_relative(file.path, folder))


def _elsewhere(text: str) -> list[tuple[str, Source]]:
    scheme = urlsplit(text).scheme.lower()
    if scheme in ("http", "https"):
        name = PurePosixPath(unquote(urlsplit(text).path)).name or "index"
        return [(text.rpartition("/")[0], RemoteFile(name, text))]
    if scheme == "file":
        text = unquote(urlsplit(text).path)
    elif len(scheme) > 1:  # a single letter is a drive
        raise NotSupported(
            f"reading from {scheme}:// is not available; download the files, or upload them to a data store"
        )
    base, files = find_local(text)
    return [(base.as_posix(), file) for file in files]


def _have_one_root(folders: Iterable[str]) -> bool:
    """Tell whether the folders can share a part: absolute and relative ones cannot."""
    return len({folder.startswith("/") for folder in folders}) == 1


def _relative(path: str, folder: str) -> str:
    return path.removeprefix(folder).strip("/")


def _below(folder: str, source: Source) -> Source:
    return replace(source, path=f"{folder}/{source.path}".strip("/").replace("://", "/"))
