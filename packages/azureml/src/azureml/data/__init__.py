"""Data sets of the old API."""

from azureml.data.file_dataset import FileDataset
from azureml.data.tabular_dataset import TabularDataset

__all__ = ["FileDataset", "TabularDataset"]
