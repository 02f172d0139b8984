"""``ModelProfile``: the result of profiling, which is not built yet; nothing creates it."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from azureml.exceptions import NotYetAvailable

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = ["ModelProfile"]

_INSTEAD = "Deploy the service and measure it with the requests that you expect."


class ModelProfile:
    """Measured times and a recommendation of cores and GB."""

    workspace: "Workspace"
    name: str
    id: str
    description: str | None
    created_time: datetime
    state: str
    model_ids: list[str]
    input_dataset_id: str | None
    requested_cpu: float | None
    requested_memory_in_gb: float | None
    requested_queries_per_second: float | None
    max_utilized_cpu: float | None
    max_utilized_memory: float | None
    total_queries: int | None
    success_queries: int | None
    success_rate: float | None
    average_latency_in_ms: float | None
    latency_percentile_50_in_ms: float | None
    latency_percentile_90_in_ms: float | None
    latency_percentile_95_in_ms: float | None
    latency_percentile_99_in_ms: float | None
    latency_percentile_999_in_ms: float | None
    measured_queries_per_second: float | None
    recommended_cpu: float | None
    recommended_memory: float | None
    environment: Any
    error: Any
    error_logs_url: str | None
    create_operation_id: str | None

    def __init__(self, workspace: "Workspace", name: str) -> None:
        raise NotYetAvailable("ModelProfile", _INSTEAD)

    def wait_for_completion(self, show_output: bool = False) -> None:
        """Wait until the measurement ends."""
        raise NotYetAvailable("ModelProfile.wait_for_completion()", _INSTEAD)

    def get_details(self) -> dict[str, Any]:
        """Return everything that was measured."""
        raise NotYetAvailable("ModelProfile.get_details()", _INSTEAD)

    def serialize(self) -> dict[str, Any]:
        """Return the form of the REST interface."""
        raise NotYetAvailable("ModelProfile.serialize()", _INSTEAD)

    def wait_for_profiling(self, show_output: bool = False) -> None:
        """Older name of ``wait_for_completion``."""
        self.wait_for_completion(show_output)

    def get_results(self) -> dict[str, Any]:
        """Return the recommendation: ``cpu`` and ``memoryInGB``."""
        raise NotYetAvailable("ModelProfile.get_results()", _INSTEAD)

    def update_creation_state(self) -> None:
        """Look again."""
        raise NotYetAvailable("ModelProfile.update_creation_state()", _INSTEAD)
