"""Models as rows, and back."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Connection, Row, Select, Subquery, Table, func, select

from moorage.models.model import Model, ModelFile, ResourceConfiguration
from moorage.storage.tables import model_files, model_properties, model_tags


def read_models(connection: Connection, wanted: Select[Any]) -> list[Model]:
    """Run a select of all columns of `models`, newest first, and return complete records in that order.

    One statement: what it returns was all true at the same moment, and a database on another machine is
    asked once.
    """
    chosen = wanted.subquery("chosen")
    files, tags, properties = model_files.c, model_tags.c, model_properties.c
    is_sqlite = connection.dialect.name == "sqlite"
    statement = select(
        chosen,
        _collected(chosen, files.model_id, (files.path, files.sha256, files.size_bytes), is_sqlite).label(
            "files"
        ),
        _collected(chosen, tags.model_id, (tags.key, tags.value), is_sqlite).label("tags"),
        _collected(chosen, properties.model_id, (properties.key, properties.value), is_sqlite).label(
            "properties"
        ),
    ).order_by(chosen.c.id.desc())
    return [_model(row) for row in connection.execute(statement)]


def _collected(chosen: Subquery, owner: Column[Any], columns: Sequence[Column[Any]], is_sqlite: bool) -> Any:
    """Select the rows of a chosen model as one JSON array of arrays; null or [] if there are none."""
    group, make = ("json_group_array", "json_array") if is_sqlite else ("json_agg", "json_build_array")
    rows = getattr(func, group)(getattr(func, make)(*columns), type_=JSON)
    return select(rows).where(owner == chosen.c.id).scalar_subquery()


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


def _model(row: Row[Any]) -> Model:
    resources = ResourceConfiguration(row.cpu_cores, row.memory_gb, row.gpu_count)
    created_at: datetime = row.created_at
    # Sorted here, since databases sort by their own rules.
    files = tuple(ModelFile(*values) for values in sorted(row.files or ()))
    return Model(
        name=row.name,
        version=row.version,
        created_at=created_at,
        created_by=row.created_by,
        files=files,
        description=row.description,
        tags=dict(sorted(row.tags or ())),
        properties=dict(sorted(row.properties or ())),
        framework=row.framework,
        framework_version=row.framework_version,
        resources=None if resources == ResourceConfiguration() else resources,
        run_id=row.run_id,
        experiment_name=row.experiment_name,
        sample_input_dataset_id=row.sample_input_dataset_id,
        sample_output_dataset_id=row.sample_output_dataset_id,
        libraries=row.libraries,
    )
