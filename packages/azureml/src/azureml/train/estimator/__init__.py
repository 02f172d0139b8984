"""Training jobs of the oldest kind."""

from azureml._outside import TRAINING, outside

__all__ = ["Estimator", "Mpi", "ParameterServer"]

Estimator = outside("Estimator", TRAINING)
Mpi = outside("Mpi", TRAINING)
ParameterServer = outside("ParameterServer", TRAINING)
