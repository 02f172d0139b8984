"""``KubernetesCompute`` under the name of its own module."""

from azureml.core.compute._others import KubernetesCompute

__all__ = ["KubernetesCompute"]
