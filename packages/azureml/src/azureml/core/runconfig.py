"""Configurations of training jobs. Moorage deploys models, it runs no training jobs."""

from typing import Any

from azureml.core._sections import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE
from azureml.exceptions import NotYetAvailable

__all__ = ["DEFAULT_CPU_IMAGE", "DEFAULT_GPU_IMAGE", "RunConfiguration"]


class RunConfiguration:
    """Where and with what a training job runs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotYetAvailable("RunConfiguration", "Run the training script yourself and register its model.")
