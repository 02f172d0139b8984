"""Profiling a service: run it here for the requests that are expected, measure, keep the result."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone

from moorage.datasets import Dataset
from moorage.datasets.frames import to_frame
from moorage.deployments import InferenceConfig, LocalConfig
from moorage.errors import InvalidArgument, MoorageError
from moorage.models import Model
from moorage.models.registration import user_name
from moorage.profiling import registry
from moorage.profiling.measuring import measure
from moorage.profiling.profile import Profile, check_profile_name, recommended
from moorage.profiling.trial import TrialLog, on_trial
from moorage.services.events import OnEvent
from moorage.workspace import Workspace
from moorage_server.settings import NO_POLLING

__all__ = ["LONGEST_S", "REPEATS", "profile", "requests_of"]

REPEATS = 1000
"""How often a single request is repeated, unless time is up before."""
LONGEST_S = 20.0
_CORES, _GB = (0.1, 3.5), (0.1, 15.0)


def profile(
    workspace: Workspace,
    name: str,
    models: Sequence[Model | str],
    inference_config: InferenceConfig,
    requests: Sequence[bytes],
    *,
    cpu_cores: float | None = None,
    memory_gb: float | None = None,
    description: str | None = None,
    input_dataset_id: str | None = None,
    longest_s: float = LONGEST_S,
    on_event: OnEvent | None = None,
) -> Profile:
    """Start the service with one scorer beside all others, send the requests, keep what was measured.

    A single request is repeated `REPEATS` times, several are sent once each; nothing is sent after
    ``longest_s``. ``cpu_cores`` and ``memory_gb`` are noted; processes of this machine are not held to them.
    An earlier profile of that name is replaced. A script that fails makes a profile with an error.

    Raises:
        InvalidName, InvalidArgument: nothing was started.
        PlanRejected, ModelNotFound, ...: the service cannot be deployed; nothing was started.
    """
    check_profile_name(name)
    _check_range("cpu", cpu_cores, _CORES)
    _check_range("memory_in_gb", memory_gb, _GB)
    if not requests:
        raise InvalidArgument(
            "requests", "there is none; give the text of a request, or a data set with rows"
        )
    ids = tuple(model if isinstance(model, str) else model.id for model in models)
    draft = Profile(
        name=name,
        state="Failed",
        model_ids=ids,
        created_at=datetime.now(timezone.utc),
        created_by=user_name(),
        description=description,
        input_dataset_id=input_dataset_id,
        requested_cpu_cores=cpu_cores,
        requested_memory_gb=memory_gb,
    )
    count = REPEATS if len(requests) == 1 else len(requests)
    log = TrialLog()
    try:
        # Processor time is measured and recommended: that of work, not of polling for it.
        config = LocalConfig(spin_us=NO_POLLING)
        with on_trial(workspace, ids, inference_config, config, log=log, on_event=on_event) as trial:
            measured, failure = measure(trial, requests, count=count, longest_s=longest_s)
    except MoorageError as error:
        if not log.has_begun:
            raise
        made = replace(draft, error=str(error), log=log.text)
    else:
        made = replace(draft, measured=measured, log=log.text)
        if measured.successful_requests:
            cores, gigabytes = recommended(measured)
            made = replace(
                made, state="Succeeded", recommended_cpu_cores=cores, recommended_memory_gb=gigabytes
            )
        made = replace(made, error=None if failure is None else f"a request failed: {failure}")
    registry.keep(workspace, made)
    return made


def requests_of(workspace: Workspace, dataset: Dataset) -> list[bytes]:
    """Return the rows of a table with one column of texts, each the body of a request.

    Raises:
        InvalidArgument: it is no such table.
    """
    if dataset.table is None:
        raise InvalidArgument("input_dataset", "a table is needed, with one column whose rows are requests")
    frame = to_frame(workspace, dataset)
    if len(frame.columns) != 1:
        raise InvalidArgument(
            "input_dataset",
            f"has the columns {', '.join(map(str, frame.columns))}; one column of texts is needed, such as "
            "that of lines read with separator='\\n' and no header",
        )
    return [str(value).encode() for value in frame.iloc[:, 0]]


def _check_range(argument: str, value: float | None, limits: tuple[float, float]) -> None:
    if value is not None and not limits[0] <= value <= limits[1]:
        raise InvalidArgument(argument, f"is a number from {limits[0]} to {limits[1]}, not {value}")
