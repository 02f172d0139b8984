"""Submitted training jobs."""

from azureml._outside import TRAINING, outside

__all__ = ["ScriptRun"]

ScriptRun = outside("ScriptRun", TRAINING)
