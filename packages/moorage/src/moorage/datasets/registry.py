"""Registered data sets: versions of a name, like models. A saved one has an id only."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, select, update

from moorage.datasets import contents
from moorage.datasets.dataset import Dataset, StoredFile, check_dataset_name, read_definition
from moorage.errors import DatasetExists, DatasetInUse, DatasetNotFound
from moorage.models.model import checked_labels, checked_text
from moorage.models.registration import user_name
from moorage.spelling import LONGEST_SEARCH
from moorage.storage.audit import record
from moorage.storage.statements import next_number
from moorage.storage.tables import dataset_files, dataset_names, datasets, model_datasets, models
from moorage.workspace import Workspace

__all__ = ["change", "get", "get_by_id", "list_datasets", "register", "save", "unregister"]


def register(
    workspace: Workspace,
    dataset: Dataset,
    name: str,
    *,
    description: str | None = None,
    tags: Mapping[str, object] | None = None,
    new_version: bool = False,
) -> Dataset:
    """Store the files and give the data set a name and the next version: 1, 2, 3, ...

    A name whose newest version has the same files and definition keeps that version.

    Raises:
        InvalidName, InvalidArgument: nothing was read.
        DatasetExists: the name is taken by another content, and ``new_version`` is False.
    """
    check_dataset_name(name)
    draft = replace(
        dataset,
        name=name,
        description=checked_text("description", description),
        tags=checked_labels("tags", tags),
    )
    return _write(workspace, draft, new_version)


def save(workspace: Workspace, dataset: Dataset) -> Dataset:
    """Store the files and give the data set an id, if it has none yet."""
    return dataset if dataset.id is not None else _write(workspace, replace(dataset, name=None), True)


def _write(workspace: Workspace, draft: Dataset, new_version: bool) -> Dataset:
    at = datetime.now(timezone.utc)
    definition = draft.definition()

    def write(connection: Connection, files: tuple[StoredFile, ...]) -> Dataset:
        version = None
        if draft.name is not None:
            version = next_number(connection, dataset_names, {"name": draft.name}, counter="last_version")
            newest = _newest(connection, draft.name)
            if newest is not None and _content(newest) == (files, definition):
                connection.execute(
                    update(dataset_names)
                    .where(dataset_names.c.name == draft.name)
                    .values(last_version=version - 1)
                )
                return newest
            if newest is not None and not new_version:
                raise DatasetExists(draft.name)
        made = replace(
            draft, id=str(uuid.uuid4()), version=version, files=files, created_at=at, created_by=user_name()
        )
        _insert(connection, made, files)
        size_bytes = sum(file.size_bytes for file in files)
        verb = "saved" if made.name is None else "registered"
        record(connection, f"dataset.{verb}", _subject(made), files=len(files), size_bytes=size_bytes)
        return made

    unique = {source.path: source for source in draft.files}
    return contents.keep(workspace, [unique[path] for path in sorted(unique)], at, write)


def _content(dataset: Dataset) -> tuple[object, object]:
    return dataset.files, dataset.definition()


def _insert(connection: Connection, made: Dataset, files: Sequence[StoredFile]) -> None:
    row = {
        "id": made.id,
        "name": made.name,
        "version": made.version,
        "definition": made.definition(),
        "description": made.description,
        "tags": dict(made.tags),
        "created_at": made.created_at,
        "created_by": made.created_by,
    }
    connection.execute(datasets.insert().values(row))
    rows = [
        {"dataset_id": made.id, "path": file.path, "sha256": file.sha256, "size_bytes": file.size_bytes}
        for file in files
    ]
    if rows:
        connection.execute(dataset_files.insert(), rows)


def get(workspace: Workspace, name: str, version: int | None = None) -> Dataset:
    """Return a registered data set, the newest version if none is given.

    Raises:
        DatasetNotFound: there is no such name or version.
    """
    wanted = select(datasets).where(datasets.c.name == name)
    if version is not None:
        wanted = wanted.where(datasets.c.version == version)
    with workspace.database.read() as connection:
        found = _read(connection, wanted.order_by(datasets.c.version.desc()).limit(1))
        if not found:
            names = (
                select(datasets.c.name).where(datasets.c.name.is_not(None)).distinct().limit(LONGEST_SEARCH)
            )
            known = connection.execute(names).scalars().all()
            raise DatasetNotFound(name if version is None else f"{name}:{version}", known)
    return found[0]


def get_by_id(workspace: Workspace, dataset_id: str) -> Dataset:
    """Return a saved or registered data set; raises `DatasetNotFound`."""
    with workspace.database.read() as connection:
        found = _read(connection, select(datasets).where(datasets.c.id == dataset_id))
    if not found:
        raise DatasetNotFound(dataset_id)
    return found[0]


def list_datasets(workspace: Workspace, *, name: str | None = None) -> list[Dataset]:
    """Return the newest version of each name, or with ``name`` all its versions, newest first."""
    wanted = select(datasets).where(datasets.c.name == name if name else datasets.c.name.is_not(None))
    with workspace.database.read() as connection:
        found = _read(connection, wanted.order_by(datasets.c.name, datasets.c.version.desc()))
    if name is not None:
        return found
    newest: dict[str, Dataset] = {}
    for dataset in found:
        newest.setdefault(str(dataset.name), dataset)
    return list(newest.values())


def change(
    workspace: Workspace,
    dataset: Dataset,
    *,
    description: str | None = None,
    tags: Mapping[str, object] | None = None,
) -> Dataset:
    """Replace description and tags, where given; files and definition never change."""
    changes: dict[str, Any] = {}
    if description is not None:
        changes["description"] = checked_text("description", description)
    if tags is not None:
        changes["tags"] = dict(checked_labels("tags", tags))
    if changes:
        with workspace.database.write() as connection:
            changed = update(datasets).where(datasets.c.id == dataset.id).values(**changes)
            if connection.execute(changed).rowcount:
                record(connection, "dataset.changed", _subject(dataset), changed=sorted(changes))
    return get_by_id(workspace, str(dataset.id))


def unregister(workspace: Workspace, name: str) -> int:
    """Remove all versions of a name and return how many; numbers are not given again.

    Raises:
        DatasetInUse: a model names one of them as its sample, or was made with one.
    """
    with workspace.database.write() as connection:
        found = _read(connection, select(datasets).where(datasets.c.name == name))
        ids = [dataset.id for dataset in found]
        samples = models.c.sample_input_dataset_id.in_(ids) | models.c.sample_output_dataset_id.in_(ids)
        linked = select(model_datasets.c.model_id).where(model_datasets.c.dataset_id.in_(ids))
        uses = samples | models.c.id.in_(linked)
        users = connection.execute(select(models.c.name, models.c.version).where(uses)).all()
        if users:
            raise DatasetInUse(name, [f"{model}:{version}" for model, version in users])
        connection.execute(delete(datasets).where(datasets.c.name == name))
        if found:
            record(connection, "dataset.unregistered", f"dataset {name}", versions=len(found))
    return len(found)


def _subject(dataset: Dataset) -> str:
    """Return how the audit log calls a data set."""
    return f"dataset {dataset.id if dataset.name is None else f'{dataset.name}:{dataset.version}'}"


def _newest(connection: Connection, name: str) -> Dataset | None:
    wanted = select(datasets).where(datasets.c.name == name).order_by(datasets.c.version.desc()).limit(1)
    return next(iter(_read(connection, wanted)), None)


def _read(connection: Connection, wanted: Select[Any]) -> list[Dataset]:
    return [_dataset(connection, row) for row in connection.execute(wanted).all()]


def _dataset(connection: Connection, row: Row[Any]) -> Dataset:
    columns = dataset_files.c
    files = connection.execute(
        select(columns.path, columns.sha256, columns.size_bytes).where(columns.dataset_id == row.id)
    )
    table, steps = read_definition(row.definition)
    return Dataset(
        files=tuple(sorted((StoredFile(*file) for file in files), key=lambda file: file.path)),
        table=table,
        steps=steps,
        id=row.id,
        name=row.name,
        version=row.version,
        description=row.description,
        tags=row.tags,
        created_at=row.created_at,
        created_by=row.created_by,
    )
