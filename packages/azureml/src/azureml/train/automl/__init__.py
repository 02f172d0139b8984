"""Score scripts of automated machine learning import this module for its effect, which is none here."""

from pkgutil import extend_path

from azureml.train.automl.automlconfig import AutoMLConfig

__all__ = ["AutoMLConfig"]

__path__ = extend_path(__path__, __name__)
