"""Compute targets."""

from azureml.core.compute.aks import AksCompute
from azureml.core.compute.compute import ComputeTarget

__all__ = ["AksCompute", "ComputeTarget"]
