import json
import os


def init():
    global limit
    with open(os.path.join(os.getenv("AZUREML_MODEL_DIR"), "model.json")) as file:
        limit = json.load(file)["limit"]


def run(raw_data):
    return {"fraud": json.loads(raw_data)["amount"] > limit}
