"""Deployment code as it was written for Azure ML v1. Moorage runs it as it stands.

python train.py ridge_model.pkl
python azure_ml_v1.py
"""

import json

from azureml.core import Workspace
from azureml.core.environment import Environment
from azureml.core.model import InferenceConfig, Model
from azureml.core.webservice import LocalWebservice

ws = Workspace.from_config()
model = Model.register(
    ws,
    model_path="ridge_model.pkl",
    model_name="diabetes",
    tags={"area": "diabetes", "type": "regression"},
    description="Ridge regression model to predict diabetes",
)

environment = Environment("diabetes")
environment.python.user_managed_dependencies = True
inference_config = InferenceConfig(entry_script="score.py", source_directory=".", environment=environment)
deployment_config = LocalWebservice.deploy_configuration(port=8890)

service = Model.deploy(ws, "diabetes-v1", [model], inference_config, deployment_config)
service.wait_for_deployment(show_output=True)
print(service.state)
print(service.scoring_uri)

with open("rows.json") as rows:
    print(service.run(json.dumps(json.load(rows))))

service.delete()
