"""The tracking store of a workspace: its experiments, and the life of runs.

MLflow keeps everything, and what changes is an event of the workspace's audit log. Without
``$MLFLOW_TRACKING_URI`` MLflow keeps it in ``runs.db`` and ``run-files/`` of the workspace; with it, on the
server or in the place that the variable names.
"""

import logging
import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

from moorage.errors import InvalidArgument, NotSupported, PropertyExists, RunNotFound, TrackingUnavailable
from moorage.folders import make_private_folder
from moorage.runs.records import FINAL, STATUSES, Experiment, Run, check_experiment_name
from moorage.workspace import Workspace

_PROPERTY = "moorage.property."
_ERROR = "moorage.error"
_NOTE, _PARENT = "mlflow.note.content", "mlflow.parentRunId"
_PAGE = 1000


class Tracking:
    """One open store. ``client`` is MLflow's, for what is not here; made by `open_tracking`."""

    def __init__(self, client: Any, artifact_root: str | None, workspace: Workspace) -> None:
        self.client = client
        self._artifact_root = artifact_root
        self._workspace = workspace
        self._logged: set[tuple[str, str]] = set()

    @property
    def uri(self) -> str:
        """The address of the store, for ``mlflow.set_tracking_uri``."""
        return str(self.client.tracking_uri)

    def note_run(self, run_id: str, verb: str, **details: Any) -> None:
        """Write into the audit log what happened to a run."""
        self._workspace.note(f"run.{verb}", f"run {run_id}", **details)

    def note_logged(self, run_id: str, name: str) -> None:
        """As `note_run`, for the first value only that is logged under a name: MLflow has all of them."""
        if (run_id, name) not in self._logged:
            self.note_run(run_id, "logged", name=name)
            self._logged.add((run_id, name))

    def _note_experiment(self, name: str, verb: str, **details: Any) -> None:
        self._workspace.note(f"experiment.{verb}", f"experiment {name}", **details)

    # --- experiments ---

    def experiment(self, name: str) -> Experiment:
        """Return the experiment of that name; it is made if it is new.

        Raises:
            InvalidName: see `records.NAME_RULE`.
        """
        check_experiment_name(name)
        with clear_errors():
            found = self.client.get_experiment_by_name(name)
            if found is None:
                root = self._artifact_root
                place = None if root is None else f"{root}/{name}"
                found = self.client.get_experiment(self.client.create_experiment(name, place))
                self._note_experiment(name, "created")
        return Experiment(found.experiment_id, found.name, dict(found.tags))

    def experiment_of(self, run: Run) -> Experiment:
        """Return the experiment that a run belongs to."""
        with clear_errors():
            found = self.client.get_experiment(run.experiment_id)
        return Experiment(found.experiment_id, found.name, dict(found.tags))

    def experiments(self) -> list[Experiment]:
        """Return all experiments by name, without the unnamed default of MLflow."""
        with clear_errors():
            listed = self.client.search_experiments()
        found = [Experiment(one.experiment_id, one.name, dict(one.tags)) for one in listed]
        return sorted((one for one in found if one.name != "Default"), key=lambda one: one.name)

    def set_experiment_tags(self, experiment: Experiment, tags: Mapping[str, str]) -> None:
        """Add tags to an experiment."""
        with clear_errors():
            for key, value in tags.items():
                self.client.set_experiment_tag(experiment.id, key, value)
        if tags:
            self._note_experiment(experiment.name, "changed", tags=sorted(tags))

    def delete_experiment(self, experiment_id: str) -> None:
        """Mark an experiment as deleted; MLflow keeps what is in it."""
        with clear_errors():
            name = self.client.get_experiment(experiment_id).name
            self.client.delete_experiment(experiment_id)
        self._note_experiment(name, "deleted")

    # --- runs ---

    def start(self, experiment: Experiment, *, name: str | None = None, parent_id: str | None = None) -> Run:
        """Start a run; its state is Running until `finish`."""
        tags = {} if parent_id is None else {_PARENT: parent_id}
        with clear_errors():
            made = _record(self.client.create_run(experiment.id, tags=tags, run_name=name))
        self.note_run(made.id, "started", experiment=experiment.name, parent=parent_id)
        return made

    def run(self, run_id: str) -> Run:
        """Return a run as it is now.

        Raises:
            RunNotFound: there is none of that id.
        """
        with clear_errors(run_id):
            return _record(self.client.get_run(run_id))

    def runs(self, experiment: Experiment) -> Iterator[Run]:
        """Return the runs of an experiment, newest first, children too."""
        token: str | None = None
        while True:
            with clear_errors():
                page = self.client.search_runs(
                    [experiment.id],
                    max_results=_PAGE,
                    order_by=["attributes.start_time DESC"],
                    page_token=token,
                )
            yield from (_record(found) for found in page)
            token = page.token
            if not token:
                return

    def finish(self, run_id: str, status: str, error: str | None = None) -> Run:
        """Set the final state: Completed, Failed or Canceled.

        Raises:
            InvalidArgument: no such state.
        """
        words = {ours: theirs for theirs, ours in STATUSES.items()}
        if status not in words:
            raise InvalidArgument("status", f"{status!r} is none of {', '.join(words)}")
        with clear_errors(run_id):
            if error is not None:
                self.client.set_tag(run_id, _ERROR, error)
            if status in ("Running", "NotStarted"):
                self.client.update_run(run_id, status=words[status])
            else:
                self.client.set_terminated(run_id, status=words[status])
        self.note_run(run_id, "ended" if status in FINAL else "changed", status=status)
        return self.run(run_id)

    def change(
        self,
        run_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        add_tags: Mapping[str, str] | None = None,
        remove_tags: Sequence[str] = (),
        add_properties: Mapping[str, str] | None = None,
    ) -> Run:
        """Change what is given.

        Raises:
            PropertyExists: properties are set once; nothing was changed.
        """
        current = self.run(run_id)
        for key in add_properties or {}:
            if key in current.properties:
                raise PropertyExists(
                    f"run {run_id} has the property {key!r} already; use a tag for what changes"
                )
        new = {f"{_PROPERTY}{key}": value for key, value in (add_properties or {}).items()}
        if description is not None:
            new[_NOTE] = description
        with clear_errors(run_id):
            for key in remove_tags:
                if key in current.tags:
                    self.client.delete_tag(run_id, key)
            for key, value in {**(add_tags or {}), **new}.items():
                self.client.set_tag(run_id, key, str(value))
            if name is not None:
                self.client.update_run(run_id, name=name)
        given = {
            "name": name,
            "description": description,
            "tags": add_tags or set(remove_tags) & current.tags.keys(),
            "properties": add_properties,
        }
        changed = [key for key, value in given.items() if value or (key == "description" and value == "")]
        if changed:
            self.note_run(run_id, "changed", changed=changed)
        return self.run(run_id)


