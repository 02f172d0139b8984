"""The database of a workspace: opened with the newest schema, read and written in transactions."""

import hashlib
import os
import sqlite3
import time
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from moorage.errors import StorageFull, StorageUnavailable, WorkspaceUnusable
from moorage.storage.locks import exclusive_lock
from moorage.storage.migrations import newest_revision

BUSY_TIMEOUT_S = 60
"""How long a SQLite writer waits for another; registering holds the database for milliseconds."""

PING_AFTER_S = 2.0
"""A PostgreSQL connection that rested so long is asked whether it lives."""


class Database:
    """An SQLite file or a PostgreSQL database. Safe to share between threads, and across fork."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pid = os.getpid()
        # Old client code never closes a workspace; the connections go with the last reference.
        self._finalizer = weakref.finalize(self, engine.dispose)

    @classmethod
    def open(cls, url: str | Path) -> "Database":
        """Open, creating or upgrading the schema if needed.

        ``url`` is a database URL, or the path of an SQLite file.

        Raises:
            WorkspaceUnusable: not a database URL, driver missing, or the schema is newer than this program.
            StorageUnavailable: it cannot be reached.
        """
        address = _address(url)
        database = cls(_engine(address))
        try:
            with _clear_errors(address):
                _make_private_file(address)
                database._upgrade_if_needed()
        except BaseException:
            database.close()
            raise
        return database

    @property
    def url(self) -> str:
        """The address without its password."""
        return self._engine.url.render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database and changes nothing.

        An SQLite file is read also where nothing can be written: on a full disk, in a read-only folder.
        """
        with _clear_errors(self._engine.url), self._reading() as connection:
            if not self.is_sqlite:
                # As it is on SQLite; by default each statement would see a state of its own.
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield connection

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """A connection for a single statement that changes nothing: it sees one state without a transaction.

        Beginning and ending one are two more questions to a database on another machine.
        """
        if self.is_sqlite:
            with self.read() as connection:
                yield connection
            return
        with _clear_errors(self._engine.url), self._live_engine().connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed at the end, or rolled back when the block raises.

        On SQLite it is the only writer from its first statement on: what it reads stays true until the end.
        """
        with (
            _clear_errors(self._engine.url),
            self._live_engine().connect() as connection,
            connection.execution_options(moorage_write=True).begin(),
        ):
            yield connection

    @contextmanager
    def try_lock(self, name: str) -> Iterator[bool]:
        """Hold a lock that all machines with this database see; False if somebody else has it.

        It ends with the block, or with the connection. An SQLite file is for one machine, whose processes
        lock files: there this is always True.
        """
        if self.is_sqlite:
            yield True
            return
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        with (
            _clear_errors(self._engine.url),
            self._live_engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        ):
            taken = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar()
            try:
                yield bool(taken)
            finally:
                if taken:
                    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        self._live_engine().dispose()

    def _live_engine(self) -> Engine:
        if self._pid != os.getpid():
            # A forked child must not use, nor close, the connections of its parent.
            self._engine.dispose(close=False)
            self._pid = os.getpid()
        return self._engine

    def _reading(self) -> Connection:
        engine = self._live_engine()
        if not self.is_sqlite:
            return engine.connect()
        connection = None
        try:
            connection = engine.connect()
            # The first connection makes files beside the database, even if it only reads.
            connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1")
        except OperationalError:
            if connection is not None:
                connection.close()
            unwritable = _as_it_is(Path(engine.url.database or ""))
            if unwritable is None:
                raise
            return unwritable.connect()
        return connection

    def _upgrade_if_needed(self) -> None:
        if self._revision() == newest_revision():
            return
        from moorage.storage.migrations.upgrade import upgrade  # Alembic takes long to import

        if not self.is_sqlite:
            with self.write() as connection:
                # One number for all: whoever comes second finds the work done.
                connection.execute(text("SELECT pg_advisory_xact_lock(7302519664)"))
                upgrade(connection)
            return
        with exclusive_lock(Path(f"{self._engine.url.database}.lock")):
            with closing(self._engine.raw_connection()) as connection:
                # Kept in the file; switching needs the file alone, hence under the lock.
                connection.cursor().execute("PRAGMA journal_mode=WAL")
            with self.write() as connection:
                upgrade(connection)

    def _revision(self) -> str | None:
        """Return the schema's revision, None when there is no schema yet."""
        with self._reading() as connection:
            if not self._engine.dialect.has_table(connection, "alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _address(url: str | Path) -> URL:
    if isinstance(url, Path):
        return URL.create("sqlite", database=str(url.absolute()))
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise WorkspaceUnusable(
            "the database address is not a URL such as postgresql://user:password@host/database"
        ) from error
    if address.get_backend_name() in {"postgresql", "postgres"}:
        return address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() != "sqlite":
        raise WorkspaceUnusable(
            f"database {address.get_backend_name()!r} is not supported; use sqlite:///... or postgresql://..."
        )
    return address


def _engine(address: URL) -> Engine:
    if address.get_backend_name() == "sqlite":
        return _sqlite_engine(address)
    try:
        engine = create_engine(address)
    except ModuleNotFoundError as error:
        raise WorkspaceUnusable(
            f"the database needs the Python package {error.name}: pip install 'moorage[postgres]'"
        ) from error
    _ping_after_a_pause(engine)
    return engine


def _ping_after_a_pause(engine: Engine) -> None:
    """Notice connections that the server or the network has closed, without asking before every question."""

    @event.listens_for(engine, "checkin")
    def _put_back(_connection: Any, record: Any) -> None:
        record.info["put_back_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _taken(connection: Any, record: Any, _proxy: Any) -> None:
        put_back_at = record.info.get("put_back_at")
        if put_back_at is None or time.monotonic() - put_back_at < PING_AFTER_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except Exception as error:  # whatever the driver says: the pool then takes another one
            raise DisconnectionError(str(error)) from error


def _sqlite_engine(address: URL) -> Engine:
    # Any number of threads: a connection is an open file.
    engine = create_engine(address, connect_args={"timeout": BUSY_TIMEOUT_S}, max_overflow=-1)

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        # The driver must not open transactions by itself: ours say what they are for.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys=ON")
        # A version that was reported as registered survives a power cut.
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        is_write = connection.get_execution_options().get("moorage_write", False)
        # A transaction that begins by reading and writes later fails at once when another wrote in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")

    return engine


def _as_it_is(path: Path) -> Engine | None:
    """Return an engine that reads an SQLite file and makes no other; None if that would not be all."""
    log = Path(f"{path}-wal")
    try:
        if path.stat().st_size == 0 or (log.exists() and log.stat().st_size > 0):
            return None
    except OSError:
        return None
    address = f"{path.absolute().as_uri()}?immutable=1"
    return create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True), poolclass=NullPool)


