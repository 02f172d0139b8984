"""All rows of a database as plain values, and back: the same for SQLite and PostgreSQL."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, func, select, text

from moorage.storage.tables import UtcDateTime, metadata

BATCH = 500


def tables() -> list[Table]:
    """Return all tables, those that others refer to first."""
    return list(metadata.sorted_tables)


def read_rows(connection: Connection, table: Table) -> Iterator[dict[str, Any]]:
    """Give the rows of a table in the order of its key."""
    order = list(table.primary_key.columns)
    for row in connection.execution_options(yield_per=BATCH).execute(select(table).order_by(*order)):
        yield dict(row._mapping)


def write_rows(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert rows as they are, numbers included; return how many."""
    count = 0
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(dict(row))
        count += 1
        if len(batch) == BATCH:
            connection.execute(table.insert(), batch)
            batch = []
    if batch:
        connection.execute(table.insert(), batch)
    _continue_numbering(connection, table)
    return count


def count_rows(connection: Connection, table: Table) -> int:
    count: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return count


def lock_against_changes(connection: Connection) -> None:
    """Let nobody change any row until the transaction ends. It is open for writing, so SQLite has that."""
    if connection.dialect.name == "postgresql":
        names = ", ".join(f'"{table.name}"' for table in tables())
        connection.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))


def to_plain(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as values that JSON has: times as ISO 8601, bytes as base64."""
    return {name: _plain(value) for name, value in row.items() if name in table.c}


def from_plain(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """Read what :func:`to_plain` made; columns that are not known are left out."""
    found = {}
    for column in table.columns:
        if column.name not in row:
            continue
        value = row[column.name]
        if value is not None and isinstance(column.type, UtcDateTime):
            value = datetime.fromisoformat(value)
        elif isinstance(value, dict) and set(value) == {"base64"} and _is_binary(column):
            value = base64.b64decode(value["base64"])
        found[column.name] = value
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return value


def _is_binary(column: Any) -> bool:
    return getattr(column.type, "python_type", None) is bytes


def _continue_numbering(connection: Connection, table: Table) -> None:
    """Numbers that PostgreSQL gives go on after the ones that were brought along; SQLite does so itself."""
    if connection.dialect.name != "postgresql" or table.autoincrement_column is None:
        return
    name = table.autoincrement_column.name
    sequence = connection.execute(
        text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": name}
    ).scalar()
    if sequence is not None:
        highest = select(func.max(table.autoincrement_column))
        value = connection.execute(highest).scalar()
        if value is not None:
            connection.execute(
                text("SELECT setval(:sequence, :value)"), {"sequence": sequence, "value": value}
            )
