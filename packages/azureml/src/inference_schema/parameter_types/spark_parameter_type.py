"""Spark frames as samples."""

from moorage_runtime.schema.spark_type import SparkParameterType

__all__ = ["SparkParameterType"]
