"""``FileDataset``: files as they are."""

import tempfile
from pathlib import Path
from typing import Any, NoReturn

from azureml._errors import as_old_exceptions
from azureml.data.abstract_dataset import AbstractDataset
from azureml.exceptions import NotYetAvailable
from moorage.datasets.contents import download

__all__ = ["FileDataset"]


class FileDataset(AbstractDataset):
    """Files by their paths; ``Dataset.File.from_files`` makes it."""

    def to_path(self) -> list[str]:
        """Return the paths of the files inside the data set, such as ``/train/a.png``."""
        return [f"/{file.path}" for file in self._record.files]

    @as_old_exceptions()
    def download(
        self, target_path: str | None = None, overwrite: bool = False, ignore_not_found: bool = False
    ) -> list[str]:
        """Write the files below ``target_path`` (None: a new temporary folder); return where they are.

        Raises:
            UserErrorException: a file is there already and overwriting was not allowed.
        """
        target = Path(target_path or tempfile.mkdtemp(prefix="dataset-")).absolute()
        workspace = None if self._workspace is None else self._workspace._moorage
        return [str(place) for place in download(workspace, self._record.files, target, overwrite=overwrite)]

    def mount(self, mount_point: str | None = None, **kwargs: Any) -> NoReturn:
        """Not built yet."""
        raise NotYetAvailable("FileDataset.mount()", "download(target_path) writes the files to a folder.")

    def as_mount(self, path_on_compute: str | None = None) -> NoReturn:
        """Not built yet."""
        raise NotYetAvailable("FileDataset.as_mount()", "download(target_path) writes the files to a folder.")

    def as_download(self, path_on_compute: str | None = None) -> NoReturn:
        """Not built yet."""
        raise NotYetAvailable("FileDataset.as_download()", "Call download(target_path) in the script.")
