"""``RemoteCompute`` under the name of its own module."""

from azureml.core.compute._others import RemoteCompute

__all__ = ["RemoteCompute"]
