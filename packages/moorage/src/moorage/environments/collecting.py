"""Removing environments that no service uses."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from moorage.environments.store import DESCRIPTION, NAME_LENGTH, Store
from moorage.storage.locks import exclusive_lock
from moorage.workspace import home_folder

DEFAULT_KEPT_MINUTES = 60.0


@dataclass(frozen=True, slots=True)
class Removed:
    """``size_bytes`` is what its own files take; those shared by hard links with others are counted too."""

    hash: str
    size_bytes: int


def collect_garbage(
    home: Path | str | None = None,
    *,
    kept_minutes: float = DEFAULT_KEPT_MINUTES,
    is_dry_run: bool = False,
    on_removed: Callable[[Removed], None] = lambda removed: None,
) -> list[Removed]:
    """Remove built environments that no kept revision of any workspace names; return what was removed.

    Those made or asked for in the last ``kept_minutes`` stay: the revision that wants them may not be written
    yet. What a build left that was cut short goes too.

    Raises:
        OSError: a folder cannot be read or removed.
    """
    store = Store.of(home)
    removed: list[Removed] = []
    if not store.root.is_dir():
        return removed
    oldest = time.time() - kept_minutes * 60
    for folder in sorted(store.root.iterdir()):
        if len(folder.name) != NAME_LENGTH or not (folder / DESCRIPTION).is_file():
            continue
        # Whoever builds or takes this environment into use has to hold the same lock.
        with exclusive_lock(store.lock_path(folder.name)):
            is_recent = folder.stat().st_mtime > oldest
            # Asked anew for each one: a deployment may go on meanwhile.
            if is_recent or folder.name in _used(home):
                continue
            one = Removed(folder.name, sum(path.lstat().st_size for path in folder.rglob("*")))
            if not is_dry_run:
                aside = store.new_aside(folder.name)
                folder.rename(aside)
                shutil.rmtree(aside)
        removed.append(one)
        on_removed(one)
    if not is_dry_run:
        _remove_unfinished(store, oldest)
    return removed


def _used(home: Path | str | None) -> set[str]:
    """Return the names of environments whose interpreter some revision starts."""
    return {name for file in _settings(home) if (name := _named(file)) is not None}


def _settings(home: Path | str | None) -> Iterator[Path]:
    yield from (home_folder(home) / "workspaces").glob("*/services/*/revisions/*/service.json")


def _named(file: Path) -> str | None:
    try:
        python = Path(json.loads(file.read_text(encoding="utf-8"))["python"])
    except FileNotFoundError:
        return None  # retired just now
    return python.parents[1].name if len(python.parents) > 1 else None


def _remove_unfinished(store: Store, oldest: float) -> None:
    for folder in (store.root / ".aside").glob("*"):
        # No build takes longer than that without writing into its folder.
        if folder.lstat().st_mtime < min(oldest, time.time() - 3600):
            shutil.rmtree(folder, ignore_errors=True)
