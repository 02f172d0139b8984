"""Training jobs with scikit-learn."""

from azureml._outside import TRAINING, outside

__all__ = ["SKLearn"]

SKLearn = outside("SKLearn", TRAINING)
