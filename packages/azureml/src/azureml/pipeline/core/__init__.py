"""Pipelines are not built; the base class of steps is here because old code names it."""

from azureml.pipeline.core._outside import (
    InputPortBinding,
    OutputPortBinding,
    Pipeline,
    PipelineData,
    PipelineDataset,
    PipelineEndpoint,
    PipelineParameter,
    PipelineRun,
    PortDataReference,
    PublishedPipeline,
    Schedule,
    ScheduleRecurrence,
    StepRun,
    StepSequence,
    TrainingOutput,
)
from azureml.pipeline.core.builder import PipelineStep

__all__ = [
    "InputPortBinding",
    "OutputPortBinding",
    "Pipeline",
    "PipelineData",
    "PipelineDataset",
    "PipelineEndpoint",
    "PipelineParameter",
    "PipelineRun",
    "PipelineStep",
    "PortDataReference",
    "PublishedPipeline",
    "Schedule",
    "ScheduleRecurrence",
    "StepRun",
    "StepSequence",
    "TrainingOutput",
]
