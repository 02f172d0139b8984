import os

import numpy as np
from sklearn.externals import joblib

from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    global model
    path = os.path.join(os.getenv("AZUREML_MODEL_DIR"), "ridge_model.pkl")
    model = joblib.load(path)


# Ten numbers describe a patient; the answer is how far the disease went within a year.
input_sample = np.array([[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]])
output_sample = np.array([3726.995])


@input_schema("data", NumpyParameterType(input_sample))
@output_schema(NumpyParameterType(output_sample))
def run(data):
    return model.predict(data).tolist()
