"""The base of parameter types."""

from moorage_runtime.schema.abstract_type import AbstractParameterType

__all__ = ["AbstractParameterType"]
