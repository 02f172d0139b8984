"""The way to the files of a service for a script that runs as a user of its own."""

import os
import stat
from pathlib import Path

from moorage.targets.contract import Place
from moorage.targets.local import folders
from moorage_server.scorer_user import first_barrier, runtime_folder

# Others may go through, and see nothing: not even which names are there. Every file stays its owner's alone.
_PASSAGE = 0o711
_NOBODY = 2**32 - 2  # owns nothing


def open_way(place: Place, revision: int, user: str | None, python: Path) -> None:
    """Let other users go through the folders that lead to a revision, and to its interpreter.

    Does so only for root, if the script is to run as another ``user``, and if that helps: where the workspace
    is itself out of reach, nothing is changed. Whether a user can then take its way, the front finds out.
    """
    home = place.workspace_path.absolute().parent.parent
    if os.geteuid() != 0 or user is None or not home.is_dir():
        return
    in_home = python.absolute().is_relative_to(home)
    outside = [home, runtime_folder(), *([] if in_home else [python])]
    if any(first_barrier(path, _NOBODY, _NOBODY) is not None for path in outside):
        return
    _pass(home, folders.revision_folder(place, revision))
    if in_home and python.exists():
        _pass(home, python.absolute().parent)


def _pass(home: Path, folder: Path) -> None:
    for one in (folder, *folder.parents):
        mode = stat.S_IMODE(one.stat().st_mode)
        if mode & _PASSAGE != _PASSAGE and one.stat().st_uid == 0:
            one.chmod(mode | _PASSAGE)
        if one == home:
            break
