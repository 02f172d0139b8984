"""``ComputeInstance`` under the name of its own module."""

from azureml.core.compute._others import ComputeInstance

__all__ = ["ComputeInstance"]
