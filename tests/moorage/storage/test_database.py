"""A database opened by many, changed by one at a time, never half upgraded."""

import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from moorage.errors import StorageFull, StorageUnavailable, WorkspaceUnusable
from moorage.storage import Database
from moorage.storage.migrations import newest_revision
from moorage.storage.statements import insert_missing, next_number
from moorage.storage.tables import metadata, model_names

# Children start from a process that has imported everything, but is not this one.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["moorage.storage.database"])


def _increment(url: str, barrier, times: int) -> None:
    barrier.wait(60)
    database = Database.open(url)
    for _ in range(times):
        with database.write() as connection:
            next_number(connection, model_names, {"name": "m"}, counter="last_version")
    database.close()


def test_the_migrations_make_exactly_the_tables_of_the_code(database_url: str) -> None:
    database = Database.open(database_url)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [
            newest_revision()
        ]
    database.close()


def test_eight_processes_open_a_new_database_at_once_and_lose_no_write(database_url: str) -> None:
    barrier = processes.Barrier(8)
    children = [processes.Process(target=_increment, args=(database_url, barrier, 10)) for _ in range(8)]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0] * 8
    database = Database.open(database_url)
    with database.read() as connection:
        assert connection.execute(select(model_names.c.last_version)).scalar_one() == 80
    database.close()


def test_a_block_that_raises_changes_nothing(database_url: str) -> None:
    database = Database.open(database_url)
    with pytest.raises(RuntimeError), database.write() as connection:  # noqa: PT012
        connection.execute(model_names.insert().values(name="a", last_version=1))
        raise RuntimeError
    with database.read() as connection:
        assert connection.execute(select(model_names)).all() == []
    database.close()


def test_inserting_what_is_there_keeps_it(database_url: str) -> None:
    database = Database.open(database_url)
    with database.write() as connection:
        insert_missing(connection, model_names, [{"name": "a", "last_version": 5}], key="name")
        insert_missing(
            connection, model_names, [{"name": name, "last_version": 7} for name in "ab"], key="name"
        )
        rows = connection.execute(select(model_names).order_by(model_names.c.name)).all()
    assert [tuple(row) for row in rows] == [("a", 5), ("b", 7)]
    database.close()


def test_foreign_keys_are_enforced(database_url: str) -> None:
    database = Database.open(database_url)
    unknown = "INSERT INTO service_models VALUES ('service', 'nothing', 1)"
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(text(unknown))
    database.close()


def test_a_forked_child_uses_connections_of_its_own(database_url: str) -> None:
    database = Database.open(database_url)
    with database.read() as connection:
        connection.execute(text("SELECT 1"))
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with database.write() as connection:
                next_number(connection, model_names, {"name": "child"}, counter="last_version")
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    with database.write() as connection:
        assert next_number(connection, model_names, {"name": "child"}, counter="last_version") == 2
    database.close()


def test_a_schema_of_a_newer_version_is_refused_and_left_alone(database_url: str) -> None:
    database = Database.open(database_url)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(WorkspaceUnusable, match=r"newer Moorage.*9999"):
        Database.open(database_url)


def test_opening_again_does_not_import_alembic(tmp_path: Path) -> None:
    Database.open(tmp_path / "registry.db").close()
    program = (
        "import sys, pathlib; from moorage.storage import Database; "
        "Database.open(pathlib.Path(sys.argv[1])).close(); sys.exit('alembic' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", program, str(tmp_path / "registry.db")], check=False).returncode
        == 0
    )


def test_sqlite_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "registry.db")
    with database.write() as writing:
        writing.execute(model_names.insert().values(name="a", last_version=1))
        started = time.monotonic()
        with database.read() as reading:
            assert reading.execute(select(model_names)).all() == []
        assert time.monotonic() - started < 5
    database.close()


def test_a_migration_that_was_killed_half_way_is_done_again(tmp_path: Path) -> None:
    # What a kill in the middle leaves: a file in WAL mode, nothing committed.
    connection = sqlite3.connect(tmp_path / "registry.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE blobs (sha256 TEXT)")
    connection.close()
    database = Database.open(tmp_path / "registry.db")
    with database.read() as opened:
        assert opened.execute(select(model_names)).all() == []
    database.close()


def test_a_full_disk_is_named_and_nothing_is_kept(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "registry.db")
    rows = [{"name": f"{number:0250}", "last_version": 1} for number in range(2000)]
    with pytest.raises(StorageFull, match="free some space"), database.write() as connection:  # noqa: PT012
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
        connection.execute(model_names.insert(), rows)
    with database.read() as connection:
        assert connection.execute(select(model_names)).all() == []
    database.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "registry.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(WorkspaceUnusable, match=r"registry\.db.*restore it from a backup"):
        Database.open(tmp_path / "registry.db")


def test_an_address_that_cannot_be_reached_is_named_without_its_password() -> None:
    with pytest.raises(StorageUnavailable) as caught:
        Database.open("postgresql://someone:secret-word@127.0.0.1:9/nothing?connect_timeout=2")
    assert "127.0.0.1:9" in str(caught.value)
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://host/name", "no address", "://"])
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(WorkspaceUnusable):
        Database.open(url)


def test_a_database_is_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    """Whoever has a full disk wants to see what is there. SQLite needs room for that, unless it is told."""
    folder = tmp_path / "small"
    folder.mkdir()
    is_root = os.geteuid() == 0
    if is_root:
        command = ["mount", "-t", "tmpfs", "-o", "size=2m", "moorage-test", str(folder)]
        if (
            shutil.which("mount") is None
            or subprocess.run(command, capture_output=True, check=False).returncode
        ):
            pytest.skip("nothing can be mounted here")
    try:
        path = folder / "registry.db"
        first = Database.open(path)
        with first.write() as connection:
            insert_missing(connection, model_names, [{"name": "a", "last_version": 5}], key="name")
        first.close()
        if is_root:
            (folder / "filler").write_bytes(b"x" * shutil.disk_usage(folder).free)
        else:
            folder.chmod(0o500)
        full = Database.open(path)
        with full.read() as connection:
            assert connection.execute(select(model_names.c.name)).scalars().all() == ["a"]
        with pytest.raises((StorageFull, StorageUnavailable)), full.write() as connection:
            insert_missing(connection, model_names, [{"name": "b", "last_version": 5}], key="name")
        full.close()
        # What is only in a log beside it would be missed: then nothing is said rather than half of it.
        if is_root:
            (folder / "filler").unlink()
            (folder / "registry.db-wal").write_bytes(b"x" * 4096)
            (folder / "filler").write_bytes(b"x" * shutil.disk_usage(folder).free)
            with pytest.raises((StorageFull, StorageUnavailable)):
                Database.open(path)
    finally:
        if is_root:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        else:
            folder.chmod(0o700)
