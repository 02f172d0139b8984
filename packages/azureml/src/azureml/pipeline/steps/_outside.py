"""Steps of pipelines."""

from azureml._outside import PIPELINES, outside

__all__ = [
    "AutoMLStep",
    "AzureBatchStep",
    "CommandStep",
    "DataTransferStep",
    "DatabricksStep",
    "EstimatorStep",
    "HyperDriveStep",
    "MpiStep",
    "PythonScriptStep",
    "RScriptStep",
]

AutoMLStep = outside("AutoMLStep", PIPELINES)
AzureBatchStep = outside("AzureBatchStep", PIPELINES)
CommandStep = outside("CommandStep", PIPELINES)
DataTransferStep = outside("DataTransferStep", PIPELINES)
DatabricksStep = outside("DatabricksStep", PIPELINES)
EstimatorStep = outside("EstimatorStep", PIPELINES)
HyperDriveStep = outside("HyperDriveStep", PIPELINES)
MpiStep = outside("MpiStep", PIPELINES)
PythonScriptStep = outside("PythonScriptStep", PIPELINES)
RScriptStep = outside("RScriptStep", PIPELINES)
