"""What a run measured: the ``log`` methods and ``get_metrics``."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from azureml._errors import as_old_exceptions
from azureml.core._run_files import RunFiles
from moorage import runs

__all__ = ["RunMetrics"]


class RunMetrics(RunFiles):
    """Numbers, texts, lists, tables and images of a run."""

    def get_children(self, recursive: bool = False) -> "Iterator[Any]":
        """See ``Run``."""
        raise NotImplementedError

    @as_old_exceptions()
    def log(self, name: str, value: Any, description: str = "", step: int | None = None) -> None:
        """Add a number to the history of a metric; a text replaces what was there."""
        if isinstance(value, str):
            runs.log_value(self._tracking, self.id, name, value)
        else:
            runs.log_metric(self._tracking, self.id, name, value, step)

    @as_old_exceptions()
    def log_list(self, name: str, value: Any, description: str = "") -> None:
        """Keep a list of numbers or texts."""
        runs.log_value(self._tracking, self.id, name, [_plain(one) for one in value])

    @as_old_exceptions()
    def log_row(self, name: str, description: str | None = None, **kwargs: Any) -> None:
        """Add a row to a table; the keywords are its columns."""
        table = runs.read_metrics(self._tracking, self.id, name).get(name, {})
        row = {column: [*table.get(column, []), _plain(one)] for column, one in kwargs.items()}
        runs.log_value(self._tracking, self.id, name, {**table, **row})

    @as_old_exceptions()
    def log_table(self, name: str, value: Mapping[str, Any], description: str = "") -> None:
        """Keep a table: column to list of values."""
        columns = {
            column: [_plain(one) for one in entries]
            if isinstance(entries, (list, tuple))
            else _plain(entries)
            for column, entries in value.items()
        }
        runs.log_value(self._tracking, self.id, name, columns)

    def log_image(self, name: str, path: str | None = None, plot: Any = None, description: str = "") -> None:
        """Keep an image file, or a figure of matplotlib, as ``<name>.png``."""
        if path is not None:
            self.upload_file(f"{name}{Path(path).suffix or '.png'}", path)
            return
        with tempfile.TemporaryDirectory() as aside:
            file = Path(aside) / "plot.png"
            plot.savefig(file)
            self.upload_file(f"{name}.png", str(file))

    def log_confusion_matrix(self, name: str, value: Any, description: str = "") -> None:
        """Keep a confusion matrix (a dictionary or JSON text)."""
        self._log_document(name, value)

    def log_accuracy_table(self, name: str, value: Any, description: str = "") -> None:
        """Keep an accuracy table (a dictionary or JSON text)."""
        self._log_document(name, value)

    def log_predictions(self, name: str, value: Any, description: str = "") -> None:
        """Keep binned predictions (a dictionary or JSON text)."""
        self._log_document(name, value)

    def log_residuals(self, name: str, value: Any, description: str = "") -> None:
        """Keep binned residuals (a dictionary or JSON text)."""
        self._log_document(name, value)

    @as_old_exceptions()
    def _log_document(self, name: str, value: Any) -> None:
        runs.log_value(self._tracking, self.id, name, value)

    @as_old_exceptions()
    def get_metrics(
        self, name: str | None = None, recursive: bool = False, run_type: Any = None, populate: bool = False
    ) -> dict[str, Any]:
        """Return metrics by name; ``recursive``: those of the children under their ids."""
        if not recursive:
            return runs.read_metrics(self._tracking, self.id, name)
        every = [self, *self.get_children(recursive=True)]
        return {run.id: runs.read_metrics(self._tracking, run.id, name) for run in every}


def _plain(value: Any) -> Any:
    """Return a number of numpy as one of Python, everything else as it is."""
    return value.item() if hasattr(value, "item") else value
