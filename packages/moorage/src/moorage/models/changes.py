"""Changing and deleting models."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError

from moorage.errors import ModelInUse, ModelNotFound, PropertyExists
from moorage.models.model import Model, ResourceConfiguration, checked_labels, checked_text, parse_model_id
from moorage.models.queries import find
from moorage.models.rows import insert_labels
from moorage.models.unused import remove_if_unused
from moorage.storage.audit import record
from moorage.storage.tables import model_properties, model_tags, models, service_models
from moorage.workspace import Workspace


def update(
    workspace: Workspace,
    model: Model | str,
    *,
    tags: Mapping[str, object] | None = None,
    description: str | None = None,
    add_tags: Mapping[str, object] | None = None,
    remove_tags: Sequence[str] = (),
    add_properties: Mapping[str, object] | None = None,
    resources: ResourceConfiguration | None = None,
    sample_input_dataset_id: str | None = None,
    sample_output_dataset_id: str | None = None,
) -> Model:
    """Change one version (a record or an id) in one transaction and return it as it is now.

    ``tags`` replaces all tags; then ``remove_tags`` (missing ones are fine), then ``add_tags``. None changes
    nothing.

    Raises:
        ModelNotFound: it is not registered (any more).
        PropertyExists: properties are set once; nothing was changed.
        InvalidArgument: a label or text cannot be kept.
    """
    new_tags = None if tags is None else checked_labels("tags", tags)
    more_tags, more_properties = (
        checked_labels("tags", add_tags),
        checked_labels("properties", add_properties),
    )
    texts = {
        "description": checked_text("description", description),
        "sample_input_dataset_id": checked_text("sample_input_dataset_id", sample_input_dataset_id, 255),
        "sample_output_dataset_id": checked_text("sample_output_dataset_id", sample_output_dataset_id, 255),
    }
    columns: dict[str, Any] = {name: value for name, value in texts.items() if value is not None}
    if resources is not None:
        columns |= {
            "cpu_cores": resources.cpu_cores,
            "memory_gb": resources.memory_gb,
            "gpu_count": resources.gpu_count,
        }
    with workspace.database.write() as connection:
        row_id, current = _locked(connection, model)
        _add_properties(connection, row_id, current, more_properties)
        if columns:
            connection.execute(models.update().where(models.c.id == row_id).values(columns))
        kept = dict(current.tags) if new_tags is None else new_tags
        wanted = {key: kept[key] for key in kept if key not in set(remove_tags)} | more_tags
        if wanted != current.tags:
            _replace_labels(connection, model_tags, row_id, wanted)
        changed = [*columns, *(["tags"] if wanted != current.tags else [])]
        changed += ["properties"] if more_properties else []
        if changed:
            record(connection, "model.changed", f"model {current.id}", changed=changed)
        return find(connection, current.name, current.version)


def delete(workspace: Workspace, model: Model | str) -> None:
    """Delete one version (a record or an id) and the contents that nothing else uses. Its number stays used.

    Raises:
        ModelNotFound: it is not registered (any more).
        ModelInUse: services use it.
    """
    with workspace.database.write() as connection:
        row_id, current = _locked(connection, model)
        if users := _services(connection, current):
            raise ModelInUse(current.id, users)
        try:
            connection.execute(sql_delete(models).where(models.c.id == row_id))
        except IntegrityError as error:  # a deployment took it since we looked
            raise ModelInUse(current.id, ["that was deployed at this moment"]) from error
        record(connection, "model.deleted", f"model {current.id}")
    # Afterwards and one by one: killed here, unused contents stay and are collected later.
    for sha256 in sorted({file.sha256 for file in current.files}):
        remove_if_unused(workspace, sha256)


def _locked(connection: Connection, model: Model | str) -> tuple[int, Model]:
    """Return row id and record of a model whose row no other transaction can change until this one ends."""
    if isinstance(model, Model):
        name, version = model.name, model.version
    else:
        name, wanted = parse_model_id(model)
        version = find(connection, name, wanted).version
    rows = select(models.c.id).where(models.c.name == name, models.c.version == version)
    row_id = connection.execute(rows.with_for_update()).scalar()
    if row_id is None:
        raise ModelNotFound(name, version)
    return row_id, find(connection, name, version)


def _services(connection: Connection, model: Model) -> Sequence[str]:
    columns = service_models.c
    users = select(columns.service_name).where(
        columns.model_name == model.name, columns.model_version == model.version
    )
    return sorted(connection.execute(users).scalars())


def _add_properties(connection: Connection, row_id: int, current: Model, new: Mapping[str, str]) -> None:
    for key in new:
        if key in current.properties:
            raise PropertyExists(
                f"model {current.id} has the property {key!r} already ({current.properties[key]!r}); "
                "properties are set once. Use a tag for what changes"
            )
    insert_labels(connection, model_properties, row_id, new)


def _replace_labels(connection: Connection, table: Table, row_id: int, labels: Mapping[str, str]) -> None:
    connection.execute(sql_delete(table).where(table.c.model_id == row_id))
    insert_labels(connection, table, row_id, labels)
