"""``AutoMLRun``: a run whose children are candidates. Searching for models is not part of Moorage."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azureml._errors import as_old_exceptions
from azureml.core.experiment import Experiment
from azureml.core.run import Run
from azureml.exceptions import UserErrorException
from moorage import runs

if TYPE_CHECKING:
    from azureml.core.model import Model

__all__ = ["AutoMLRun"]

_MODEL_PATH = "outputs/model.pkl"
_PRIMARY_METRIC = "primary_metric"
_TO_MINIMIZE = ("error", "loss")


class AutoMLRun(Run):
    """An existing run; its children hold ``outputs/model.pkl`` and the metrics to compare.

    The property ``primary_metric`` of the run names the metric. The highest value wins, the lowest where the
    metric's name has ``error`` or ``loss`` in it.
    """

    model_id: str | None

    def __init__(self, experiment: Experiment, run_id: str, **kwargs: Any) -> None:
        super().__init__(experiment, run_id)
        self.model_id = None

    @property
    def run_id(self) -> str:
        return self.id

    def get_best_child(self, metric: str | None = None, onnx_compatible: bool = False, **kwargs: Any) -> Run:
        """Return the child with the best value of the metric.

        Raises:
            UserErrorException: no metric is named, or no child has it.
        """
        name = metric or self.properties.get(_PRIMARY_METRIC)
        if name is None:
            raise UserErrorException(f"name a metric, or set the property {_PRIMARY_METRIC!r} of the run")
        values = {child: child.get_metrics(name).get(name) for child in self.get_children()}
        scored = {child: _last(value) for child, value in values.items() if value is not None}
        if not scored:
            raise UserErrorException(f"no child of run {self.id} has a metric {name!r}")
        choose = min if any(word in name for word in _TO_MINIMIZE) else max
        return choose(scored, key=lambda child: scored[child])

    @as_old_exceptions()
    def get_output(
        self,
        iteration: int | None = None,
        metric: str | None = None,
        return_onnx_model: bool = False,
        return_split_onnx_model: Any = None,
        **kwargs: Any,
    ) -> tuple[Run, Any]:
        """Return the best child (or that of an iteration) and its model, loaded with joblib.

        Loading a pickle runs code from it: only for models that you trust.
        """
        import joblib

        child = self._chosen(iteration, metric)
        with tempfile.TemporaryDirectory() as aside:
            return child, joblib.load(runs.download_files(self._tracking, child.id, _MODEL_PATH, Path(aside)))

    def register_model(  # type: ignore[override]  # the old API has other parameters here, too
        self,
        model_name: str | None = None,
        description: str | None = None,
        tags: dict[str, Any] | None = None,
        iteration: int | None = None,
        metric: str | None = None,
    ) -> "Model":
        """Register the best child's model (or that of an iteration); ``model_id`` is its name afterwards."""
        child = self._chosen(iteration, metric)
        name = model_name or f"AutoML{child.id.replace('-', '').replace('_', '')[:10]}"
        model = child.register_model(name, _MODEL_PATH, tags=tags, description=description)
        self.model_id = model.name
        return model

    def _chosen(self, iteration: int | None, metric: str | None) -> Run:
        if iteration is None:
            return self.get_best_child(metric)
        oldest_first = list(self.get_children())[::-1]
        if not 0 <= iteration < len(oldest_first):
            raise UserErrorException(f"the run has {len(oldest_first)} iterations, no number {iteration}")
        return oldest_first[iteration]

    def complete(self, **kwargs: Any) -> None:  # type: ignore[override]
        """End the run well."""
        super().complete()

    def fail(
        self, error_details: Any = None, error_code: Any = None, _set_status: bool = True, **kwargs: Any
    ) -> None:
        """End the run badly; ``error_details`` is a text or an exception."""
        super().fail(error_details, error_code, _set_status)

    def wait_for_completion(  # type: ignore[override]
        self, show_output: bool = False, wait_post_processing: bool = False
    ) -> dict[str, Any]:
        """Wait until the run ends and return its details."""
        return super().wait_for_completion(show_output, wait_post_processing)


def _last(value: Any) -> float:
    return float(value[-1] if isinstance(value, list) else value)
