"""A path in a data store."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azureml.core.datastore import Datastore

__all__ = ["DataPath"]


class DataPath:
    """A path in a data store."""

    def __init__(
        self, datastore: "Datastore", path_on_datastore: str | None = None, name: str | None = None
    ) -> None:
        self.datastore, self.path_on_datastore, self.name = datastore, path_on_datastore, name
