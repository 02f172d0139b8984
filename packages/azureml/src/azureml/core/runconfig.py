"""Configurations of training jobs. Moorage deploys models, it runs no training jobs."""

from azureml._outside import TRAINING, outside
from azureml.core._sections import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE
from azureml.core.conda_dependencies import CondaDependencies

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "CondaDependencies",
    "DataReferenceConfiguration",
    "DockerConfiguration",
    "EnvironmentDefinition",
    "MpiConfiguration",
    "ParallelTaskConfiguration",
    "PyTorchConfiguration",
    "RunConfiguration",
    "TensorflowConfiguration",
]

DataReferenceConfiguration = outside("DataReferenceConfiguration", TRAINING)
DockerConfiguration = outside("DockerConfiguration", TRAINING)
EnvironmentDefinition = outside("EnvironmentDefinition", "Use azureml.core.Environment.")
MpiConfiguration = outside("MpiConfiguration", TRAINING)
ParallelTaskConfiguration = outside("ParallelTaskConfiguration", TRAINING)
PyTorchConfiguration = outside("PyTorchConfiguration", TRAINING)
RunConfiguration = outside("RunConfiguration", TRAINING)
TensorflowConfiguration = outside("TensorflowConfiguration", TRAINING)
