"""A workspace as one file: rows as JSON, contents by their digests, the folders of services. And back."""

import contextlib
import io
import json
import os
import re
import secrets
import shutil
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from sqlalchemy.exc import SQLAlchemyError

from moorage.errors import BlobCorrupt, MoorageError, WorkspaceUnusable
from moorage.folders import make_private_folder
from moorage.storage.audit import record
from moorage.storage.blobs import SHA256
from moorage.storage.tables import metadata
from moorage.upkeep import rows
from moorage.upkeep.contents import used_digests
from moorage.vault import KEY_FILE
from moorage.workspace import Workspace

FORMAT = 1
HEAD = "moorage-backup.json"
# What a service needs to start again: what is wanted, and its revisions. Logs and locks stay behind.
SERVICE_PART = re.compile(
    r"services/[a-z][a-z0-9-]{1,31}/(desired\.json|status\.json|auth\.json|revisions/.+)"
)
LONGEST_ROW_BYTES = 64 * 1024 * 1024


def backup(workspace: Workspace, path: Path, *, say: Callable[[str], None] = lambda text: None) -> int:
    """Write everything of a workspace into one new tar file (mode 0600); return its size in bytes.

    Rows are those of one moment, also while others work; every content is checked while it is read. The key
    file of the secrets is in it, so it has to be kept as safe as the workspace itself.

    Raises:
        WorkspaceUnusable: the file exists or cannot be written.
        BlobCorrupt: a content is damaged; no file is left.
    """
    if path.exists():
        raise WorkspaceUnusable(f"{path} exists already; choose another name for the backup")
    aside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
                _write(workspace, archive, say)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
    except OSError as error:
        raise WorkspaceUnusable(f"the backup {path} cannot be written: {error.strerror}") from error
    finally:
        aside.unlink(missing_ok=True)
    size_bytes = path.stat().st_size
    # It holds all secrets: who has made one should be known. A database that cannot be written is no reason
    # to be without a backup.
    with contextlib.suppress(MoorageError, SQLAlchemyError), workspace.database.write() as connection:
        record(connection, "workspace.backed-up", "workspace", to=str(path.absolute()), size_bytes=size_bytes)
    return size_bytes


def restore(
    path: Path,
    name: str,
    *,
    home: Path | str | None = None,
    database_url: str | None = None,
    blobs_url: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Workspace:
    """Make a new workspace of a backup and return it; its services start with ``moor up``.

    Raises:
        WorkspaceUnusable: the file is no backup, is damaged, or was made by a newer Moorage.
        WorkspaceExists: there is a workspace of that name.
        BlobCorrupt: a content is not what its name says.
    """
    try:
        with tarfile.open(path, mode="r:") as archive:
            head = _head(archive, path)
            workspace = Workspace.create(
                name,
                home=home,
                subscription_id=head["subscription_id"],
                resource_group=head["resource_group"],
                location=head["location"],
                database_url=database_url,
                blobs_url=blobs_url,
                is_noted=False,  # the rows of the backup go into an empty database, events too
            )
            try:
                _read(workspace, archive, head, say)
            except BaseException:
                workspace.close()
                # It was made here a moment ago, and holds nothing else.
                shutil.rmtree(workspace.path, ignore_errors=True)
                raise
    except (tarfile.TarError, KeyError, UnicodeDecodeError, json.JSONDecodeError, EOFError) as error:
        raise WorkspaceUnusable(f"{path} is not a backup of a workspace, or is damaged: {error}") from error
    except OSError as error:
        raise WorkspaceUnusable(f"{path} cannot be restored: {error.strerror or error}") from error
    return workspace


# --- writing ---


def _write(workspace: Workspace, archive: tarfile.TarFile, say: Callable[[str], None]) -> None:
    with workspace.database.read() as connection:
        counts = {table.name: rows.count_rows(connection, table) for table in rows.tables()}
        head = {
            "format": FORMAT,
            "workspace": workspace.name,
            "path": str(workspace.path),
            "subscription_id": workspace.subscription_id,
            "resource_group": workspace.resource_group,
            "location": workspace.location,
            "counts": counts,
        }
        _add(archive, HEAD, json.dumps(head).encode())
        for table in rows.tables():
            with tempfile.SpooledTemporaryFile(LONGEST_ROW_BYTES) as lines:
                for row in rows.read_rows(connection, table):
                    lines.write(json.dumps(rows.to_plain(table, row)).encode() + b"\n")
                _add_file(archive, f"rows/{table.name}.jsonl", lines)
        digests = used_digests(connection)
    say(f"{sum(counts.values())} rows, {len(digests)} contents")
    with tempfile.TemporaryDirectory(prefix="moorage-") as folder:
        aside = Path(folder) / "content"
        for sha256 in digests:
            with aside.open("w+b") as content:
                workspace.blobs.write_to(sha256, content)
                _add_file(archive, f"blobs/{sha256}", content)
    key = workspace.path / KEY_FILE
    if key.is_file():
        _add(archive, KEY_FILE, key.read_bytes())
    for file in _service_files(workspace.path):
        # A service may be changed meanwhile: what vanishes was not needed.
        with contextlib.suppress(FileNotFoundError), file.open("rb") as content:
            mode = os.fstat(content.fileno()).st_mode
            _add_file(archive, file.relative_to(workspace.path).as_posix(), content, mode & 0o700)


def _service_files(folder: Path) -> Iterator[Path]:
    for path in sorted((folder / "services").glob("*/**/*")):
        name = path.relative_to(folder).as_posix()
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts[:4])
        if SERVICE_PART.fullmatch(name) and not is_hidden and path.is_file() and not path.is_symlink():
            yield path


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    _add_file(archive, name, io.BytesIO(content))