def open_tracking(workspace: Workspace) -> Tracking:
    """Open the store of a workspace; the first time takes some seconds, its tables are made then.

    Raises:
        NotSupported: MLflow is not installed.
        TrackingUnavailable: the store cannot be opened.
    """
    # Nothing about a user's runs leaves the machine unless the user asked for it.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    uri, root = os.environ.get("MLFLOW_TRACKING_URI"), None
    with _quiet():
        try:
            from mlflow.tracking import MlflowClient
        except ImportError as error:
            raise NotSupported(
                "experiments and runs are kept by MLflow, which is not installed: "
                "pip install 'moorage[mlflow]'"
            ) from error
    if uri is None:
        files = workspace.path / "run-files"
        make_private_folder(files)
        uri, root = f"sqlite:///{workspace.path / 'runs.db'}", files.as_uri()
    # Once more: the import has set up a log of its own.
    with _quiet(), clear_errors():
        return Tracking(MlflowClient(tracking_uri=uri), root, workspace)


def _record(found: Any) -> Run:
    info, tags = found.info, dict(found.data.tags)
    own = {key: value for key, value in tags.items() if not key.startswith(("mlflow.", "moorage."))}
    return Run(
        id=info.run_id,
        experiment_id=info.experiment_id,
        name=info.run_name or info.run_id,
        status=STATUSES.get(info.status, info.status),
        started_at=_time(info.start_time),
        ended_at=None if info.end_time is None else _time(info.end_time),
        description=tags.get(_NOTE),
        parent_id=tags.get(_PARENT),
        tags=own,
        properties={key[len(_PROPERTY) :]: value for key, value in tags.items() if key.startswith(_PROPERTY)},
        error=tags.get(_ERROR),
    )


def _time(milliseconds: int | None) -> datetime:
    return datetime.fromtimestamp((milliseconds or time.time() * 1000) / 1000, timezone.utc)


@contextmanager
def clear_errors(run_id: str | None = None) -> Iterator[None]:
    """Turn MLflow's errors into ours; those about ``run_id`` into `RunNotFound`."""
    from mlflow.exceptions import MlflowException

    try:
        with warnings.catch_warnings():
            # MLflow uses what newer libraries warn of; nobody here can mend that.
            warnings.simplefilter("ignore")
            yield
    except MlflowException as error:
        if run_id is not None and error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise RunNotFound(run_id) from error
        raise TrackingUnavailable(f"the tracking store answered: {error.message}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow and its migrations from talking while a store is opened."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
