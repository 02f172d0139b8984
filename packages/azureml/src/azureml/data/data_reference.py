"""A path in a data store, in its oldest spelling."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azureml.core.datastore import Datastore

__all__ = ["DataReference"]


class DataReference:
    """A path in a data store."""

    def __init__(
        self,
        datastore: "Datastore",
        data_reference_name: str | None = None,
        path_on_datastore: str | None = None,
        mode: str = "mount",
        path_on_compute: str | None = None,
        overwrite: bool = False,
    ) -> None:
        self.datastore, self.path_on_datastore = datastore, path_on_datastore
        self.data_reference_name = data_reference_name
        self.mode, self.path_on_compute, self.overwrite = mode, path_on_compute, overwrite

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> "DataReference":
        """Name a path below this one."""
        joined = "/".join(part.strip("/") for part in (self.path_on_datastore, path) if part)
        return DataReference(self.datastore, data_reference_name, joined or None)

    def _with_mode(self, mode: str, path_on_compute: str | None = None, **kwargs: Any) -> "DataReference":
        return DataReference(
            self.datastore, self.data_reference_name, self.path_on_datastore, mode, path_on_compute
        )

    def as_download(self, path_on_compute: str | None = None, overwrite: bool = False) -> "DataReference":
        """Mark it for downloading."""
        return self._with_mode("download", path_on_compute)

    def as_mount(self) -> "DataReference":
        """Mark it for mounting."""
        return self._with_mode("mount")

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self.data_reference_name or self.datastore.name}"
