"""Save the model in MLflow's format: python mlflow_save.py MODEL FOLDER."""

import sys

import joblib
import mlflow.sklearn

mlflow.sklearn.save_model(joblib.load(sys.argv[1]), sys.argv[2], serialization_format="cloudpickle")
