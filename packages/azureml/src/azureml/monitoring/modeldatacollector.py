"""``ModelDataCollector``: scripts that collect data run on; keeping what they collect is not built yet."""

import warnings
from typing import Any, ClassVar

__all__ = ["ModelDataCollector"]


class ModelDataCollector:
    """Made in ``init()``, one per model and designation. It warns once and keeps nothing."""

    AML_DC_BOUNDARY_HEADER: ClassVar[str] = "$aml_dc_boundary"
    AML_DC_CORRELATION_HEADER: ClassVar[str] = "$aml_dc_correlation_id"
    AML_DC_SCORING_TIMESTAMP_HEADER: ClassVar[str] = "$aml_dc_scoring_timestamp"
    AML_MODEL_NAME_HEADER: ClassVar[str] = "$aml_model_name"
    AML_MODEL_VERSION_HEADER: ClassVar[str] = "$aml_model_version"
    AML_REQUEST_ID_HEADER: ClassVar[str] = "$aml_request_id"
    AML_SERVICE_NAME_HEADER: ClassVar[str] = "$aml_service_name"
    AML_WORKSPACE_HEADER: ClassVar[str] = "$aml_workspace"

    def __init__(
        self,
        model_name: str,
        designation: str = "default",
        feature_names: list[str] | None = None,
        workspace: str = "default/default/default",
        webservice_name: str = "default",
        model_version: str = "default",
        collection_name: str = "default",
    ) -> None:
        self.model_name, self.designation = model_name, designation
        self.feature_names, self.collection_name = feature_names, collection_name
        warnings.warn(
            f"data collection is not available in Moorage yet: what {model_name}/{designation} collects "
            "is not kept; write it to a file or a database of your own",
            stacklevel=2,
        )

    def collect(self, input_data: Any, user_correlation_id: str = "") -> dict[str, Any]:
        """Keep nothing and return no headers, as when collection is off."""
        return {}

    def add_correlations(self, input_data: Any, correlations: dict[str, Any]) -> Any:
        """Return the data as it is."""
        return input_data
