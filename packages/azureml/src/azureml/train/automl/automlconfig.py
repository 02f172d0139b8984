"""Automated machine learning."""

from azureml._outside import TRAINING, outside

__all__ = ["AutoMLConfig"]

AutoMLConfig = outside("AutoMLConfig", TRAINING)
