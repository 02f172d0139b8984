"""Where a service on this machine keeps its files."""

import secrets
import shutil
from pathlib import Path

from moorage.folders import make_private_folder
from moorage.targets.contract import Place
from moorage_server.container.settings import FILE_NAME as CONTAINER_FILE
from moorage_server.supervision.files import sync_folder

REVISION_FILE = "revision.json"
SETTINGS_FILE = "service.json"
APP_FOLDER = "app"
GUARD_FILE = "auth.json"
_TRASH = ".trash-"


def service_folder(place: Place) -> Path:
    return place.workspace_path / "services" / place.service


def revisions_folder(place: Place) -> Path:
    return service_folder(place) / "revisions"


def revision_folder(place: Place, revision: int) -> Path:
    return revisions_folder(place) / str(revision)


def guard_path(place: Place) -> Path:
    """Return the file that says who may call; it is of the service, not of a revision."""
    return service_folder(place) / GUARD_FILE


def settings_path(place: Place, revision: int) -> str:
    """Return the settings file of a prepared revision, relative to the service folder."""
    is_container = (revision_folder(place, revision) / CONTAINER_FILE).is_file()
    return f"revisions/{revision}/{CONTAINER_FILE if is_container else SETTINGS_FILE}"


def prepared_revisions(place: Place) -> frozenset[int]:
    """Return the revisions whose folders are complete."""
    try:
        names = [path.name for path in revisions_folder(place).iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    return frozenset(int(name) for name in names if name.isdigit())


def new_aside(folder: Path, name: str) -> Path:
    """Make an empty folder for work in progress beside where its result will be renamed to."""
    make_private_folder(folder)
    aside = folder / f".{name}.{secrets.token_hex(6)}"
    aside.mkdir(mode=0o700)
    return aside


def remove(folder: Path) -> None:
    """Remove a folder so that it is there whole or not at all; harmless if it is not there.

    Also clears away what earlier removals and preparations that were cut short left beside it.
    """
    if folder.is_dir():
        trash = folder.with_name(f"{_TRASH}{folder.name}-{secrets.token_hex(6)}")
        folder.rename(trash)
        sync_folder(folder.parent)
        shutil.rmtree(trash, ignore_errors=True)
    for left in folder.parent.glob(f"{_TRASH}{folder.name}-*"):
        shutil.rmtree(left, ignore_errors=True)
    for left in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(left, ignore_errors=True)
