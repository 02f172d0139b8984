"""``Experiment``: a named list of runs, kept by MLflow."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from azureml._errors import as_old_exceptions
from azureml.exceptions import NotYetAvailable
from moorage import runs

if TYPE_CHECKING:
    from azureml.core.run import Run
    from azureml.core.workspace import Workspace

__all__ = ["Experiment"]


class Experiment:
    """The experiment of that name; it is made if it is new.

    Raises:
        UserErrorException: the name is not allowed.
        NotYetAvailable: MLflow is not installed; the text says how to get it.
    """

    @as_old_exceptions()
    def __init__(
        self,
        workspace: "Workspace",
        name: str,
        _skip_name_validation: bool = False,
        _id: str | None = None,
        _archived_time: Any = None,
        _create_in_cloud: bool = True,
        _experiment_dto: Any = None,
        **kwargs: Any,
    ) -> None:
        runs.check_experiment_name(name)
        self._workspace = workspace
        self._record = workspace._tracking().experiment(name)

    @classmethod
    def _of(cls, workspace: "Workspace", record: runs.Experiment) -> "Experiment":
        experiment = cls.__new__(cls)
        experiment._workspace, experiment._record = workspace, record
        return experiment

    @property
    def id(self) -> str:
        return self._record.id

    @property
    def name(self) -> str:
        return self._record.name

    @property
    def workspace(self) -> "Workspace":
        return self._workspace

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._record.tags)

    @property
    def portal_url(self) -> str:
        """An empty text: there is no web portal."""
        return ""

    def get_portal_url(self) -> str:
        """Return an empty text: there is no web portal."""
        return ""

    @staticmethod
    @as_old_exceptions()
    def list(
        workspace: "Workspace",
        experiment_name: str | None = None,
        view_type: str = "ActiveOnly",
        tags: Any = None,
    ) -> "_Experiments":
        """Return the experiments by name; ``tags`` is a key, or a dictionary of key and value."""
        wanted = {tags: None} if isinstance(tags, str) else dict(tags or {})
        return [
            Experiment._of(workspace, found)
            for found in workspace._tracking().experiments()
            if experiment_name in (None, found.name) and has_labels(found.tags, wanted)
        ]

    @staticmethod
    @as_old_exceptions()
    def delete(workspace: "Workspace", experiment_id: str) -> None:
        """Remove an experiment from the list; its runs stay in the store."""
        workspace._tracking().delete_experiment(experiment_id)

    @as_old_exceptions()
    def start_logging(self, *args: Any, **kwargs: Any) -> "Run":
        """Start a run; its state is Running until ``complete``, ``fail`` or ``cancel``.

        ``display_name`` names it; ``outputs`` and ``snapshot_directory`` are accepted, nothing is copied.
        """
        from azureml.core.run import Run

        started = self._workspace._tracking().start(self._record, name=kwargs.get("display_name"))
        return Run._of(self, started)

    def submit(self, config: Any, tags: Mapping[str, str] | None = None, **kwargs: Any) -> "Run":
        """Not built: Moorage runs no training jobs."""
        raise NotYetAvailable(
            "Experiment.submit()", "Run the script yourself; experiment.start_logging() records what it does."
        )

    @as_old_exceptions()
    def get_runs(
        self, type: Any = None, tags: Any = None, properties: Any = None, include_children: bool = False
    ) -> "Iterator[Run]":
        """Yield the runs, newest first; ``include_children``: those of other runs too."""
        from azureml.core.run import Run

        yield from Run._matching(self, tags, properties, None, include_children)

    def tag(self, key: str, value: Any = None) -> None:
        """Set one tag."""
        self.set_tags({key: "" if value is None else str(value)})

    @as_old_exceptions()
    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        self._workspace._tracking().set_experiment_tags(self._record, tags)
        self.refresh()

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Not possible: MLflow does not take tags from an experiment."""
        raise NotYetAvailable("Experiment.remove_tags()", "Set the tag to an empty text instead.")

    @as_old_exceptions()
    def refresh(self) -> None:
        """Read the experiment again."""
        self._record = self._workspace._tracking().experiment(self.name)

    def __repr__(self) -> str:
        return f"Experiment(Name: {self.name},\nWorkspace: {self._workspace.name})"


# A method of the class is called "list", so annotations inside it need another name for the type.
_Experiments = list[Experiment]


def has_labels(labels: Mapping[str, str], wanted: Mapping[str, Any]) -> bool:
    """Tell whether all wanted keys are there, with their values where they are given."""
    return all(key in labels and value in (None, labels[key]) for key, value in wanted.items())
