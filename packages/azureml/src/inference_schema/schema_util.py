"""Questions about decorated functions."""

from moorage_runtime.schema.schema_util import (
    __functions_schema__,
    __versions__,
    get_input_schema,
    get_output_schema,
    get_schemas_dict,
    get_supported_versions,
    is_schema_decorated,
)

__all__ = [
    "__functions_schema__",
    "__versions__",
    "get_input_schema",
    "get_output_schema",
    "get_schemas_dict",
    "get_supported_versions",
    "is_schema_decorated",
]
