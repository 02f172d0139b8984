"""Configurations of training jobs. Moorage deploys models, it runs no training jobs."""

from azureml._outside import TRAINING, outside

__all__ = ["ScriptRunConfig"]

ScriptRunConfig = outside("ScriptRunConfig", TRAINING)
