"""``Datastore``: files beside the models. Each name is a place of its own in the workspace's blob store."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from azureml._errors import as_old_exceptions
from azureml.exceptions import NotYetAvailable, UserErrorException
from moorage.datasets import LocalFile, datastore
from moorage.datasets.paths import find_local

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace
    from azureml.data.data_reference import DataReference

__all__ = ["Datastore"]

_INSTEAD = "Copy the files into Datastore.get_default(workspace) with upload_files()."


class Datastore:
    """A place for files, by name; None: the default one.

    Raises:
        UserErrorException: there is none of that name; the text has those that there are.
    """

    @as_old_exceptions()
    def __init__(self, workspace: "Workspace", name: str | None = None) -> None:
        self.workspace = workspace
        self.name = datastore.check_datastore(name or datastore.DEFAULT_DATASTORE)
        is_files = "file" in self.name or "directory" in self.name
        self.datastore_type = "AzureFile" if is_files else "AzureBlob"
        self.is_default = self.name == datastore.DEFAULT_DATASTORE
        self.account_name, self.container_name = None, self.name
        self.tags: dict[str, str] = {}

    @staticmethod
    def get(workspace: "Workspace", datastore_name: str) -> "Datastore":
        """Return the place of that name."""
        return Datastore(workspace, datastore_name)

    @staticmethod
    def get_default(workspace: "Workspace") -> "Datastore":
        """Return ``workspaceblobstore``."""
        return Datastore(workspace)

    @as_old_exceptions()
    def upload_files(
        self,
        files: Sequence[str],
        relative_root: str | None = None,
        target_path: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> "DataReference":
        """Keep files below ``target_path``, by their paths from ``relative_root``, else their common folder.

        Raises:
            UserErrorException: a file does not exist; nothing was written.
        """
        places = [_existing(file) for file in files]
        root = Path(relative_root).absolute() if relative_root else _common_folder(places)
        outside = [place for place in places if not place.is_relative_to(root)]
        if outside:
            raise UserErrorException(f"{outside[0]} is not below the relative_root {root}")
        return self._upload(
            [(place.relative_to(root), place) for place in places], target_path, overwrite, show_progress
        )

    @as_old_exceptions()
    def upload(
        self,
        src_dir: str,
        target_path: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> "DataReference":
        """Keep a folder's files below ``target_path``.

        Raises:
            UserErrorException: the folder does not exist, or holds no file.
        """
        if not Path(src_dir).expanduser().is_dir():
            raise UserErrorException(f"the folder {src_dir} does not exist (current folder: {Path.cwd()})")
        found = [(Path(file.path), file.file) for file in find_local(src_dir)[1]]
        return self._upload(found, target_path, overwrite, show_progress)

    def _upload(
        self,
        files: Sequence[tuple[Path, Path]],
        target_path: str | None,
        overwrite: bool,
        show_progress: bool,
    ) -> "DataReference":
        say = print if show_progress else _say_nothing
        target = (target_path or "").strip("/")
        wanted = [LocalFile(f"{target}/{name.as_posix()}".strip("/"), place) for name, place in files]
        say(f"Uploading {len(wanted)} files to {self.name}/{target}")
        written = datastore.upload(
            self.workspace._moorage,
            self.name,
            wanted,
            overwrite=overwrite,
            on_skip=lambda path: say(f"{path} is there already and stays; overwrite=True replaces it"),
        )
        say(f"Uploaded {len(written)} files")
        return self.path(target_path)

    @as_old_exceptions()
    def download(
        self, target_path: str, prefix: str | None = None, overwrite: bool = False, show_progress: bool = True
    ) -> int:
        """Write the files whose path begins with ``prefix`` below ``target_path``; return how many."""
        written = datastore.download(
            self.workspace._moorage, self.name, Path(target_path), prefix=prefix or "", overwrite=overwrite
        )
        if show_progress:
            print(f"Downloaded {len(written)} files to {target_path}")
        return len(written)

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> "DataReference":
        """Name a path in this place."""
        from azureml.data.data_reference import DataReference

        return DataReference(self, data_reference_name, path)

    def set_as_default(self) -> None:
        """Do nothing for the default place; another cannot become it."""
        if not self.is_default:
            raise NotYetAvailable(
                "Datastore.set_as_default()", f"Pass Datastore(workspace, {self.name!r}) itself."
            )

    def unregister(self) -> NoReturn:
        """Always raises: the places that every workspace has stay."""
        raise UserErrorException(f"{self.name} is a part of the workspace and cannot be unregistered")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(workspace={self.workspace!r}, name={self.name!r})"


def _elsewhere(name: str) -> Any:
    def register(workspace: "Workspace", datastore_name: str, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotYetAvailable(f"Datastore.{name}()", _INSTEAD)

    register.__name__, register.__doc__ = name, "Not built yet: accounts elsewhere cannot be attached."
    return staticmethod(register)


for _name in (
    "register_azure_blob_container",
    "register_azure_data_lake",
    "register_azure_data_lake_gen2",
    "register_azure_file_share",
    "register_azure_my_sql",
    "register_azure_postgre_sql",
    "register_azure_sql_database",
    "register_dbfs",
    "register_hdfs",
):
    setattr(Datastore, _name, _elsewhere(_name))


def _existing(file: str) -> Path:
    place = Path(file).expanduser().absolute()
    if not place.is_file():
        raise UserErrorException(f"the file {file} does not exist (current folder: {Path.cwd()})")
    return place


def _common_folder(places: Sequence[Path]) -> Path:
    import os

    return Path(os.path.commonpath([place.parent for place in places])) if places else Path.cwd()


def _say_nothing(text: str) -> None:
    return
