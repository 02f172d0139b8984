"""Exceptions of data sets."""

from azureml.exceptions import UserErrorException

__all__ = ["DatasetExecutionError", "DatasetValidationError"]


class DatasetValidationError(UserErrorException):
    """A data set cannot be read."""


class DatasetExecutionError(UserErrorException):
    """A data set cannot be read."""
