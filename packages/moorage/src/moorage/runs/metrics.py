"""What a run measured: numbers with their history, and values of any other shape.

Numbers are MLflow's metrics. It has no place for texts, lists and tables, so those are JSON files of the run,
one for each name, in a folder that `files.list_files` leaves out.
"""

import hashlib
import json
import re
import tempfile
from pathlib import Path
from typing import Any

from moorage.errors import InvalidArgument
from moorage.runs.files import HIDDEN, walk
from moorage.runs.tracking import Tracking, clear_errors

_FOLDER = f"{HIDDEN}/metrics"
_NAME = re.compile(r"[\w .:/-]{1,200}")


def log_metric(tracking: Tracking, run_id: str, name: str, value: float, step: int | None = None) -> None:
    """Add a number to the history of a metric; without ``step`` it is the next one."""
    with clear_errors(run_id):
        if step is None:
            step = len(tracking.client.get_metric_history(run_id, name))
        tracking.client.log_metric(run_id, name, float(value), step=step)
    tracking.note_logged(run_id, name)


def log_value(tracking: Tracking, run_id: str, name: str, value: Any) -> None:
    """Keep a value that is not a number under a name; it replaces what was there.

    Raises:
        InvalidArgument: the name is not possible, or the value is not expressible in JSON.
    """
    if not _NAME.fullmatch(name):
        raise InvalidArgument("name", f"{name!r} is not a metric name: letters, digits, space and ._:/-")
    try:
        text = json.dumps({"name": name, "value": value})
    except (TypeError, ValueError) as error:
        raise InvalidArgument(name, f"the value cannot be written as JSON: {error}") from error
    with tempfile.TemporaryDirectory() as aside, clear_errors(run_id):
        file = Path(aside) / f"{hashlib.sha256(name.encode()).hexdigest()}.json"
        file.write_text(text, encoding="utf-8")
        tracking.client.log_artifact(run_id, str(file), _FOLDER)
    tracking.note_logged(run_id, name)


def read_metrics(tracking: Tracking, run_id: str, name: str | None = None) -> dict[str, Any]:
    """Return metrics by name: a number, the list of numbers if there were several, or the kept value."""
    with clear_errors(run_id):
        numbers = tracking.client.get_run(run_id).data.metrics
        found: dict[str, Any] = {
            key: [one.value for one in tracking.client.get_metric_history(run_id, key)]
            for key in numbers
            if name in (None, key)
        }
    found = {key: history[0] if len(history) == 1 else history for key, history in found.items()}
    return {**found, **_values(tracking, run_id, name)}


def _values(tracking: Tracking, run_id: str, name: str | None) -> dict[str, Any]:
    found = {}
    with tempfile.TemporaryDirectory() as aside:
        for path in walk(tracking, run_id, _FOLDER):
            with clear_errors(run_id):
                copy = tracking.client.download_artifacts(run_id, path, aside)
            kept = json.loads(Path(copy).read_text(encoding="utf-8"))
            if name in (None, kept["name"]):
                found[kept["name"]] = kept["value"]
    return found
