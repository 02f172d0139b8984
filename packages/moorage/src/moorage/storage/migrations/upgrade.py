"""Bring a database to the newest schema. Imports Alembic, so it is imported only when there is work to do."""

import threading

from alembic.command import upgrade as run_steps
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from moorage.errors import WorkspaceUnusable
from moorage.storage.migrations import VERSIONS

# Alembic hands the current operation to the steps in module globals.
_one_at_a_time = threading.Lock()


def upgrade(connection: Connection) -> None:
    """Apply the missing steps inside the transaction of ``connection``; all of them or none.

    Raises:
        WorkspaceUnusable: the database was made by a newer Moorage.
    """
    with _one_at_a_time:
        try:
            run_steps(configuration(connection), "head")
        except CommandError as error:
            raise WorkspaceUnusable(
                "the database was made by a newer Moorage, or by another program "
                f"({error}); upgrade this installation to use it"
            ) from error


def configuration(connection: Connection) -> Config:
    """Return what Alembic needs to run in this folder on ``connection``, without an ini file."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(VERSIONS.parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
