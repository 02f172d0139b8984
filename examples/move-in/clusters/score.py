import json

from azureml.core.model import Model
from azureml.monitoring import ModelDataCollector


def init():
    global prices, collector
    with open(Model.get_model_path("prices")) as file:
        prices = json.load(file)
    collector = ModelDataCollector("prices", designation="inputs", feature_names=["square_metres"])


def run(raw_data):
    data = json.loads(raw_data)
    collector.collect([data["square_metres"]])
    return {"price": data["square_metres"] * prices["square_metre"]}
