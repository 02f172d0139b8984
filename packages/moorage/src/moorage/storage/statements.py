"""The few statements whose words differ between SQLite and PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select


def insert_missing(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], key: str) -> None:
    """Insert the rows whose ``key`` is not there yet, and lock all of them until the transaction ends.

    Rows are locked in the given order; callers that sort them the same way cannot deadlock.
    """
    if not rows:
        return
    statement = _insert(connection, table)
    # Writing the key onto itself is what locks a row that is there already.
    changed = {key: statement.excluded[key]}
    connection.execute(
        statement.on_conflict_do_update(index_elements=[key], set_=changed), [dict(row) for row in rows]
    )


def next_number(connection: Connection, table: Table, key: Mapping[str, Any], counter: str) -> int:
    """Return the next number of the counter row ``key`` (1 at first), and lock the row until the end.

    A number is given once, unless the transaction is rolled back: then nobody has seen it.
    """
    statement = _insert(connection, table).values({**key, counter: 1})
    connection.execute(
        statement.on_conflict_do_update(index_elements=list(key), set_={counter: table.c[counter] + 1})
    )
    conditions = [table.c[name] == value for name, value in key.items()]
    number: int = connection.execute(select(table.c[counter]).where(*conditions)).scalar_one()
    return number


def _insert(connection: Connection, table: Table) -> Any:
    # Each dialect takes time to import; a command needs one of them.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)
