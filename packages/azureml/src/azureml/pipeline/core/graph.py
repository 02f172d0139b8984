"""Parameters of pipelines."""

from azureml._outside import PIPELINES, outside

__all__ = ["PipelineParameter"]

PipelineParameter = outside("PipelineParameter", PIPELINES)
