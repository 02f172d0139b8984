"""What tabular and file data sets share."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from azureml._errors import as_old_exceptions
from azureml.exceptions import NotYetAvailable, UserErrorException
from moorage import datasets

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = ["AbstractDataset"]

Self = TypeVar("Self", bound="AbstractDataset")


class AbstractDataset:
    """A data set; the factories make it. It is stored when it is registered, or given to a model."""

    def __init__(self, record: datasets.Dataset, workspace: "Workspace | None" = None) -> None:
        self._record, self._workspace = record, workspace

    @property
    def id(self) -> str | None:
        """The id, None until it is registered or saved."""
        return self._record.id

    @property
    def name(self) -> str | None:
        return self._record.name

    @property
    def version(self) -> int | None:
        return self._record.version

    @property
    def description(self) -> str | None:
        return self._record.description

    @property
    def tags(self) -> dict[str, str]:
        """A copy; change them with ``add_tags`` and ``remove_tags``."""
        return dict(self._record.tags)

    @property
    def data_changed_time(self) -> Any:
        """When it was stored: what is stored never changes."""
        return self._record.created_at

    @as_old_exceptions()
    def register(
        self: Self,
        workspace: "Workspace",
        name: str,
        description: str | None = None,
        tags: Mapping[str, Any] | None = None,
        create_new_version: bool = False,
    ) -> Self:
        """Store the files and give the name; the same content under the same name keeps its version.

        Raises:
            UserErrorException: the name is taken by another content and ``create_new_version`` is False.
        """
        made = datasets.register(
            workspace._moorage,
            self._record,
            name,
            description=description,
            tags=tags,
            new_version=create_new_version,
        )
        return type(self)(made, workspace)

    def _saved(self, workspace: "Workspace") -> str:
        """Store it, unless it is, and return its id."""
        self._record = datasets.save(workspace._moorage, self._record)
        self._workspace = workspace
        return str(self._record.id)

    def _registered(self) -> "Workspace":
        if self._workspace is None or self._record.name is None:
            raise UserErrorException("this data set is not registered; register(workspace, name) does that")
        return self._workspace

    @as_old_exceptions()
    def unregister_all_versions(self) -> None:
        """Remove all versions of the name from the workspace.

        Raises:
            UserErrorException: a model names one as its sample.
        """
        datasets.unregister(self._registered()._moorage, str(self.name))

    @as_old_exceptions()
    def update(self, description: str | None = None, tags: Mapping[str, Any] | None = None) -> None:
        """Replace description and tags, where given."""
        workspace = self._registered()._moorage
        self._record = datasets.change(workspace, self._record, description=description, tags=tags)

    def add_tags(self, tags: Mapping[str, Any] | None = None) -> None:
        """Add tags; a key that is there gets the new value."""
        self.update(tags={**self.tags, **(tags or {})})

    def remove_tags(self, tags: Sequence[str] | None = None) -> None:
        """Remove tags by key."""
        self.update(tags={key: value for key, value in self.tags.items() if key not in (tags or ())})

    def _with(self: Self, *steps: datasets.Step) -> Self:
        draft = replace(
            self._record,
            steps=(*self._record.steps, *steps),
            id=None,
            name=None,
            version=None,
            description=None,
            tags={},
        )
        return type(self)(draft, self._workspace)

    def as_named_input(self, name: str) -> NoReturn:
        """Not built yet: inputs of submitted runs and pipelines."""
        raise NotYetAvailable(
            "Dataset.as_named_input()", "Read it in the script: Dataset.get_by_name(ws, name)."
        )

    @staticmethod
    @as_old_exceptions()
    def get_by_name(workspace: "Workspace", name: str, version: Any = "latest") -> "AbstractDataset":
        """Return the registered data set; ``version`` is a number or ``"latest"``.

        Raises:
            UserErrorException: there is no such name or version.
        """
        number = None if version in (None, "latest") else _number(version)
        return dataset_of(datasets.get(workspace._moorage, name, number), workspace)

    @staticmethod
    @as_old_exceptions()
    def get_by_id(workspace: "Workspace", id: str, **kwargs: Any) -> "AbstractDataset":
        """Return the data set with that id.

        Raises:
            UserErrorException: there is none.
        """
        return dataset_of(datasets.get_by_id(workspace._moorage, id), workspace)

    @staticmethod
    @as_old_exceptions()
    def get_all(workspace: "Workspace") -> "dict[str, AbstractDataset]":
        """Return the newest version of each name."""
        found = datasets.list_datasets(workspace._moorage)
        return {str(record.name): dataset_of(record, workspace) for record in found}

    def __repr__(self) -> str:
        files = [file.path for file in self._record.files]
        return (
            f"{type(self).__name__}(id={self.id}, name={self.name}, version={self.version}, "
            f"source={files[:5]}{'...' if len(files) > 5 else ''}, tags={self.tags})"
        )


def dataset_of(record: datasets.Dataset, workspace: "Workspace | None") -> AbstractDataset:
    """Return the object of its kind."""
    from azureml.data.file_dataset import FileDataset
    from azureml.data.tabular_dataset import TabularDataset

    return (FileDataset if record.table is None else TabularDataset)(record, workspace)


def _number(version: Any) -> int:
    try:
        return int(version)
    except (TypeError, ValueError) as error:
        raise UserErrorException(f"version: a number or 'latest' is expected, not {version!r}") from error
