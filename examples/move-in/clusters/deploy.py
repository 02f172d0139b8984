"""deploy.py aci|aks: deploy the prices model to a container or to the cluster."""

import json
import os
import sys

from settings import SERVICE, configuration, get_workspace

from azureml.core.compute import AksCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException
from azureml.core.environment import Environment
from azureml.core.model import InferenceConfig, Model


def cluster(ws, name="prices-aks"):
    try:
        return AksCompute(ws, name)
    except ComputeTargetException:
        wanted = AksCompute.provisioning_configuration(agent_count=3, vm_size="Standard_D3_v2")
        made = ComputeTarget.create(ws, name, wanted)
        made.wait_for_completion(show_output=True)
        return made


def register(ws):
    if not os.path.exists("prices.json"):
        with open("prices.json", "w") as file:
            json.dump({"square_metre": 40}, file)
    return Model.register(workspace=ws, model_path="prices.json", model_name="prices", tags={"unit": "EUR"})


def main(kind):
    ws = get_workspace()
    model = register(ws)
    env = Environment.from_pip_requirements("prices", "requirements.txt")
    config = InferenceConfig(entry_script="score.py", environment=env)
    target = cluster(ws) if kind == "aks" else None
    service = Model.deploy(
        ws, SERVICE, [model], config, configuration(kind), deployment_target=target, overwrite=True
    )
    service.wait_for_deployment(True)
    print(service.state, service.run(json.dumps({"square_metres": 10})))
    if kind == "aks":
        token, refresh_by = service.get_token()
        print("a token until", refresh_by, "with", len(token), "characters")
        service.update(autoscale_max_replicas=4, tags={"stage": "production"})
    else:
        service.regen_key("Primary")
        service.update(auth_enabled=False)


if __name__ == "__main__":
    main(sys.argv[1])
