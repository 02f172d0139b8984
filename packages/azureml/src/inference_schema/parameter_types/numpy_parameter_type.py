"""numpy arrays as samples."""

from moorage_runtime.schema.numpy_type import NumpyParameterType

__all__ = ["NumpyParameterType"]
