"""``DatabricksCompute`` under the name of its own module."""

from azureml.core.compute._others import DatabricksCompute

__all__ = ["DatabricksCompute"]
