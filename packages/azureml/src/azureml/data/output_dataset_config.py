"""Outputs of training jobs."""

from azureml._outside import TRAINING, outside

__all__ = ["OutputFileDatasetConfig", "OutputTabularDatasetConfig"]

OutputFileDatasetConfig = outside("OutputFileDatasetConfig", TRAINING)
OutputTabularDatasetConfig = outside("OutputTabularDatasetConfig", TRAINING)
