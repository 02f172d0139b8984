"""Compute targets and their exception, under other names."""

from azureml.core.compute.compute import ComputeTarget
from azureml.exceptions import ComputeTargetException

__all__ = ["ComputeTarget", "ComputeTargetException"]
