"""Decorators for an entry script's ``run``."""

from moorage_runtime.schema.decorators import input_schema, output_schema

__all__ = ["input_schema", "output_schema"]
