"""A workspace: the folder of a registry and its services, and the way to its database and files.

``<home>/workspaces/<name>/`` holds ``workspace.json``, and unless the settings name other places
``registry.db`` (SQLite) and ``blobs/``. Everything in it belongs to its owner alone (0700, 0600).
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moorage.errors import InvalidName, MoorageError, WorkspaceExists, WorkspaceNotFound, WorkspaceUnusable
from moorage.folders import make_private_folder

if TYPE_CHECKING:
    from moorage.storage import Blobs, Database

NAME_RULE = "1 to 64 letters, digits, '-' and '_' (a-z, A-Z, 0-9), the first one a letter or digit"
SETTINGS_FILE = "workspace.json"
DATABASE_FILE = "registry.db"
DEFAULT_NAME = "default"
LABEL = "local"


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """What ``workspace.json`` holds."""

    created_at: str
    """UTC, ISO 8601."""
    subscription_id: str = LABEL
    resource_group: str = LABEL
    location: str = LABEL
    """Three labels that old code asks for. They mean nothing here."""
    database_url: str | None = None
    """Where the registry is; None: ``registry.db`` in the folder. May hold a password."""
    blobs_url: str | None = None
    """Where file contents are; None: ``blobs/`` in the folder."""


class Workspace:
    """Models, environments, and the services made of them. Database and files open on first use."""

    def __init__(self, path: Path, settings: WorkspaceSettings) -> None:
        """Use `create`, `open` or `open_or_create_default`."""
        self.path = path
        self.settings = settings

    @classmethod
    def create(
        cls,
        name: str,
        *,
        home: Path | str | None = None,
        exist_ok: bool = False,
        subscription_id: str = LABEL,
        resource_group: str = LABEL,
        location: str = LABEL,
        database_url: str | None = None,
        blobs_url: str | None = None,
        is_noted: bool = True,
    ) -> "Workspace":
        """Make a workspace, or with ``exist_ok`` open the one of that name (its settings stay as they are).

        That it was made is the first event of its audit log; without ``is_noted`` its database stays empty.

        Raises:
            InvalidName: see `NAME_RULE`.
            WorkspaceExists: it is there and ``exist_ok`` is False.
            WorkspaceUnusable: the folder cannot be written, or an address is none.
            StorageUnavailable: the database or the store cannot be reached; nothing was made.
        """
        path = _workspace_path(name, home)
        settings = WorkspaceSettings(
            created_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            subscription_id=subscription_id,
            resource_group=resource_group,
            location=location,
            database_url=database_url,
            blobs_url=blobs_url,
        )
        if not (path / SETTINGS_FILE).is_file():
            # Now, and not when somebody registers a model in a workspace that cannot work.
            _check_places(database_url, blobs_url)
            made = cls(path, settings)
            # A database in the folder comes with the event; one elsewhere may be in use by others already.
            has_own_database = made._database_url is None
            if _put_in_place(path, settings, is_noted=is_noted and has_own_database):
                if is_noted and not has_own_database:
                    _note_creation(made, name)
                return made
        if not exist_ok:
            raise WorkspaceExists(name)
        return cls.open(name, home=home)

    @classmethod
    def open(cls, name: str | None = None, *, home: Path | str | None = None) -> "Workspace":
        """Open a workspace. Without a name: ``$MOORAGE_WORKSPACE``, else the only one there is.

        Raises:
            WorkspaceNotFound: there is none of that name, none at all, or several to choose from.
        """
        wanted = name if name is not None else os.environ.get("MOORAGE_WORKSPACE") or None
        if wanted is None:
            known = _names(home)
            if len(known) != 1:
                raise WorkspaceNotFound(None, known=known)
            wanted = known[0]
        path = _workspace_path(wanted, home)
        if not (path / SETTINGS_FILE).is_file():
            raise WorkspaceNotFound(wanted, path.parent, _names(home))
        return cls(path, _read_settings(path))

    @classmethod
    def open_or_create_default(cls, *, home: Path | str | None = None) -> "Workspace":
        """Open as `open` without a name does; where there is no workspace yet, make one named "default"."""
        if os.environ.get("MOORAGE_WORKSPACE") or _names(home):
            return cls.open(home=home)
        return cls.create(DEFAULT_NAME, home=home, exist_ok=True)

    @classmethod
    def list_all(cls, home: Path | str | None = None) -> "list[Workspace]":
        """Return all workspaces below ``home``, by name."""
        return [cls.open(name, home=home) for name in _names(home)]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def subscription_id(self) -> str:
        return self.settings.subscription_id

    @property
    def resource_group(self) -> str:
        return self.settings.resource_group

    @property
    def location(self) -> str:
        return self.settings.location

    @property
    def created_at(self) -> datetime:
        return datetime.fromisoformat(self.settings.created_at)

    @cached_property
    def database(self) -> "Database":
        """The registry's database, with the newest schema."""
        from moorage.storage import Database

        return Database.open(self._database_url or self.path / DATABASE_FILE)

    @property
    def has_database(self) -> bool:
        """Return whether there is one that `database` opens; where the file is not, it makes an empty one."""
        return self._database_url is not None or (self.path / DATABASE_FILE).is_file()

    @property
    def _database_url(self) -> str | None:
        return os.environ.get("MOORAGE_DATABASE_URL") or self.settings.database_url

    @cached_property
    def blobs(self) -> "Blobs":
        """The store of file contents."""
        from moorage.storage import open_blobs

        url = os.environ.get("MOORAGE_BLOBS_URL") or self.settings.blobs_url
        return open_blobs(url or self.path / "blobs")

    def update(self, changes: Mapping[str, Any]) -> None:
        """Change settings (`WorkspaceSettings` fields) and write them, whole or not at all."""
        self.settings = replace(self.settings, **changes)
        _write_settings(self.path, self.settings)

    def note(self, kind: str, subject: str, **details: Any) -> None:
        """Write into the audit log what changed outside of the database, such as a run or an image.

        What changes rows records it in the transaction that does (`moorage.storage.audit.record`).
        """
        from moorage.storage.audit import record

        with self.database.write() as connection:
            record(connection, kind, subject, **details)

    def close(self) -> None:
        """Close the database's connections. The workspace opens again on the next use."""
        database = self.__dict__.pop("database", None)
        if database is not None:
            database.close()
        self.__dict__.pop("blobs", None)

    def __enter__(self) -> "Workspace":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Workspace(name={self.name!r}, path={str(self.path)!r})"


