"""Names of pipelines."""

from azureml._outside import PIPELINES, outside

__all__ = [
    "InputPortBinding",
    "OutputPortBinding",
    "Pipeline",
    "PipelineData",
    "PipelineDataset",
    "PipelineEndpoint",
    "PipelineParameter",
    "PipelineRun",
    "PortDataReference",
    "PublishedPipeline",
    "Schedule",
    "ScheduleRecurrence",
    "StepRun",
    "StepSequence",
    "TrainingOutput",
]

InputPortBinding = outside("InputPortBinding", PIPELINES)
OutputPortBinding = outside("OutputPortBinding", PIPELINES)
Pipeline = outside("Pipeline", PIPELINES)
PipelineData = outside("PipelineData", PIPELINES)
PipelineDataset = outside("PipelineDataset", PIPELINES)
PipelineEndpoint = outside("PipelineEndpoint", PIPELINES)
PipelineParameter = outside("PipelineParameter", PIPELINES)
PipelineRun = outside("PipelineRun", PIPELINES)
PortDataReference = outside("PortDataReference", PIPELINES)
PublishedPipeline = outside("PublishedPipeline", PIPELINES)
Schedule = outside("Schedule", PIPELINES)
ScheduleRecurrence = outside("ScheduleRecurrence", PIPELINES)
StepRun = outside("StepRun", PIPELINES)
StepSequence = outside("StepSequence", PIPELINES)
TrainingOutput = outside("TrainingOutput", PIPELINES)
