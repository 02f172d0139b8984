"""Services in the database."""

import getpass
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import IntegrityError

from moorage.errors import InvalidConfiguration, ModelNotFound, ServiceNotFound
from moorage.models.model import parse_model_id
from moorage.services.definitions import Definition, from_json, to_json
from moorage.services.service import Row
from moorage.storage.audit import record
from moorage.storage.tables import service_models, service_revisions, services
from moorage.targets import Fault
from moorage.workspace import Workspace

logger = logging.getLogger(__name__)


def find(workspace: Workspace, name: str) -> Row:
    """Return a service's row.

    Raises:
        ServiceNotFound: there is none of that name.
    """
    with workspace.database.read() as connection:
        row = _find(connection, name)
        known = (
            []
            if row
            else connection.execute(select(services.c.name).order_by(services.c.name)).scalars().all()
        )
    if row is None:
        raise ServiceNotFound(name, known)
    return row


def find_or_none(workspace: Workspace, name: str) -> Row | None:
    """Return a service's row, None if there is none."""
    with workspace.database.read() as connection:
        return _find(connection, name)


def find_all(workspace: Workspace) -> list[tuple[Row, dict[int, Definition]]]:
    """Return all services by name, each with the definitions of its kept revisions."""
    with workspace.database.read() as connection:
        rows = [_row(row) for row in connection.execute(select(services).order_by(services.c.name))]
        definitions: dict[str, dict[int, Definition]] = {row.name: {} for row in rows}
        for found in connection.execute(select(service_revisions)):
            definitions[found.service_name] |= _understood(found)
    return [(row, definitions[row.name]) for row in rows]


def definitions_of(workspace: Workspace, name: str) -> dict[int, Definition]:
    """Return the definitions of the kept revisions of a service by number."""
    wanted = select(service_revisions).where(service_revisions.c.service_name == name)
    with workspace.database.read() as connection:
        found = [_understood(row) for row in connection.execute(wanted)]
    return {number: definition for one in found for number, definition in one.items()}


def definition_of(workspace: Workspace, name: str, revision: int | None) -> Definition | None:
    """Return the definition of a kept revision, None if it is not kept.

    Raises:
        InvalidConfiguration: it was written by a newer version.
    """
    columns = service_revisions.c
    wanted = select(columns.definition).where(columns.service_name == name, columns.number == revision)
    with workspace.database.read() as connection:
        value = connection.execute(wanted).scalar()
    return None if value is None else from_json(value)


def begin(
    workspace: Workspace, name: str, target: str, definition: Definition, changes: Mapping[str, Any]
) -> Row:
    """Note that a new revision is wanted and return the row with its number.

    ``changes`` are columns to set, such as tags. Models of the new and the live revision count as used.

    Raises:
        ModelNotFound: a model was deleted since the plan was made.
    """
    now = datetime.now(timezone.utc)
    with workspace.database.write() as connection:
        row = _find(connection, name)
        number = (row.last_revision if row else 0) + 1
        values = {**changes, "target": target, "last_revision": number, "wanted_revision": number}
        if row is None:
            first = {"tags": {}, "properties": {}, "created_at": now, "created_by": user()}
            connection.execute(services.insert().values(name=name, updated_at=now, **{**first, **values}))
        else:
            connection.execute(
                update(services).where(services.c.name == name).values(updated_at=now, **values)
            )
        connection.execute(
            service_revisions.insert().values(
                service_name=name,
                number=number,
                definition=to_json(definition),
                created_at=now,
                created_by=user(),
            )
        )
        verb = "deployed" if row is None or row.live_revision is None else "updated"
        details = {"revision": number, "models": list(definition.models)}
        record(connection, f"service.{verb}", f"service {name}", **details)
        used = set(definition.models) | set(_models_of(connection, name, row.live_revision if row else None))
        _use_models(connection, name, used)
        made = _find(connection, name)
    if made is None:
        raise ServiceNotFound(name)
    return made


def went_live(workspace: Workspace, name: str, revision: int, host: str | None, port: int | None) -> None:
    """Note that a revision serves."""
    with workspace.database.write() as connection:
        _set(
            connection,
            name,
            wanted_revision=revision,
            live_revision=revision,
            error=None,
            host=host,
            port=port,
        )
        columns = service_revisions.c
        connection.execute(
            update(service_revisions)
            .where(columns.service_name == name, columns.number == revision)
            .values(live_at=datetime.now(timezone.utc), withdrawn_at=None, fault=None)
        )
        record(connection, "service.live", f"service {name}", revision=revision)
        # A revision that is taken back to has its own files of models that were deleted since.
        _use_models(connection, name, _models_of(connection, name, revision), are_kept=True)


def fell_back(workspace: Workspace, name: str, lost: int, revision: int, fault: Fault) -> None:
    """Note that a revision lost its trial and an earlier one serves instead."""
    columns = service_revisions.c
    with workspace.database.write() as connection:
        _set(connection, name, wanted_revision=revision, live_revision=revision)
        connection.execute(
            update(service_revisions)
            .where(columns.service_name == name, columns.number == lost)
            .values(withdrawn_at=datetime.now(timezone.utc), fault=asdict(fault))
        )
        details = {"revision": revision, "lost": lost, "message": fault.message[:500]}
        record(connection, "service.fell-back", f"service {name}", **details)
        _use_models(connection, name, _models_of(connection, name, revision), are_kept=True)


