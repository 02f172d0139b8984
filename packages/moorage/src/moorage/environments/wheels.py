"""Wheels of one's own, kept in a workspace so that environments can name them."""

import shutil
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from moorage.errors import InvalidArgument
from moorage.folders import make_private_folder
from moorage.workspace import Workspace

__all__ = ["keep_wheel"]

FOLDER = "wheels"


def keep_wheel(workspace: Workspace, file: Path, *, exist_ok: bool = False) -> str:
    """Copy a wheel into the workspace and return its address, a line for pip.

    Raises:
        InvalidArgument: no such file, no wheel, or one of that name is there and ``exist_ok`` is False.
    """
    if not file.is_file():
        raise InvalidArgument("wheel", f"the file {file} does not exist")
    try:
        parse_wheel_filename(file.name)
    except InvalidWheelFilename as error:
        raise InvalidArgument("wheel", f"{file.name} is not the name of a wheel: {error}") from error
    folder = workspace.path / FOLDER
    make_private_folder(folder)
    target = folder / file.name
    if target.exists() and not exist_ok:
        raise InvalidArgument("wheel", f"{file.name} is there already; exist_ok=True replaces it")
    aside = target.with_suffix(".new")
    shutil.copyfile(file, aside)
    aside.chmod(0o600)
    aside.replace(target)
    return target.as_uri()
