"""Names that the old package kept in one place."""

from moorage_runtime.schema.constants import ALL_SUPPORTED_VERSIONS, INPUT_SCHEMA_ATTR, OUTPUT_SCHEMA_ATTR

__all__ = ["ALL_SUPPORTED_VERSIONS", "INPUT_SCHEMA_ATTR", "OUTPUT_SCHEMA_ATTR"]