def home_folder(home: Path | str | None = None) -> Path:
    """Return the folder of all workspaces' parent: ``home``, else ``$MOORAGE_HOME``, else ``~/.moorage``."""
    chosen = home or os.environ.get("MOORAGE_HOME") or "~/.moorage"
    return Path(chosen).expanduser().absolute()


def _workspace_path(name: str, home: Path | str | None) -> Path:
    if not isinstance(name, str) or re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name) is None:
        raise InvalidName("workspace", name, NAME_RULE)
    return home_folder(home) / "workspaces" / name


def _names(home: Path | str | None) -> list[str]:
    folder = home_folder(home) / "workspaces"
    # A folder that is still being made starts with a dot, which no name does.
    return sorted(
        path.parent.name for path in folder.glob(f"*/{SETTINGS_FILE}") if path.parent.name[0] != "."
    )


def _put_in_place(path: Path, settings: WorkspaceSettings, *, is_noted: bool) -> bool:
    """Make the folder aside and rename it; False when somebody else was first.

    ``is_noted``: with a database in it whose audit log says who made it.
    """
    aside = path.parent / f".{path.name}.{secrets.token_hex(6)}"
    try:
        make_private_folder(path.parent)
        aside.mkdir(mode=0o700)
        _write_settings(aside, settings)
        if is_noted:
            with Workspace(aside, settings) as made:
                _note_creation(made, path.name)
    except MoorageError:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise WorkspaceUnusable(
            f"cannot make a workspace in {path.parent}: {error.strerror}; "
            "choose another place with MOORAGE_HOME"
        ) from error
    try:
        aside.rename(path)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        if (path / SETTINGS_FILE).is_file():
            return False
        raise WorkspaceUnusable(
            f"{path} is in the way: it is not a workspace ({SETTINGS_FILE} is missing); move it away"
        ) from None
    return True


def _note_creation(workspace: Workspace, name: str) -> None:
    workspace.note("workspace.created", "workspace", name=name)


def _write_settings(path: Path, settings: WorkspaceSettings) -> None:
    aside = path / f".{SETTINGS_FILE}.{secrets.token_hex(6)}"
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(settings), file, indent=2)
        file.flush()
        os.fsync(descriptor)
    aside.rename(path / SETTINGS_FILE)


def _read_settings(path: Path) -> WorkspaceSettings:
    file = path / SETTINGS_FILE
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        unknown = set(values) - {field.name for field in fields(WorkspaceSettings)}
        if unknown:
            raise ValueError(f"unknown key {sorted(unknown)[0]!r}; was it made by a newer Moorage?")
        return WorkspaceSettings(**values)
    except (OSError, ValueError, TypeError) as error:
        raise WorkspaceUnusable(f"{file} cannot be read: {error}") from error


def _check_places(database_url: str | None, blobs_url: str | None) -> None:
    if database_url is not None:
        from moorage.storage import Database

        Database.open(database_url).close()
    if blobs_url is not None:
        from moorage.storage import open_blobs

        open_blobs(blobs_url).size("0" * 64)
