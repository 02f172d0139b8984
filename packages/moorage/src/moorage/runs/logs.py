"""The log files that a run has uploaded."""

import shutil
import tempfile
from pathlib import Path

from moorage.runs.files import download_files, list_files
from moorage.runs.tracking import Tracking

FOLDERS = ("azureml-logs/", "logs/", "user_logs/", "system_logs/")
"""Where the old platform, and scripts written for it, put them."""


def list_logs(tracking: Tracking, run_id: str) -> list[str]:
    """Return the paths of the log files of a run, sorted."""
    return [path for path in list_files(tracking, run_id) if path.startswith(FOLDERS)]


def read_logs(tracking: Tracking, run_id: str) -> str:
    """Return the log files one behind the other, each below its path; '' if there is none."""
    parts = []
    with tempfile.TemporaryDirectory() as aside:
        for path in list_logs(tracking, run_id):
            file = download_files(tracking, run_id, path, Path(aside))
            parts.append(f"{path}\n{file.read_text(encoding='utf-8', errors='replace')}")
    return "\n".join(parts)


def save_logs(tracking: Tracking, run_id: str, folder: Path) -> list[str]:
    """Write the log files into a folder, in the folders that they have in the run; return their paths."""
    paths = list_logs(tracking, run_id)
    with tempfile.TemporaryDirectory() as aside:
        for path in paths:
            # Where the store puts it depends on the store; the folders of the run are kept here.
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(download_files(tracking, run_id, path, Path(aside)), target)
    return paths
