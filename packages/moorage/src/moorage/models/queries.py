"""Finding models."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, Table, desc, exists, func, or_, select

from moorage.errors import InvalidArgument, ModelNotFound
from moorage.models.model import Model, parse_model_id
from moorage.models.rows import read_models
from moorage.spelling import LONGEST_SEARCH
from moorage.storage.tables import model_names, model_properties, model_tags, models
from moorage.workspace import Workspace

LabelFilter = str | tuple[str, str]
"""``"key"``, ``"key=value"``, or ``(key, value)``."""


def get(workspace: Workspace, name: str, version: int | None = None) -> Model:
    """Return one version of a model, the newest without ``version``.

    Raises:
        ModelNotFound: no such model, or not that version of it.
    """
    with workspace.database.look() as connection:
        return find(connection, name, version)


def get_by_id(workspace: Workspace, model_id: str) -> Model:
    """Return the model with the id ``name:version``; ``name`` alone means its newest version.

    Raises:
        ModelNotFound: it is not registered.
        InvalidArgument: the version is not a number.
    """
    return get(workspace, *parse_model_id(model_id))


def find(connection: Connection, name: str, version: int | None) -> Model:
    """As `get`, inside a transaction of the caller."""
    wanted = select(models).where(models.c.name == name).order_by(models.c.id.desc()).limit(1)
    if version is not None:
        wanted = wanted.where(models.c.version == version)
    found = read_models(connection, wanted)
    if not found:
        newest_first = select(models.c.version).where(models.c.name == name).order_by(models.c.id.desc())
        versions = connection.execute(newest_first.limit(11)).scalars().all()
        # A name outlives its models, so that its numbers are never given twice.
        living = select(model_names.c.name).where(exists().where(models.c.name == model_names.c.name))
        names = () if versions else connection.execute(living.limit(LONGEST_SEARCH)).scalars().all()
        raise ModelNotFound(name, version, versions, names)
    return found[0]


def list_models(
    workspace: Workspace,
    *,
    name: str | None = None,
    tags: Sequence[LabelFilter] = (),
    properties: Sequence[LabelFilter] = (),
    run_id: str | None = None,
    framework: str | None = None,
    dataset_id: str | None = None,
    latest: bool = False,
    offset: int = 0,
    limit: int | None = None,
) -> list[Model]:
    """Return the models that pass all filters, newest first; ``latest``: of each name only the newest.

    A tag or property filter is a key that must be there, or a key and its value. ``dataset_id`` is that of
    the sample input or output.

    Raises:
        InvalidArgument: negative ``offset`` or ``limit``, or an empty key.
    """
    if offset < 0 or (limit is not None and limit < 0):
        raise InvalidArgument("offset and limit", "cannot be negative")
    conditions: list[Any] = []
    for column, value in (("name", name), ("run_id", run_id), ("framework", framework)):
        if value is not None:
            conditions.append(models.c[column] == value)
    if dataset_id is not None:
        samples = (models.c.sample_input_dataset_id, models.c.sample_output_dataset_id)
        conditions.append(or_(*(column == dataset_id for column in samples)))
    conditions += [_has(model_tags, "tags", wanted) for wanted in tags]
    conditions += [_has(model_properties, "properties", wanted) for wanted in properties]
    # The page is chosen among the ids alone: the rest of a row is read for those that are on it.
    numbers = _newest(conditions) if latest else select(models.c.id.label("number")).where(*conditions)
    numbers = numbers.order_by(desc("number")).offset(offset or None).limit(limit)
    page = numbers.subquery("page")
    with workspace.database.look() as connection:
        return read_models(connection, select(models).join(page, models.c.id == page.c.number))


def _newest(conditions: Sequence[Any]) -> Select[Any]:
    """Select, of each name, the id of the newest of the models that pass the conditions, as ``number``."""
    if conditions:
        newest = func.max(models.c.id).label("number")
        return select(newest).where(*conditions).group_by(models.c.name)
    # One look into an index for each name, not a walk over all versions. A name may have no models left.
    of_name = select(func.max(models.c.id)).where(models.c.name == model_names.c.name)
    number = func.coalesce(of_name.correlate(model_names).scalar_subquery(), 0)
    return select(number.label("number")).select_from(model_names)


def _has(table: Table, argument: str, wanted: LabelFilter) -> Any:
    key, has_value, value = wanted.partition("=") if isinstance(wanted, str) else (wanted[0], True, wanted[1])
    if not key:
        raise InvalidArgument(argument, f"{wanted!r} is not a filter; write key or key=value")
    condition = table.c.key == key
    if has_value:
        condition &= table.c.value == value
    return models.c.id.in_(select(table.c.model_id).where(condition))