def _make_private_file(address: URL) -> None:
    """Make the file of an SQLite database with mode 0600; SQLite gives the files beside it the same mode."""
    if address.get_backend_name() != "sqlite" or not address.database or address.database == ":memory:":
        return
    try:
        # Only if it is new. To open and close a database that this process has open elsewhere would end the
        # locks that SQLite holds (they are the process's), and another process would then take it apart.
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        os.close(os.open(address.database, flags, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise StorageUnavailable(
            f"the database {address.database} cannot be used: {error.strerror}"
        ) from error


@contextmanager
def _clear_errors(address: URL) -> Iterator[None]:
    """Turn the driver's errors about the database itself into ours; integrity errors pass."""
    try:
        yield
    except OperationalError as error:
        raise _as_ours(address, error) from error
    except DBAPIError as error:
        if "malformed" in str(error.orig) or "not a database" in str(error.orig):
            raise _damaged(address, error) from error
        raise


def _as_ours(address: URL, error: SQLAlchemyError) -> Exception:
    where = address.render_as_string(hide_password=True)
    cause = str(getattr(error, "orig", None) or error).strip()
    if "disk is full" in cause or "disk I/O error" in cause:
        return StorageFull(
            f"the database {where} cannot grow ({cause}); free some space and run the same command again"
        )
    if "malformed" in cause or "not a database" in cause:
        return _damaged(address, error)
    if "locked" in cause:
        return StorageUnavailable(
            f"the database {where} stayed locked for {BUSY_TIMEOUT_S} s by another process; "
            "try again when that has ended"
        )
    return StorageUnavailable(f"the database {where} cannot be used: {cause}")


def _damaged(address: URL, error: SQLAlchemyError) -> WorkspaceUnusable:
    return WorkspaceUnusable(
        f"the database {address.render_as_string(hide_password=True)} is damaged "
        f"({getattr(error, 'orig', error)}); restore it from a backup"
    )
