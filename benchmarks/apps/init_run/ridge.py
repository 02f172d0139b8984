"""examples/diabetes/score.py with one line changed: joblib comes from where it is today."""

import os

import joblib
import numpy as np

from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    global model
    path = os.path.join(os.getenv("AZUREML_MODEL_DIR"), "ridge_model.pkl")
    model = joblib.load(path)


input_sample = np.array([[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]])
output_sample = np.array([3726.995])


@input_schema("data", NumpyParameterType(input_sample))
@output_schema(NumpyParameterType(output_sample))
def run(data):
    return model.predict(data).tolist()
