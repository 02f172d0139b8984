"""As ridge.py, with a sample of floats: a sample of integers makes integers of all that comes."""

import os

import joblib
import numpy as np

from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    global model
    path = os.path.join(os.getenv("AZUREML_MODEL_DIR"), "ridge_model.pkl")
    model = joblib.load(path)


input_sample = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]])
output_sample = np.array([3726.995])


@input_schema("data", NumpyParameterType(input_sample))
@output_schema(NumpyParameterType(output_sample))
def run(data):
    return model.predict(data).tolist()
