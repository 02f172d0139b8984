"""The exception of compute targets, under its other name."""

from azureml.exceptions import ComputeTargetException

__all__ = ["ComputeTargetException"]
