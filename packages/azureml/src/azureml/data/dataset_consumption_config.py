"""Inputs of training jobs."""

from azureml._outside import TRAINING, outside

__all__ = ["DatasetConsumptionConfig"]

DatasetConsumptionConfig = outside("DatasetConsumptionConfig", TRAINING)