def _add_file(archive: tarfile.TarFile, name: str, file: IO[bytes], mode: int = 0o600) -> None:
    member = tarfile.TarInfo(name)
    member.size = file.seek(0, os.SEEK_END)
    member.mode, member.mtime = mode | 0o600, int(time.time())
    file.seek(0)
    archive.addfile(member, file)


# --- reading ---


def _head(archive: tarfile.TarFile, path: Path) -> dict[str, Any]:
    first = archive.next()
    content = archive.extractfile(first) if first is not None and first.name == HEAD else None
    if content is None:
        raise WorkspaceUnusable(f"{path} is not a backup of a workspace")
    head: dict[str, Any] = json.loads(content.read(LONGEST_ROW_BYTES))
    if head.get("format") != FORMAT:
        raise WorkspaceUnusable(
            f"{path} was made by another version of Moorage (format {head.get('format')})"
        )
    return head


def _read(
    workspace: Workspace, archive: tarfile.TarFile, head: dict[str, Any], say: Callable[[str], None]
) -> None:
    counts: dict[str, int] = {}
    stored: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="moorage-") as folder, workspace.database.write() as connection:
        for table in rows.tables():
            if rows.count_rows(connection, table):
                raise WorkspaceUnusable(f"the database {workspace.database.url} is not empty")
        for member in archive:
            kind, _, rest = member.name.partition("/")
            content = archive.extractfile(member) if member.isreg() else None
            if member.name == HEAD:
                continue
            if content is None:
                raise WorkspaceUnusable(f"{member.name!r} in the backup is not a file")
            if kind == "rows" and rest.removesuffix(".jsonl") in metadata.tables:
                table = metadata.tables[rest.removesuffix(".jsonl")]
                lines = (rows.from_plain(table, json.loads(line)) for line in content)
                counts[table.name] = rows.write_rows(connection, table, lines)
            elif kind == "blobs" and SHA256.fullmatch(rest):
                stored.add(_store(workspace, content, rest, Path(folder) / "content"))
            elif member.name == KEY_FILE or SERVICE_PART.fullmatch(member.name):
                _put(workspace.path, member.name, content, member.mode)
            else:
                raise WorkspaceUnusable(f"{member.name!r} does not belong into a backup")
        missing = used_digests(connection).keys() - stored
        if missing:
            raise BlobCorrupt(min(missing), "it is not in the backup")
        if {name: count for name, count in head["counts"].items() if counts.get(name) != count}:
            raise WorkspaceUnusable("the backup is not complete: rows are missing")
        record(connection, "workspace.restored", "workspace", of=head["workspace"])
    _move_services(workspace.path, str(head["path"]))
    say(f"{sum(counts.values())} rows, {len(stored)} contents")


def _store(workspace: Workspace, content: IO[bytes], sha256: str, aside: Path) -> str:
    with aside.open("wb") as file:
        shutil.copyfileobj(content, file, 1024 * 1024)
    stored = workspace.blobs.put_file(aside)
    if stored.sha256 != sha256:
        raise BlobCorrupt(sha256, "its content in the backup is another one")
    return sha256


def _put(folder: Path, name: str, content: IO[bytes], mode: int) -> None:
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise WorkspaceUnusable(f"{name!r} in the backup leaves its folder")
    target = folder.joinpath(*parts)
    make_private_folder(target.parent)
    # A new file in folders that were made here: no link can lead elsewhere.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(target, flags, (mode & 0o700) | 0o600), "wb") as file:
        shutil.copyfileobj(content, file, 1024 * 1024)


def _move_services(folder: Path, before: str) -> None:
    """Settings of revisions hold absolute paths into the folder of the workspace: write the new ones."""
    for settings in (folder / "services").glob("*/revisions/*/service.json"):
        values = json.loads(settings.read_text(encoding="utf-8"))
        moved = {key: _moved(value, before, str(folder)) for key, value in values.items()}
        settings.write_text(json.dumps(moved), encoding="utf-8")


def _moved(value: Any, before: str, now: str) -> Any:
    is_inside = isinstance(value, str) and value.startswith(f"{before}/")
    return now + value[len(before) :] if is_inside else value
