"""``Run``: what one training did, its numbers and files. MLflow keeps it."""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azureml._errors import as_old_exceptions
from azureml.core._offline_run import OfflineRun
from azureml.core._offline_run import OfflineRun as _OfflineRun
from azureml.core._run_metrics import RunMetrics
from azureml.core.dataset import dataset_id, saved_references
from azureml.core.experiment import Experiment, has_labels
from azureml.exceptions import ActivityFailedException, NotYetAvailable, RunEnvironmentException
from moorage import models, runs
from moorage.datasets import links
from moorage.runs.records import FINAL

if TYPE_CHECKING:
    from azureml.core.model import Model
    from azureml.core.workspace import Workspace

# Training scripts ask: isinstance(run, _OfflineRun).
__all__ = ["Run", "_OfflineRun"]

_POLL_S = 1.0
_LOGS = "What a run prints stays in the terminal or notebook where it runs."


class Run(RunMetrics):
    """An existing run of an experiment.

    Raises:
        WebserviceException: there is no run of that id.
    """

    @as_old_exceptions()
    def __init__(self, experiment: Experiment, run_id: str, outputs: Any = None, **kwargs: Any) -> None:
        self._experiment = experiment
        self._record = self._tracking.run(run_id)

    @classmethod
    def _of(cls, experiment: Experiment, record: runs.Run) -> "Run":
        run = cls.__new__(cls)
        run._experiment, run._record = experiment, record
        return run

    @property
    def _tracking(self) -> runs.Tracking:
        return self._experiment.workspace._tracking()

    # --- finding ---

    @staticmethod
    @as_old_exceptions()
    def get(workspace: "Workspace", run_id: str) -> "Run":
        """Return the run of that id, whatever its experiment."""
        tracking = workspace._tracking()
        record = tracking.run(run_id)
        return Run._of(Experiment._of(workspace, tracking.experiment_of(record)), record)

    @staticmethod
    @as_old_exceptions()
    def list(
        experiment: Experiment,
        type: Any = None,
        tags: Any = None,
        properties: Any = None,
        status: str | None = None,
        include_children: bool = False,
        _rehydrate_runs: bool = True,
    ) -> "Iterator[Run]":
        """Yield the runs of an experiment that pass every filter, newest first."""
        return Run._matching(experiment, tags, properties, status, include_children)

    @classmethod
    def _matching(
        cls, experiment: Experiment, tags: Any, properties: Any, status: str | None, include_children: bool
    ) -> "Iterator[Run]":
        wanted = {tags: None} if isinstance(tags, str) else dict(tags or {})
        properties = {properties: None} if isinstance(properties, str) else dict(properties or {})
        for record in experiment.workspace._tracking().runs(experiment._record):
            if record.parent_id is not None and not include_children:
                continue
            if status not in (None, record.status):
                continue
            if has_labels(record.tags, wanted) and has_labels(record.properties, properties):
                yield cls._of(experiment, record)

    @classmethod
    def get_context(
        cls, allow_offline: bool = True, used_for_context_manager: bool = False, **kwargs: Any
    ) -> Any:
        """Return a stand-in that prints: there are no submitted jobs here.

        Raises:
            RunEnvironmentException: ``allow_offline`` is False.
        """
        if not allow_offline:
            raise RunEnvironmentException()
        return OfflineRun()

    def get_children(
        self,
        recursive: bool = False,
        tags: Any = None,
        properties: Any = None,
        type: Any = None,
        status: str | None = None,
        _rehydrate_runs: bool = True,
    ) -> "Iterator[Run]":
        """Yield the runs that were started from this one; ``recursive``: theirs too."""
        for run in Run._matching(self._experiment, tags, properties, status, include_children=True):
            if run._record.parent_id == self.id:
                yield run
                if recursive:
                    yield from run.get_children(True, tags, properties, type, status)

    # --- what it is ---

    @property
    def experiment(self) -> Experiment:
        return self._experiment

    @property
    def name(self) -> str:
        return self._record.name

    @property
    def display_name(self) -> str:
        """The name; it can be set."""
        return self._record.name

    @display_name.setter
    def display_name(self, value: str) -> None:
        self._change(name=value)

    @property
    def description(self) -> str | None:
        """Free text; it can be set."""
        return self._record.description

    @description.setter
    def description(self, value: str) -> None:
        self._change(description=value)

    @property
    def number(self) -> int:
        """The how-manieth run of its experiment this is, counted from 1."""
        started = [one.started_at for one in self._tracking.runs(self._experiment._record)]
        return sum(when <= self._record.started_at for when in started)

    @property
    def parent(self) -> "Run | None":
        parent_id = self._record.parent_id
        return None if parent_id is None else Run(self._experiment, parent_id)

    @property
    def type(self) -> str | None:
        return None

    @property
    def status(self) -> str:
        return self.get_status()

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._record.tags)

    @property
    def properties(self) -> dict[str, str]:
        return dict(self._record.properties)

    @property
    def portal_url(self) -> str:
        """An empty text: there is no web portal."""
        return ""

    def get_portal_url(self) -> str:
        """Return an empty text: there is no web portal."""
        return ""

    def get_status(self) -> str:
        """Return the state as it is now."""
        self._refresh()
        return self._record.status

    def get_detailed_status(self) -> dict[str, Any]:
        """Return the state with what led to it."""
        return {"status": self.get_status(), "details": self._record.error}

    def get_tags(self) -> dict[str, str]:
        """Return the tags as they are now."""
        self._refresh()
        return self.tags

    def get_properties(self) -> dict[str, str]:
        """Return the properties as they are now."""
        self._refresh()
        return self.properties

    def get_details(self) -> dict[str, Any]:
        """Return what is known of the run, with the keys of the old answer."""
        self._refresh()
        ended = self._record.ended_at
        return {
            "runId": self.id,
            "target": "local",
            "status": self._record.status,
            "startTimeUtc": self._record.started_at.isoformat(),
            "endTimeUtc": None if ended is None else ended.isoformat(),
            "properties": self.properties,
            "inputDatasets": [],
            "outputDatasets": [],
            "runDefinition": {},
            "logFiles": {},
            "error": None if self._record.error is None else {"error": {"message": self._record.error}},
        }

    def get_details_with_logs(self) -> dict[str, Any]:
        """Return the details; there are no log files."""
        return self.get_details()

    def get_all_logs(self, destination: str | None = None) -> "_Texts":
        """Return an empty list: what a run prints stays where it runs."""
        return []

    def get_environment(self) -> Any:
        """Not built: runs record no environment."""
        raise NotYetAvailable("Run.get_environment()", "Models remember the library versions.")

    @as_old_exceptions()
    def register_model(
        self,
        model_name: str,
        model_path: str | None = None,
        tags: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        description: str | None = None,
        datasets: Any = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
        **kwargs: Any,
    ) -> "Model":
        """Register a file or folder of this run; ``model_path`` None: the one that is named as the model.

        Raises:
            ModelPathNotFoundException: the run has no such file or folder; the text lists those it has.
        """
        from azureml.core.model import Model

        workspace = self._experiment.workspace
        models.check_model_name(model_name)
        references = saved_references(workspace, datasets)
        with tempfile.TemporaryDirectory() as aside:
            found = runs.download_files(self._tracking, self.id, model_path or model_name, Path(aside))
            record = models.register(
                workspace._moorage,
                found,
                model_name,
                tags=tags,
                properties=properties,
                description=description,
                framework=model_framework,
                framework_version=model_framework_version,
                resources=None if resource_configuration is None else resource_configuration.as_record(),
                run_id=self.id,
                experiment_name=self._experiment.name,
                sample_input_dataset_id=dataset_id(workspace, sample_input_dataset),
                sample_output_dataset_id=dataset_id(workspace, sample_output_dataset),
            )
        links.link(workspace._moorage, record, references)
        return Model._of(workspace, record)

    # --- its life ---

    def start(self) -> None:
        """Set the state to Running."""
        self._finish("Running")

    def complete(self, _set_status: bool = True) -> None:
        """End the run well."""
        if _set_status:
            self._finish("Completed")

    def fail(self, error_details: Any = None, error_code: Any = None, _set_status: bool = True) -> None:
        """End the run badly; ``error_details`` is a text or an exception."""
        if _set_status:
            reason = [str(part) for part in (error_code, error_details) if part is not None]
            self._finish("Failed", ": ".join(reason) or None)

    def cancel(self) -> None:
        """End the run before it is done."""
        self._finish("Canceled")

    def flush(self, timeout_seconds: float = 300) -> None:
        """Do nothing: everything is kept when the call that logs it returns."""

    @as_old_exceptions()
    def child_run(self, name: str | None = None, run_id: str | None = None, outputs: Any = None) -> "Run":
        """Start a run below this one; the store chooses its id."""
        started = self._tracking.start(self._experiment._record, name=name or run_id, parent_id=self.id)
        return Run._of(self._experiment, started)

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> dict[str, Any]:
        """Wait until the run ends and return its details.

        Raises:
            ActivityFailedException: it failed and ``raise_on_error`` is True.
        """
        while self.get_status() not in FINAL:
            time.sleep(_POLL_S)
        if show_output:
            print(f"RunId: {self.id}\nStatus: {self._record.status}")
        if raise_on_error and self._record.status == "Failed":
            raise ActivityFailedException(self._record.error or f"run {self.id} failed")
        return self.get_details()

    def tag(self, key: str, value: Any = None) -> None:
        """Set one tag."""
        self._change(add_tags={key: "" if value is None else str(value)})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags."""
        self._change(add_tags=tags)

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Remove tags by key; missing ones are fine."""
        self._change(remove_tags=tuple(tags))

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        """Add properties, which are set once."""
        self._change(add_properties=properties)

    @as_old_exceptions()
    def _change(self, **changes: Any) -> None:
        self._record = self._tracking.change(self.id, **changes)

    @as_old_exceptions()
    def _finish(self, status: str, error: str | None = None) -> None:
        self._record = self._tracking.finish(self.id, status, error)

    @as_old_exceptions()
    def _refresh(self) -> None:
        self._record = self._tracking.run(self.id)

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None:
            self.complete()
        else:
            self.fail(error_details=error)

    def __repr__(self) -> str:
        return (
            f"Run(Experiment: {self._experiment.name},\nId: {self.id},\nType: {self.type},\n"
            f"Status: {self._record.status})"
        )


# A method of the class is called "list", so annotations inside it need another name for the type.
_Texts = list[str]
