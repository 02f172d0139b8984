"""Configurations of training jobs. Moorage deploys models, it runs no training jobs."""

from typing import Any

from azureml.exceptions import NotYetAvailable

__all__ = ["ScriptRunConfig"]


class ScriptRunConfig:
    """A training script with its arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotYetAvailable("ScriptRunConfig", "Run the training script yourself and register its model.")
