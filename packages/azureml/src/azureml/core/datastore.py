"""Data stores are not built yet."""

from typing import Any

from azureml.exceptions import NotYetAvailable

__all__ = ["Datastore"]

_INSTEAD = "Read and write the files in a local folder."


class Datastore:
    """A place for data, by name."""

    def __init__(self, workspace: Any, name: str | None = None) -> None:
        raise NotYetAvailable("Datastore", _INSTEAD)

    @staticmethod
    def get(workspace: Any, datastore_name: str) -> Any:
        """Not built yet."""
        raise NotYetAvailable("Datastore.get()", _INSTEAD)

    @staticmethod
    def get_default(workspace: Any) -> Any:
        """Not built yet."""
        raise NotYetAvailable("Datastore.get_default()", _INSTEAD)
