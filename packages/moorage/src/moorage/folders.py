"""Folders that belong to their owner alone."""

from pathlib import Path


def make_private_folder(folder: Path) -> None:
    """Make a folder and the parents it lacks, all with mode 0700 (`mkdir` gives parents the usual mode).

    Raises:
        OSError: it cannot be made, or something else has its name.
    """
    if folder.is_dir():
        return
    make_private_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
