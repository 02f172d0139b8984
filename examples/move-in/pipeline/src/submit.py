"""Starts the training on the cluster, from a desk."""

from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget

ws = Workspace.from_config()
cluster = ws.compute_targets.get("train-cluster")
if cluster is None:
    wanted = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=2)
    cluster = ComputeTarget.create(ws, "train-cluster", wanted)
job = ScriptRunConfig(
    source_directory=".",
    script="train.py",
    compute_target=cluster,
    environment=Environment.get(ws, "AzureML-Tutorial"),
)
run = Experiment(ws, "fraud").submit(job)
run.wait_for_completion(show_output=True)
run.register_model("fraud", "outputs/model.json")
