"""Names that a shell completes: models, services, environments, workspaces.

A person waits for these after every Tab, so nothing heavy is imported: the rows of a local workspace are read
from its SQLite file, other workspaces complete nothing. Whatever goes wrong, the answer is empty.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

MOST = 200
"""Names offered at most; more than a screen helps nobody."""
TIMEOUT_S = 0.5

Complete = Callable[..., list[str]]


def _quiet(find: Callable[[Path, str], Iterable[str]]) -> Complete:
    # `ctx` and `incomplete` are the names that Typer looks for.
    def complete(ctx: object, incomplete: str) -> list[str]:
        try:
            folder = _workspace_folder(ctx)
            found = [] if folder is None else find(folder, incomplete)
            return [name for name in found if name.startswith(incomplete)][:MOST]
        except Exception:  # the shell would show it in the middle of what is being typed
            return []

    return complete


def _workspace_folder(ctx: object) -> Path | None:
    """Return the folder of the workspace that the command would use; None if it cannot be told."""
    from moorage.cli.session import attached_workspace

    typed = getattr(ctx, "params", {})
    home = _home()
    name = (
        typed.get("workspace_name")
        or attached_workspace(Path(typed.get("path") or "."))
        or os.environ.get("MOORAGE_WORKSPACE")
    )
    if name is None:
        known = _workspace_names(home)
        name = known[0] if len(known) == 1 else None
    return None if name is None else home / str(name)


def _home() -> Path:
    home = os.environ.get("MOORAGE_HOME") or "~/.moorage"
    return Path(home).expanduser() / "workspaces"


def _workspace_names(home: Path) -> list[str]:
    if not home.is_dir():
        return []
    return sorted(folder.name for folder in home.iterdir() if (folder / "workspace.json").is_file())


def _rows(folder: Path, query: str, incomplete: str) -> list[str]:
    file = folder / "registry.db"
    if not file.is_file() or os.environ.get("MOORAGE_DATABASE_URL"):
        return []
    pattern = incomplete.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    uri = f"{file.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=TIMEOUT_S)) as connection:
        return [str(row[0]) for row in connection.execute(query, (pattern, MOST))]


@_quiet
def complete_models(folder: Path, incomplete: str) -> list[str]:
    """Names of models."""
    query = r"SELECT DISTINCT name FROM models WHERE name LIKE ? ESCAPE '\' ORDER BY name LIMIT ?"
    return _rows(folder, query, incomplete)


@_quiet
def complete_model_ids(folder: Path, incomplete: str) -> list[str]:
    """Ids, ``name:version``, of each model the newest version first."""
    query = (
        "SELECT name || ':' || version FROM models "
        r"WHERE name || ':' || version LIKE ? ESCAPE '\' ORDER BY name, version DESC LIMIT ?"
    )
    return _rows(folder, query, incomplete)


@_quiet
def complete_services(folder: Path, incomplete: str) -> list[str]:
    """Names of services."""
    query = r"SELECT name FROM services WHERE name LIKE ? ESCAPE '\' ORDER BY name LIMIT ?"
    return _rows(folder, query, incomplete)


@_quiet
def complete_environments(folder: Path, incomplete: str) -> list[str]:
    """Names of environments."""
    query = r"SELECT DISTINCT name FROM environments WHERE name LIKE ? ESCAPE '\' ORDER BY name LIMIT ?"
    return _rows(folder, query, incomplete)


def complete_workspaces(incomplete: str) -> list[str]:
    """Names of workspaces on this machine."""
    try:
        return [name for name in _workspace_names(_home()) if name.startswith(incomplete)]
    except OSError:
        return []
