"""``moor install-az-shim``."""

import os
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from azureml._az.script import first_az, folders_of_path, is_ours, real_az, write_script
from moorage.cli.app import MARKUP
from moorage.cli.command import command
from moorage.cli.session import Session
from moorage.errors import InvalidArgument, StorageUnavailable

app = typer.Typer(add_completion=False, rich_markup_mode=MARKUP, pretty_exceptions_enable=False)


@command(app, "install-az-shim", example="moor install-az-shim", table=dict)
def install(
    session: Session,
    *,
    bin_dir: Annotated[
        Path | None,
        typer.Option(help="Folder for it. Default: the folder of moor, else ~/.local/bin.", metavar="FOLDER"),
    ] = None,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Remove it again.")] = False,
) -> Any:
    """Put a command az in place, so that old scripts with az ml run as they stand.

    az ml is answered by Moorage. Everything else goes to the Azure CLI, if one is found further on in PATH;
    without one, az login, az account, az configure and az extension add are accepted, because nothing of
    that is needed. A program named az that is there already is never overwritten.
    """
    folder = default_folder() if bin_dir is None else bin_dir.expanduser().absolute()
    path = folder / "az"
    return _remove(path) if uninstall else _install(session, path)


def default_folder() -> Path:
    """Return the folder in which a shell finds ``moor``, if it is ours to write in, else ``~/.local/bin``."""
    moor = shutil.which("moor")
    if moor is not None and os.access(Path(moor).parent, os.W_OK):
        return Path(moor).absolute().parent
    return Path("~/.local/bin").expanduser()


def _install(session: Session, path: Path) -> dict[str, Any]:
    if os.path.lexists(path) and not is_ours(path):
        raise InvalidArgument(
            "--bin-dir",
            f"{path} is another program and is not overwritten; choose a folder before it in PATH",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_script(path)
    except OSError as error:
        raise StorageUnavailable(f"{path} cannot be written: {error.strerror}") from error
    first = first_az()
    is_found = first is not None and is_ours(first)
    if path.parent not in folders_of_path():
        session.warn(f'{path.parent} is not in PATH; add it: export PATH="{path.parent}:$PATH"')
    elif not is_found:
        session.warn(
            f'a shell finds {first} first; put {path.parent} before it: export PATH="{path.parent}:$PATH"'
        )
    real = real_az()
    return {"installed": True, "path": str(path), "isFoundFirst": is_found, "azureCli": real and str(real)}


def _remove(path: Path) -> dict[str, Any]:
    if not os.path.lexists(path):
        raise InvalidArgument("--uninstall", f"there is no {path}; say where it is with --bin-dir")
    if not is_ours(path):
        raise InvalidArgument("--uninstall", f"{path} is another program and stays")
    try:
        path.unlink()
    except OSError as error:
        raise StorageUnavailable(f"{path} cannot be removed: {error.strerror}") from error
    return {"installed": False, "path": str(path)}
