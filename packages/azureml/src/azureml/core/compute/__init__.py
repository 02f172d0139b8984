"""Compute targets."""

from azureml.core.compute._others import (
    AmlCompute,
    ComputeInstance,
    DatabricksCompute,
    DataFactoryCompute,
    HDInsightCompute,
    KubernetesCompute,
    RemoteCompute,
)
from azureml.core.compute.aks import AksCompute
from azureml.core.compute.compute import ComputeTarget

__all__ = [
    "AksCompute",
    "AmlCompute",
    "ComputeInstance",
    "ComputeTarget",
    "DataFactoryCompute",
    "DatabricksCompute",
    "HDInsightCompute",
    "KubernetesCompute",
    "RemoteCompute",
]
