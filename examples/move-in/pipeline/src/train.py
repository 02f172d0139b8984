import json

from azureml.core.run import Run

run = Run.get_context()
limit = 100
run.log("limit", limit)
with open("model.json", "w") as file:
    json.dump({"limit": limit}, file)
