"""The files of a run."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from azureml._errors import as_old_exceptions
from moorage import runs

__all__ = ["RunFiles"]


class RunFiles:
    """Files kept under names such as ``outputs/model.pkl``; a run with a record and a store has them."""

    _record: runs.Run

    @property
    def _tracking(self) -> runs.Tracking:
        raise NotImplementedError

    @property
    def id(self) -> str:
        return self._record.id

    @as_old_exceptions()
    def upload_file(self, name: str, path_or_stream: Any, datastore_name: str | None = None) -> Any:
        """Keep a file, or what a stream gives, under a name such as ``outputs/model.pkl``."""
        if isinstance(path_or_stream, (str, os.PathLike)):
            runs.upload_file(self._tracking, self.id, name, path_or_stream)
            return
        with tempfile.TemporaryDirectory() as aside:
            file = Path(aside) / "stream"
            content = path_or_stream.read()
            file.write_bytes(content.encode() if isinstance(content, str) else content)
            runs.upload_file(self._tracking, self.id, name, file)

    def upload_files(
        self,
        names: Sequence[str],
        paths: Sequence[str],
        return_artifacts: bool = False,
        timeout_seconds: int | None = None,
        datastore_name: str | None = None,
    ) -> Any:
        """Keep several files; both lists have the same length."""
        for name, path in zip(names, paths, strict=True):
            self.upload_file(name, path)

    def upload_folder(self, name: str, path: str, datastore_name: str | None = None) -> Any:
        """Keep all files below a folder under ``name``."""
        folder = Path(path)
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            self.upload_file(f"{name}/{file.relative_to(folder).as_posix()}", file)

    @as_old_exceptions()
    def get_file_names(self) -> list[str]:
        """Return the names of all files."""
        return runs.list_files(self._tracking, self.id)

    @as_old_exceptions()
    def download_file(
        self, name: str, output_file_path: str | None = None, _validate_checksum: bool = False
    ) -> None:
        """Write a file to a path, or under its own name into the current or named folder."""
        with tempfile.TemporaryDirectory() as aside:
            found = runs.download_files(self._tracking, self.id, name, Path(aside))
            target = Path(output_file_path or found.name)
            if target.is_dir():
                target /= found.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(found.read_bytes())

    def download_files(
        self,
        prefix: str | None = None,
        output_directory: str | None = None,
        output_paths: Sequence[str] | None = None,
        batch_size: int = 100,
        append_prefix: bool = True,
        timeout_seconds: int | None = None,
    ) -> None:
        """Write the files whose names begin with ``prefix``, below a folder or to the given paths."""
        names = [name for name in self.get_file_names() if prefix is None or name.startswith(prefix)]
        base = Path(output_directory or ".")
        cut = 0 if append_prefix or prefix is None else len(prefix)
        places = output_paths or [str(base / name[cut:].lstrip("/")) for name in names]
        for name, place in zip(names, places, strict=True):
            self.download_file(name, place)
