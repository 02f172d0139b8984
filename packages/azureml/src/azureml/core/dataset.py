"""Data sets are not built yet."""

from typing import Any

from azureml.exceptions import NotYetAvailable

__all__ = ["Dataset", "dataset_id"]

_INSTEAD = "Read the files from a local folder."


class _Factory:
    """Makes data sets of one kind."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotYetAvailable(f"Dataset.{self._kind}.{name}()", _INSTEAD)


class Dataset:
    """Tables and folders of files, by name."""

    Tabular = _Factory("Tabular")
    File = _Factory("File")

    @staticmethod
    def get_by_name(workspace: Any, name: str, version: Any = "latest") -> Any:
        """Not built yet."""
        raise NotYetAvailable("Dataset.get_by_name()", _INSTEAD)

    @staticmethod
    def get_by_id(workspace: Any, id: str) -> Any:
        """Not built yet."""
        raise NotYetAvailable("Dataset.get_by_id()", _INSTEAD)

    @staticmethod
    def get_all(workspace: Any) -> dict[str, Any]:
        """Return an empty dictionary: data sets cannot be registered yet."""
        return {}


def dataset_id(dataset: Any) -> str | None:
    """Return the id of a sample data set as models keep it; texts are ids already."""
    if dataset is None or isinstance(dataset, str):
        return dataset
    if isinstance(getattr(dataset, "id", None), str):
        found: str = dataset.id
        return found
    raise NotYetAvailable("A sample data set", "Leave the argument out.")
