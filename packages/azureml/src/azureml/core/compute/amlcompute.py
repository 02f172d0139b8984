"""``AmlCompute`` under the name of its own module."""

from azureml.core.compute._others import AmlCompute

__all__ = ["AmlCompute"]
