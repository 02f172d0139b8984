"""Standard Python values as samples."""

from moorage_runtime.schema.standard_type import StandardPythonParameterType

__all__ = ["StandardPythonParameterType"]
