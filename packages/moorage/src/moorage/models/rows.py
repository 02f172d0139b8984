"""Models as rows, and back."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, select

from moorage.models.model import Model, ModelFile, ResourceConfiguration
from moorage.storage.tables import model_files, model_properties, model_tags

BATCH = 500
"""Ids in one statement; SQLite allows 32,766 parameters, old ones 999."""


def read_models(connection: Connection, wanted: Select[Any]) -> list[Model]:
    """Run a select of all columns of `models` and return complete records in its order."""
    rows = connection.execute(wanted).all()
    complete = []
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        ids = [row.id for row in batch]
        files = _files(connection, ids)
        tags = _labels(connection, model_tags, ids)
        properties = _labels(connection, model_properties, ids)
        complete += [_model(row, files[row.id], tags[row.id], properties[row.id]) for row in batch]
    return complete


def model_values(model: Model) -> dict[str, Any]:
    """Return the columns of ``model``'s own row."""
    resources = model.resources or ResourceConfiguration()
    return {
        "name": model.name,
        "version": model.version,
        "description": model.description,
        "framework": model.framework,
        "framework_version": model.framework_version,
        "cpu_cores": resources.cpu_cores,
        "memory_gb": resources.memory_gb,
        "gpu_count": resources.gpu_count,
        "run_id": model.run_id,
        "experiment_name": model.experiment_name,
        "sample_input_dataset_id": model.sample_input_dataset_id,
        "sample_output_dataset_id": model.sample_output_dataset_id,
        "created_at": model.created_at,
        "created_by": model.created_by,
        "libraries": dict(model.libraries),
    }


def insert_labels(connection: Connection, table: Table, model_id: int, labels: Mapping[str, str]) -> None:
    """Add tags or properties to the model with row id ``model_id``."""
    insert_all(
        connection, table, ({"model_id": model_id, "key": key, "value": labels[key]} for key in labels)
    )


def insert_all(connection: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    values = list(rows)
    if values:
        connection.execute(table.insert(), values)


def _model(row: Row[Any], files: list[ModelFile], tags: dict[str, str], properties: dict[str, str]) -> Model:
    resources = ResourceConfiguration(row.cpu_cores, row.memory_gb, row.gpu_count)
    created_at: datetime = row.created_at
    return Model(
        name=row.name,
        version=row.version,
        created_at=created_at,
        created_by=row.created_by,
        files=tuple(files),
        description=row.description,
        tags=tags,
        properties=properties,
        framework=row.framework,
        framework_version=row.framework_version,
        resources=None if resources == ResourceConfiguration() else resources,
        run_id=row.run_id,
        experiment_name=row.experiment_name,
        sample_input_dataset_id=row.sample_input_dataset_id,
        sample_output_dataset_id=row.sample_output_dataset_id,
        libraries=row.libraries,
    )


def _files(connection: Connection, ids: Sequence[int]) -> dict[int, list[ModelFile]]:
    found: dict[int, list[ModelFile]] = {number: [] for number in ids}
    columns = model_files.c
    for row in connection.execute(
        select(columns.model_id, columns.path, columns.sha256, columns.size_bytes).where(
            columns.model_id.in_(ids)
        )
    ):
        found[row.model_id].append(ModelFile(row.path, row.sha256, row.size_bytes))
    for files in found.values():
        files.sort(key=lambda file: file.path)  # here, since databases sort by their own rules
    return found


def _labels(connection: Connection, table: Table, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {number: {} for number in ids}
    rows = connection.execute(
        select(table.c.model_id, table.c.key, table.c.value).where(table.c.model_id.in_(ids))
    )
    for model_id, key, value in sorted(map(tuple, rows)):
        found[model_id][key] = value
    return found
