"""One process with two connections to an SQLite file, and another process beside it."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from sqlalchemy import text

from moorage.storage import Database

WRITES = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
with connection:
    connection.execute("CREATE TABLE IF NOT EXISTS other (x)")
    connection.execute("INSERT INTO other VALUES (1)")
connection.close()
"""


def test_opening_a_database_twice_keeps_its_locks(tmp_path: Path) -> None:
    """SQLite's locks belong to the process, and closing any descriptor of the file ends them all.

    Without them another process takes itself for the last one, removes the log of changes, and what this one
    writes afterwards damages the database.
    """
    path = tmp_path / "registry.db"
    with closing(Database.open(path)) as first:
        with first.write() as connection:
            connection.execute(text("CREATE TABLE mine (x)"))
        log = Path(f"{path}-wal").stat().st_ino
        Database.open(path).close()
        for _ in range(2):
            subprocess.run([sys.executable, "-c", WRITES, path], check=True, timeout=60)
            assert Path(f"{path}-wal").stat().st_ino == log
            with first.write() as connection:
                connection.execute(text("INSERT INTO mine VALUES (1)"))
    with closing(sqlite3.connect(path)) as again:
        assert again.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        counts = [again.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("mine", "other")]
    assert counts == [2, 2]