def went_back(workspace: Workspace, name: str, fault: Fault | None) -> None:
    """Note that the wanted revision did not come to serve; the live one, if any, is wanted again."""
    with workspace.database.write() as connection:
        row = _find(connection, name)
        if row is None:
            return
        is_live = row.live_revision is not None
        wanted = row.live_revision if is_live else row.wanted_revision
        error = None if is_live or fault is None else asdict(fault)
        _set(connection, name, wanted_revision=wanted, error=error)
        message = None if fault is None else fault.message[:500]
        failed = {"revision": row.wanted_revision, "stage": fault and fault.stage, "message": message}
        record(connection, "service.failed", f"service {name}", **failed)
        columns = service_revisions.c
        if row.wanted_revision != row.live_revision and fault is not None:
            connection.execute(
                update(service_revisions)
                .where(columns.service_name == name, columns.number == row.wanted_revision)
                .values(fault=asdict(fault))
            )
        # After a rollback that failed, what serves was not given up after all.
        connection.execute(
            update(service_revisions)
            .where(columns.service_name == name, columns.number == row.live_revision)
            .values(withdrawn_at=None, fault=None)
        )
        # What never served holds on to nothing.
        _use_models(connection, name, _models_of(connection, name, row.live_revision) if is_live else ())


def change(workspace: Workspace, name: str, **columns: Any) -> None:
    """Set columns of a service."""
    with workspace.database.write() as connection:
        _set(connection, name, **columns)
        record(connection, "service.changed", f"service {name}", changed=sorted(columns))


def note(workspace: Workspace, name: str, verb: str, **details: Any) -> None:
    """Write into the audit log what was done to a service without changing its rows."""
    workspace.note(f"service.{verb}", f"service {name}", **details)


def forget_revisions(workspace: Workspace, name: str, numbers: Iterable[int]) -> None:
    """Remove the definitions of revisions that are not kept any more."""
    columns = service_revisions.c
    with workspace.database.write() as connection:
        connection.execute(
            delete(service_revisions).where(columns.service_name == name, columns.number.in_(list(numbers)))
        )


def revisions_of(workspace: Workspace, name: str) -> tuple[list[int], list[int], set[int]]:
    """Return the numbers of the revisions that have served, and of those that have not, the oldest first.

    The third value has those that were taken back.
    """
    columns = service_revisions.c
    wanted = select(columns.number, columns.live_at, columns.withdrawn_at).where(columns.service_name == name)
    with workspace.database.read() as connection:
        found = connection.execute(wanted.order_by(columns.number)).all()
    served = [row.number for row in found if row.live_at is not None]
    withdrawn = {row.number for row in found if row.withdrawn_at is not None}
    return served, [row.number for row in found if row.live_at is None], withdrawn


def remove(workspace: Workspace, name: str) -> None:
    """Forget a service; harmless if it is not known."""
    with workspace.database.write() as connection:
        connection.execute(delete(service_models).where(service_models.c.service_name == name))
        connection.execute(delete(service_revisions).where(service_revisions.c.service_name == name))
        if connection.execute(delete(services).where(services.c.name == name)).rowcount:
            record(connection, "service.deleted", f"service {name}")


def models_in_use(workspace: Workspace) -> dict[str, tuple[str, ...]]:
    """Return the ids of all models that services use, each with the names of those services."""
    columns = service_models.c
    wanted = select(service_models).order_by(columns.model_name, columns.model_version, columns.service_name)
    users: dict[str, tuple[str, ...]] = {}
    with workspace.database.read() as connection:
        for row in connection.execute(wanted):
            model_id = f"{row.model_name}:{row.model_version}"
            users[model_id] = (*users.get(model_id, ()), row.service_name)
    return users


def _understood(row: Any) -> dict[int, Definition]:
    """Return number and definition of a revision; nothing if a newer version wrote it: lists go on."""
    try:
        return {row.number: from_json(row.definition)}
    except InvalidConfiguration as error:
        logger.warning("revision %d of %s: %s", row.number, row.service_name, error)
        return {}


def _find(connection: Connection, name: str) -> Row | None:
    row = connection.execute(select(services).where(services.c.name == name)).first()
    return None if row is None else _row(row)


def _row(row: Any) -> Row:
    return Row(
        name=row.name,
        target=row.target,
        description=row.description,
        tags=row.tags,
        properties=row.properties,
        host=row.host,
        port=row.port,
        last_revision=row.last_revision,
        wanted_revision=row.wanted_revision,
        live_revision=row.live_revision,
        fault=None if row.error is None else Fault(**row.error),
        created_at=row.created_at,
        updated_at=row.updated_at,
        created_by=row.created_by,
    )


def _set(connection: Connection, name: str, **columns: Any) -> None:
    now = datetime.now(timezone.utc)
    connection.execute(update(services).where(services.c.name == name).values(updated_at=now, **columns))


def _models_of(connection: Connection, name: str, revision: int | None) -> Sequence[str]:
    columns = service_revisions.c
    wanted = select(columns.definition).where(columns.service_name == name, columns.number == revision)
    value = connection.execute(wanted).scalar()
    return () if value is None else value["models"]


def _use_models(connection: Connection, name: str, models: Iterable[str], *, are_kept: bool = False) -> None:
    """Note which models a service uses; ``are_kept``: those that are not registered any more are left out."""
    connection.execute(delete(service_models).where(service_models.c.service_name == name))
    for model_id in sorted(set(models)):
        model_name, version = parse_model_id(model_id)
        row = {"service_name": name, "model_name": model_name, "model_version": version}
        try:
            with connection.begin_nested():
                connection.execute(service_models.insert().values(row))
        except IntegrityError as error:
            if not are_kept:
                raise ModelNotFound(model_name, version) from error


def user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as containers have
        return ""
