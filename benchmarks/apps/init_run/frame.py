"""Scores a pandas frame with text and numbers, declared by a sample."""

import pandas as pd

from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.schema_decorators import input_schema

RATES = {"north": 1.0, "south": 0.9, "east": 1.1, "west": 1.2}
sample = pd.DataFrame(
    [{"region": "north", "customer": "customer-0001", "amount": 10.5, "items": 3, "discount": 0.1}]
)


def init():
    pass


@input_schema("data", PandasParameterType(sample))
def run(data):
    return (data["amount"] * data["items"] * (1 - data["discount"]) * data["region"].map(RATES)).tolist()
