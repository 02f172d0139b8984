"""pandas frames as samples."""

from moorage_runtime.schema.pandas_type import PandasParameterType

__all__ = ["PandasParameterType"]
