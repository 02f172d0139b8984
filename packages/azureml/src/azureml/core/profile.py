"""``ModelProfile``: what ``Model.profile`` measured."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from azureml._errors import as_old_exceptions
from moorage import profiling

if TYPE_CHECKING:
    from azureml.core.environment import Environment
    from azureml.core.workspace import Workspace

__all__ = ["ModelProfile"]


class ModelProfile:
    """Measured times and a recommendation of cores and GB, looked up by the name of the profile.

    Raises:
        WebserviceException: there is no profile of that name.
    """

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
    environment: "Environment | None"
    error: Any
    error_logs_url: str | None
    create_operation_id: str | None

    @as_old_exceptions()
    def __init__(self, workspace: "Workspace", name: str) -> None:
        self._show(workspace, profiling.get(workspace._moorage, name))

    @classmethod
    def _of(
        cls, workspace: "Workspace", record: profiling.Profile, environment: "Environment | None"
    ) -> "ModelProfile":
        profile = cls.__new__(cls)
        profile._show(workspace, record)
        profile.environment = environment
        return profile

    def _show(self, workspace: "Workspace", record: profiling.Profile) -> None:
        self.workspace, self._record = workspace, record
        self.name, self.id, self.description = record.name, record.name, record.description
        self.created_time, self.state = record.created_at, record.state
        self.model_ids, self.input_dataset_id = list(record.model_ids), record.input_dataset_id
        self.requested_cpu = record.requested_cpu_cores
        self.requested_memory_in_gb = record.requested_memory_gb
        self.requested_queries_per_second = None
        self.recommended_cpu = record.recommended_cpu_cores
        self.recommended_memory = record.recommended_memory_gb
        self.environment, self.create_operation_id = None, None
        self.error_logs_url = None
        found = record.details()
        self.error = found.get("error")
        for key, name in _MEASURED.items():
            setattr(self, name, found.get(key))

    def wait_for_completion(self, show_output: bool = False) -> None:
        """Return at once: ``Model.profile`` has measured already. A failure is in ``get_details()``."""
        if show_output:
            print(f"Running.\n{self.state}")
            if self.error is not None:
                print(self.error["message"])

    def get_details(self) -> dict[str, Any]:
        """Return everything that was measured; keys without a value are left out."""
        return self._record.details()

    def serialize(self) -> dict[str, Any]:
        """Return the form of the REST interface; times are ISO 8601."""
        return {
            "name": self.name,
            "description": self.description,
            "state": self.state,
            "createdTime": self.created_time.isoformat(),
            "modelIds": self.model_ids,
            "inputDatasetId": self.input_dataset_id,
            "requestedCpu": self.requested_cpu,
            "requestedMemoryInGB": self.requested_memory_in_gb,
            "requestedQueriesPerSecond": self.requested_queries_per_second,
            **{key: getattr(self, name) for key, name in _MEASURED.items()},
            "recommendedMemoryInGB": self.recommended_memory,
            "recommendedCpu": self.recommended_cpu,
            "error": self.error,
            "errorLogsUri": self.error_logs_url,
        }

    def wait_for_profiling(self, show_output: bool = False) -> None:
        """Older name of ``wait_for_completion``."""
        self.wait_for_completion(show_output)

    def get_results(self) -> dict[str, Any]:
        """Return the recommendation: ``cpu`` and ``memoryInGB``."""
        return {"cpu": self.recommended_cpu, "memoryInGB": self.recommended_memory}

    @as_old_exceptions()
    def update_creation_state(self) -> None:
        """Look again."""
        self._show(self.workspace, profiling.get(self.workspace._moorage, self.name))

    def __repr__(self) -> str:
        return f"ModelProfile(workspace={self.workspace!r}, name={self.name}, state={self.state})"


_MEASURED = {
    "maxUtilizedMemoryInGB": "max_utilized_memory",
    "maxUtilizedCpu": "max_utilized_cpu",
    "totalQueries": "total_queries",
    "successQueries": "success_queries",
    "successRate": "success_rate",
    "averageLatencyInMs": "average_latency_in_ms",
    "latencyPercentile50InMs": "latency_percentile_50_in_ms",
    "latencyPercentile90InMs": "latency_percentile_90_in_ms",
    "latencyPercentile95InMs": "latency_percentile_95_in_ms",
    "latencyPercentile99InMs": "latency_percentile_99_in_ms",
    "latencyPercentile999InMs": "latency_percentile_999_in_ms",
    "measuredQueriesPerSecond": "measured_queries_per_second",
}
