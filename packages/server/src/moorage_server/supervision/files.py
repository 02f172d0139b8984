"""Small JSON files that are either old or new, never half written."""

import json
import os
from pathlib import Path
from typing import Any

DESIRED = "desired.json"
STATUS = "status.json"
SUPERVISOR_LOCK = "supervisor.lock"
KEEPER_LOCK = "keeper.lock"
LOG_FOLDER = "logs"
LOG_FILE = "service.log"
# Settings of a generation whose work is done in a container.
CONTAINER_SETTINGS = "container.json"


def write_json(path: Path, value: object, *, is_durable: bool = False) -> None:
    """Replace ``path`` with ``value`` as JSON.

    With ``is_durable`` the new content survives a power failure once this returns; without it
    a reader still sees the old or the new content, but after a power failure perhaps neither.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(aside, flags, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file)
            if is_durable:
                file.flush()
                os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    if is_durable:
        sync_folder(path.parent)


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in ``path``; None if there is no file, or none that holds a JSON object."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def sync_folder(folder: Path) -> None:
    """Make renames and new names in ``folder`` survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
