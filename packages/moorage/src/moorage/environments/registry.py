"""Environments kept in a workspace: versions of definitions, never changed once written."""

import getpass
import hashlib
import json
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import Connection, Row, select

from moorage.environments.environment import Environment, check_environment_name, check_variables
from moorage.errors import EnvironmentNotFound
from moorage.spelling import LONGEST_SEARCH
from moorage.storage.audit import record
from moorage.storage.statements import next_number
from moorage.storage.tables import environment_names, environments
from moorage.workspace import Workspace


def register(workspace: Workspace, environment: Environment) -> Environment:
    """Keep a definition and return it with its version; the same content keeps the version it has.

    A version that is asked for is given if it is free, else the next number. Passwords are left out.

    Raises:
        InvalidName: the name is not possible, or reserved.
        InvalidConfiguration: a variable that cannot be set.
    """
    check_environment_name(environment.name)
    check_variables(environment.variables)
    kept = environment.without_secrets()
    document = replace(kept, version=None).to_document()
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    columns = environments.c
    same_name = columns.name == kept.name
    with workspace.database.write() as connection:
        same = select(columns.version).where(same_name, columns.digest == digest).limit(1)
        version = connection.execute(same).scalar()
        if version is None:
            version = _free_version(connection, kept)
            connection.execute(
                environments.insert().values(
                    name=kept.name,
                    version=version,
                    digest=digest,
                    document=document,
                    created_at=datetime.now(timezone.utc),
                    created_by=_user(),
                )
            )
            record(connection, "environment.registered", f"environment {kept.name}:{version}")
    return replace(kept, version=version)


def get(workspace: Workspace, name: str, version: str | None = None) -> Environment:
    """Return one version of an environment, the newest without ``version``.

    Raises:
        EnvironmentNotFound: no such environment, or not that version of it.
    """
    wanted = select(environments).where(environments.c.name == name).order_by(environments.c.id.desc())
    if version is not None:
        wanted = wanted.where(environments.c.version == str(version))
    with workspace.database.read() as connection:
        row = connection.execute(wanted.limit(1)).first()
        if row is None:
            names = select(environments.c.name).distinct().limit(LONGEST_SEARCH)
            raise EnvironmentNotFound(name, version, connection.execute(names).scalars().all())
    return _record(row)


def list_environments(
    workspace: Workspace, *, name: str | None = None, latest: bool = False
) -> list[Environment]:
    """Return environments by name, of each the newest first; ``latest``: only that one."""
    wanted = select(environments).order_by(environments.c.name, environments.c.id.desc())
    if name is not None:
        wanted = wanted.where(environments.c.name == name)
    with workspace.database.read() as connection:
        found = [_record(row) for row in connection.execute(wanted)]
    if not latest:
        return found
    newest: dict[str, Environment] = {}
    for environment in found:
        newest.setdefault(environment.name, environment)
    return list(newest.values())


def _free_version(connection: Connection, environment: Environment) -> str:
    columns = environments.c
    taken = set(connection.execute(select(columns.version).where(columns.name == environment.name)).scalars())
    if environment.version is not None and environment.version not in taken:
        return environment.version
    while True:
        number = next_number(connection, environment_names, {"name": environment.name}, "last_version")
        if str(number) not in taken:
            return str(number)


def _record(row: Row[Any]) -> Environment:
    return Environment.from_document({**row.document, "version": row.version})


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as containers have
        return ""
