"""Stands for a model that takes 5 ms, for one row as for sixty."""

import time

import numpy as np

from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    pass


@input_schema("data", NumpyParameterType(np.array([[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]])))
@output_schema(NumpyParameterType(np.array([55])))
def run(data):
    time.sleep(0.005)
    return data.sum(axis=1).tolist()
