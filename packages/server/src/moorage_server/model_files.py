"""The model files of a revision: are they still what was registered?

Asked before a process may load them, each time. Reading them all takes a second for each gigabyte, so a file
whose size, number and times are those of the last reading is taken for what it was then; this is remembered
beside the revision. A change below the file system, which leaves those alone, is seen when everything is
read: when a command starts the service. Standard library only.
"""

import contextlib
import hashlib
import os
import stat
import threading
from pathlib import Path

from moorage_server.supervision import files

REMEMBERED = "verified.json"
FOLDER = "azureml-models"
_CHUNK_BYTES = 1024 * 1024


class ModelFileChanged(Exception):
    """A file is missing, or is not what was deployed: nothing may load it. The text names file and model."""


class ModelFiles:
    """The files that ``revision.json`` lists, below ``app_root``; safe to use from several threads."""

    def __init__(self, description: Path, app_root: Path) -> None:
        self._description, self._app_root = description, app_root
        self._memory = description.with_name(REMEMBERED)
        self._lock = threading.Lock()

    def check(self, *, is_thorough: bool = False) -> None:
        """Compare every file with its digest; ``is_thorough``: read all of them, whatever is remembered.

        Raises:
            ModelFileChanged: one is missing, or is not what was deployed.
        """
        with self._lock:
            remembered = files.read_json(self._memory) or {}
            found = {}
            for model_id, path, sha256 in self._listed():
                file = self._path(model_id, path)
                try:
                    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
                except OSError as error:
                    raise ModelFileChanged(
                        f"{path} of model {model_id} cannot be read: {error.strerror}"
                    ) from error
                try:
                    identity = _identity(descriptor, sha256)
                    if is_thorough or remembered.get(f"{model_id}/{path}") != identity:
                        _compare(descriptor, sha256, path, model_id, file)
                    found[f"{model_id}/{path}"] = identity
                finally:
                    os.close(descriptor)
            if found != remembered:
                # Without it, everything is read again the next time.
                with contextlib.suppress(OSError):
                    files.write_json(self._memory, found)

    def remember(self) -> None:
        """Note that all files are right: they were compared while they were written."""
        found = {}
        for model_id, path, sha256 in self._listed():
            descriptor = os.open(self._path(model_id, path), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                found[f"{model_id}/{path}"] = _identity(descriptor, sha256)
            finally:
                os.close(descriptor)
        if found:
            files.write_json(self._memory, found)

    def _path(self, model_id: str, path: str) -> Path:
        name, _, version = model_id.rpartition(":")
        return self._app_root / FOLDER / name / version / path

    def _listed(self) -> list[tuple[str, str, str]]:
        content = files.read_json(self._description)
        if content is None:
            raise ModelFileChanged(
                f"{self._description} cannot be read: nobody knows which models were deployed"
            )
        models = content.get("models", {})
        return [(model, path, sha256) for model, paths in models.items() for path, sha256 in paths.items()]


def _identity(descriptor: int, sha256: str) -> list[object]:
    status = os.fstat(descriptor)
    # The time of the last change of status cannot be set by a program, the time of writing can.
    return [sha256, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _compare(descriptor: int, sha256: str, path: str, model_id: str, file: Path) -> None:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    left = os.fstat(descriptor).st_size
    is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
    # One that grows while it is read is not read for ever.
    while is_file and left >= 0 and (count := os.readv(descriptor, [buffer])):
        digest.update(buffer[:count])
        left -= count
    if not is_file or digest.hexdigest() != sha256:
        raise ModelFileChanged(
            f"{path} of model {model_id} was changed after it was deployed ({file}); deploy again"
        )
