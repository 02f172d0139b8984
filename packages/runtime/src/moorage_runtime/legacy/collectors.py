"""Collecting model data: the interfaces of ``azureml.monitoring`` and ``azureml.ai.monitoring``.

Calls are checked and answered as ever; nothing is stored.
"""

import uuid
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Optional


class ModelDataCollector:
    """One stream of rows of a model: ``inputs``, ``predictions``, ``labels``, ``signals`` or ``general``."""

    AML_DC_BOUNDARY_HEADER = "$aml_dc_boundary"
    AML_DC_CORRELATION_HEADER = "$aml_dc_correlation_id"
    AML_DC_SCORING_TIMESTAMP_HEADER = "$aml_dc_scoring_timestamp"
    AML_MODEL_NAME_HEADER = "$aml_model_name"
    AML_MODEL_VERSION_HEADER = "$aml_model_version"
    AML_REQUEST_ID_HEADER = "$aml_request_id"
    AML_SERVICE_NAME_HEADER = "$aml_service_name"
    AML_WORKSPACE_HEADER = "$aml_workspace"

    def __init__(  # noqa: PLR0917 - the old signature
        self,
        model_name: str,
        designation: str = "default",
        feature_names: Optional[List[str]] = None,
        workspace: str = "default/default/default",
        webservice_name: str = "default",
        model_version: str = "default",
        collection_name: str = "default",
        **old_names: Any,
    ) -> None:
        if not model_name:
            raise ValueError("a ModelDataCollector needs the name of its model")
        # Called "identifier" in the first releases.
        self.designation = old_names.pop("identifier", designation)
        if old_names:
            raise TypeError("ModelDataCollector does not know %s" % ", ".join(sorted(old_names)))
        self.model_name = model_name
        self.feature_names = feature_names
        self.workspace = workspace
        self.webservice_name = webservice_name
        self.model_version = model_version
        self.collection_name = collection_name

    def collect(self, input_data: Any, user_correlation_id: str = "") -> Dict[str, Any]:
        """Return the values that would tie these rows to others, by the names of their columns."""
        _check_rows(input_data)
        return {
            self.AML_DC_CORRELATION_HEADER: user_correlation_id or str(uuid.uuid4()),
            self.AML_REQUEST_ID_HEADER: str(uuid.uuid4()),
            self.AML_DC_SCORING_TIMESTAMP_HEADER: datetime.now(timezone.utc).isoformat(),
            self.AML_WORKSPACE_HEADER: self.workspace,
            self.AML_SERVICE_NAME_HEADER: self.webservice_name,
            self.AML_MODEL_NAME_HEADER: self.model_name,
            self.AML_MODEL_VERSION_HEADER: self.model_version,
        }

    def add_correlations(self, input_data: Any, correlations: Dict[str, Any]) -> Any:
        """Return ``input_data`` (a pandas frame, or a list of rows) with the correlations as columns."""
        _check_rows(input_data)
        if hasattr(input_data, "assign"):
            return input_data.assign(**correlations)
        if hasattr(input_data, "tolist"):
            input_data = input_data.tolist()
        rows = [list(row) if isinstance(row, (list, tuple)) else [row] for row in input_data]
        return [row + list(correlations.values()) for row in rows]


def _check_rows(data: Any) -> None:
    if not (isinstance(data, (list, tuple)) or hasattr(data, "columns") or hasattr(data, "tolist")):
        raise TypeError("only lists, arrays and frames can be collected, not %s" % type(data).__name__)


class CorrelationContext:
    """Ties the records of one request together."""

    def get_id(self) -> str:
        raise NotImplementedError

    def get_headers(self) -> Dict[str, str]:
        return {}


class BasicCorrelationContext(CorrelationContext):
    """A context with an id of one's own, or a new one."""

    def __init__(self, id: Optional[str] = None, headers: Optional[Dict[str, str]] = None) -> None:
        self._id = id or str(uuid.uuid4())
        self._headers = dict(headers or {})

    def get_id(self) -> str:
        return self._id

    def get_headers(self) -> Dict[str, str]:
        return self._headers


class Collector:
    """One named collection of pandas frames; errors go to ``on_error`` instead of being raised."""

    def __init__(self, *, name: str, on_error: Optional[Callable[[Exception], Any]] = None) -> None:
        if not name:
            raise ValueError("a Collector needs a name")
        self.name = name
        self.on_error = on_error

    def collect(
        self, data: Any, correlation_context: Optional[CorrelationContext] = None
    ) -> CorrelationContext:
        """Return the context to hand to further collectors for the same request."""
        if not (hasattr(data, "columns") and hasattr(data, "to_dict")):
            error = TypeError("only pandas frames can be collected, not %s" % type(data).__name__)
            if self.on_error is None:
                raise error
            self.on_error(error)
        return correlation_context or BasicCorrelationContext()
