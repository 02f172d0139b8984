"""What is there and yet not the same, or refused although the name is there: a table that people review.

Keys are those of ``sdk.json``; a parameter stands in parentheses, with a pattern where only some values are
meant: ``Model.deploy(deployment_target)``, ``Environment.get(name=AzureML-*)``. A class stands for its
constructor. ``docs/differences.md`` shows the texts; `scripts/migration_tables.py` copies them there.
"""

from moorage.migration.findings import Judgement, Verdict

__all__ = ["ACI", "AKS", "AKS_ENDPOINT", "COMMANDS", "OUTSIDE", "SDK", "module_advice"]


def _differs(text: str) -> Judgement:
    return Judgement(Verdict.DIFFERS, text)


def _instead(text: str) -> Judgement:
    return Judgement(Verdict.NOT_SUPPORTED, text)


CLUSTERS = (
    "No cluster can be attached, every look-up fails. Leave compute and deployment_target out: services run "
    "on this machine."
)
_OPENS = (
    "Opens the local workspace of that name; make it once: moor workspace create -w NAME. Subscription and "
    "resource group are labels, auth= is not used."
)
_SIGN_IN = _differs("Accepted; nothing signs in anywhere, so its secrets can go.")
_LABEL = _differs("Kept as a label, without effect.")
ACI = (
    "Runs in a container of this machine where Docker or Podman works at once, else as processes without the "
    "limits of cores and memory; a printed line says which. Answers this machine only; keys and TLS are as "
    "before."
)
AKS = (
    "Runs as num_replicas processes of this machine and answers this machine only. Keys, tokens, scoring "
    "timeout and waiting time are as before; cores, memory and probes are only noted."
)
AKS_ENDPOINT = (
    "Runs as one service of this machine, with the keys and time limits asked for; there is one version, and "
    "it gets all requests."
)
_NO_IMAGE = _differs(
    "Only where an image is built: for a container, and by Model.package(). Processes have none."
)
_TELEMETRY = _differs(
    "No effect; moor serves metrics at /metrics of each service, and AML_APP_INSIGHTS_* turn telemetry on."
)
_COLLECTION = _differs("No effect: what is collected is not kept.")
_FIXED = _differs("No effect: the number of processes is fixed, num_replicas sets it.")
_NO_UPDATE = _differs("No effect on a service that runs on this machine.")
_RUNS = _differs("Kept by MLflow: pip install 'moorage[mlflow]'.")
_PORTAL = _differs("An empty text: there is no web portal.")
_OLD_IMAGE = _differs(
    "Deploys the same script and models without an image, in the process that describes it. "
    "Model.deploy() is the present form."
)
_SECRETS = _differs(
    "Secrets are kept sealed in the workspace; those of the old key vault have to be set once."
)

_STORES = _differs(
    "Only workspaceblobstore, workspacefilestore, workspaceartifactstore and workspaceworkingdirectory are "
    "there; they are empty until files are uploaded."
)

_ACI = "azureml.core.webservice.aci.AciWebservice"
_AKS_SERVICE = "azureml.core.webservice.aks.AksWebservice"
_MODEL = "azureml.core._model_deployments.ModelDeployments"
_WORKSPACE = "azureml.core.workspace.Workspace"
_ENVIRONMENT = "azureml.core.environment.Environment"
_INFERENCE = "azureml.core._inference_config.InferenceConfig"
_AUTHENTICATION = "azureml.core.authentication"
_DATASTORE = "azureml.core.datastore.Datastore"
_TABULAR = "azureml.data.dataset_factory.TabularDatasetFactory"

SDK: dict[str, Judgement] = {
    # Workspaces
    _WORKSPACE: _differs(_OPENS),
    f"{_WORKSPACE}.from_config": _differs(_OPENS),
    f"{_WORKSPACE}.get": _differs(_OPENS),
    f"{_WORKSPACE}.create": _differs("Makes a folder on this machine; cloud resources are ignored."),
    f"{_WORKSPACE}.list": _differs("Lists all workspaces of this home; its arguments select nothing."),
    f"{_WORKSPACE}.compute_targets": _differs("Always empty: no cluster can be attached."),
    f"{_WORKSPACE}.get_default_compute_target": _differs("Always None: no cluster can be attached."),
    f"{_WORKSPACE}.images": _differs("Always empty: no images are kept."),
    f"{_WORKSPACE}.delete": _instead(
        "Delete its services first, then remove the folder that moor workspace show --query path prints."
    ),
    f"{_WORKSPACE}.get_default_keyvault": _SECRETS,
    **{
        f"{_AUTHENTICATION}.{name}": _SIGN_IN
        for name in (
            "ArmTokenAuthentication",
            "AzureCliAuthentication",
            "AzureMLTokenAuthentication",
            "InteractiveLoginAuthentication",
            "MsiAuthentication",
            "ServicePrincipalAuthentication",
            "TokenAuthentication",
        )
    },
    # Deploying
    f"{_MODEL}.deploy": _differs(
        "Does its work inside the call: what can be known to be wrong beforehand raises here, a script that "
        "fails while it starts in wait_for_deployment()."
    ),
    f"{_MODEL}.deploy(deployment_target)": _instead(CLUSTERS),
    f"{_MODEL}.package": _differs(
        "Builds with the container engine of this machine, before it returns; location is a local image."
    ),
    f"{_MODEL}.profile": _differs("Measures a service on this machine, not one of the requested size."),
    f"{_ACI}.deploy_configuration": _differs(ACI),
    **{
        f"{_ACI}.deploy_configuration({name})": _LABEL
        for name in (
            "location",
            "dns_name_label",
            "cmk_vault_base_url",
            "cmk_key_name",
            "cmk_key_version",
            "vnet_name",
            "subnet_name",
        )
    },
    f"{_ACI}.deploy_configuration(enable_app_insights)": _TELEMETRY,
    f"{_ACI}.deploy_configuration(collect_model_data)": _COLLECTION,
    f"{_ACI}.update(image)": _instead("Pass models and inference_config instead of an image."),
    f"{_ACI}.update(enable_app_insights)": _TELEMETRY,
    f"{_AKS_SERVICE}.deploy_configuration": _differs(AKS),
    **{
        f"{_AKS_SERVICE}.{method}({name})": _FIXED
        for method in ("deploy_configuration", "update")
        for name in (
            "autoscale_enabled",
            "autoscale_min_replicas",
            "autoscale_max_replicas",
            "autoscale_refresh_seconds",
            "autoscale_target_utilization",
        )
    },
    **{
        f"{_AKS_SERVICE}.deploy_configuration({name})": _LABEL
        for name in (
            "replica_max_concurrent_requests",
            "period_seconds",
            "initial_delay_seconds",
            "timeout_seconds",
            "success_threshold",
            "failure_threshold",
            "namespace",
            "compute_target_name",
            "gpu_cores",
        )
    },
    **{
        f"{_AKS_SERVICE}.update({name})": _NO_UPDATE
        for name in (
            "replica_max_concurrent_requests",
            "period_seconds",
            "initial_delay_seconds",
            "timeout_seconds",
            "success_threshold",
            "failure_threshold",
            "namespace",
            "gpu_cores",
            "cpu_cores",
            "memory_gb",
            "cpu_cores_limit",
            "memory_gb_limit",
        )
    },
    **{
        f"{_AKS_SERVICE}.{method}({name})": judgement
        for method in ("deploy_configuration", "update")
        for name, judgement in (("enable_app_insights", _TELEMETRY), ("collect_model_data", _COLLECTION))
    },
    f"{_AKS_SERVICE}.update(image)": _instead("Pass models and inference_config instead of an image."),
    "azureml.core.webservice.aks.AksEndpoint.deploy_configuration": _instead(
        "Deploy each version as a service of its own, with AksWebservice."
    ),
    # Clusters
    "azureml.core.compute.compute.ComputeTarget": _instead(CLUSTERS),
    "azureml.core.compute.aks.AksCompute.provisioning_configuration": _differs(
        "Describes a cluster; ComputeTarget.create() refuses to make it."
    ),
    "azureml.core.compute.aks.AksCompute.attach_configuration": _differs(
        "Describes a cluster; ComputeTarget.attach() refuses to attach it."
    ),
    "azureml.core.compute._others._TrainingCompute.provisioning_configuration": _differs(
        "Describes a cluster; ComputeTarget.create() refuses to make it."
    ),
    "azureml.core.compute._others._TrainingCompute.attach_configuration": _differs(
        "Describes a machine; ComputeTarget.attach() refuses to attach it."
    ),
    # Environments and images
    f"{_ENVIRONMENT}.get(name=AzureML-*)": _differs(
        "A curated environment: the nearest definition that is here takes its place, a printed line names it."
    ),
    f"{_ENVIRONMENT}.get(label)": _instead("Name the version, or leave it out for the newest."),
    f"{_ENVIRONMENT}.build": _differs("Builds the Python environment on this machine, no image."),
    f"{_ENVIRONMENT}.build_local": _differs("Builds the Python environment on this machine, no image."),
    f"{_ENVIRONMENT}.from_docker_image": _NO_IMAGE,
    f"{_ENVIRONMENT}.from_dockerfile": _NO_IMAGE,
    f"{_ENVIRONMENT}.from_docker_build_context": _NO_IMAGE,
    "azureml.core._sections.DockerSection.base_image": _NO_IMAGE,
    "azureml.core._sections.DockerSection.base_dockerfile": _NO_IMAGE,
    "azureml.core._sections.DockerSection.enabled": _differs(
        "No effect: the deployment configuration decides."
    ),
    **{
        f"{_INFERENCE}({name})": _NO_IMAGE
        for name in (
            "base_image",
            "base_image_registry",
            "enable_gpu",
            "cuda_version",
            "extra_docker_file_steps",
        )
    },
    **{
        f"azureml.core.image.{key}": _OLD_IMAGE
        for key in ("container.ContainerImage.image_configuration", "image.Image.create")
    },
    **{
        f"azureml.core.webservice._legacy.OldestDeployments.{name}": _OLD_IMAGE
        for name in ("deploy", "deploy_from_model", "deploy_from_image")
    },
    # Runs
    "azureml.core.experiment.Experiment": _RUNS,
    "azureml.core.experiment.Experiment.portal_url": _PORTAL,
    "azureml.core.experiment.Experiment.get_portal_url": _PORTAL,
    "azureml.core.run.Run": _RUNS,
    "azureml.core.run.Run.get_portal_url": _PORTAL,
    "azureml.core.run.Run.get_context": _differs(
        "Always the run of a script that was started by itself: it prints what is logged and keeps nothing. "
        "Experiment.start_logging() keeps it."
    ),
    "azureml.widgets.RunDetails": _differs("Prints the run instead of drawing it."),
    # Data
    f"{_DATASTORE}(name)": _STORES,
    f"{_DATASTORE}.get": _STORES,
    f"{_WORKSPACE}.set_default_datastore": _differs("Only the default one can be named."),
    f"{_TABULAR}.from_delimited_files(partition_format)": _instead(
        "include_path=True adds the path of each row's file."
    ),
    "azureml.data.abstract_dataset.AbstractDataset.unregister_all_versions": _differs(
        "Refused while a registered model refers to it: delete the models first."
    ),
    "azureml.core.keyvault.Keyvault.get_secret": _SECRETS,
    # Inside entry scripts
    "azureml.monitoring.modeldatacollector.ModelDataCollector": _differs(
        "The script runs on, and what it collects is not kept; write it to a file or a database of your own."
    ),
    "azureml.telemetry.set_diagnostics_collection": _differs("Does nothing: no telemetry is sent."),
    "azureml.pipeline.steps.parallel_run_config.ParallelRunConfig": _instead(
        "Batches are not run here: deploy the model as a service and send it the batches."
    ),
}

TRAINING = "Run the training script with Python yourself, and register its model with Model.register()."
PIPELINES = "Run the steps with Python yourself, or in the pipeline of your build server."

OUTSIDE: dict[str, str] = {
    # Modules that are not here, by the beginning of their names: the longest that fits counts.
    "azureml": "Moorage has no such module; it deploys models.",
    "azureml.accel": "FPGA services are not supported; deploy the model itself, as ONNX for example.",
    "azureml.automl": TRAINING,
    "azureml.contrib": "Preview libraries are not supported.",
    "azureml.contrib.automl": TRAINING,
    "azureml.contrib.functions": "Model.package() makes an image that you can run anywhere.",
    "azureml.contrib.fairness": "Compute it with fairlearn itself and log the result.",
    "azureml.contrib.interpret": "Compute explanations with the interpret library itself.",
    "azureml.contrib.pipeline": PIPELINES,
    "azureml.contrib.tensorboard": "Run TensorBoard yourself; runs are kept by MLflow.",
    "azureml.contrib.train": TRAINING,
    "azureml.core.runconfig": TRAINING,
    "azureml.data": "Read it with pandas, or keep it with Dataset.File and Dataset.Tabular.",
    "azureml.datadrift": "Compare the logged inputs with a library for drift yourself.",
    "azureml.dataprep": "Read the data with pandas; Dataset.Tabular keeps it.",
    "azureml.designer": PIPELINES,
    "azureml.explain": "Compute explanations with the interpret library itself.",
    "azureml.fsspec": "Datastore.download() writes the files to a folder.",
    "azureml.interpret": "Compute explanations with the interpret library itself.",
    "azureml.mlflow": "ws.get_mlflow_tracking_uri() works with MLflow alone; leave this import out.",
    "azureml.opendatasets": "Download the data set from its source, and register it with Dataset.File.",
    "azureml.pipeline": PIPELINES,
    "azureml.responsibleai": "Compute it with the responsibleai library itself.",
    "azureml.studio": PIPELINES,
    "azureml.tensorboard": "Run TensorBoard yourself; runs are kept by MLflow.",
    "azureml.train": TRAINING,
    "azureml.training": TRAINING,
    "azure.ai.ml": "This is the SDK v2; deploy with azureml.core (v1) or with moor model deploy.",
    "mltable": "This is of the SDK v2; read the data with pandas, Dataset.Tabular keeps it.",
}


def module_advice(module: str) -> str:
    """Return what to do without a module that is not here."""
    parts = module.split(".")
    prefixes = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((OUTSIDE[prefix] for prefix in prefixes if prefix in OUTSIDE), OUTSIDE["azureml"])


_CLUSTER_COMMAND = "No cluster can be attached, so none is found. Leave the command out."

COMMANDS: dict[str, Judgement] = {
    "model deploy(--compute-target)": _differs("No cluster is attached: the service runs on this machine."),
    "model deploy(--compute-type=aci)": _differs(ACI),
    "model deploy(--compute-type=aks)": _differs(AKS),
    "model deploy(--compute-type=aksendpoint)": _differs(AKS_ENDPOINT),
    "model package": _differs("Builds with the container engine of this machine."),
    "model profile": _differs("Measures a service on this machine, not one of the requested size."),
    "computetarget list": _differs("The list is empty: no cluster can be attached."),
    "computetarget show": _instead(_CLUSTER_COMMAND),
    "computetarget delete": _instead(_CLUSTER_COMMAND),
    "computetarget detach": _instead(_CLUSTER_COMMAND),
    "computetarget get-credentials": _instead("kubectl has its own credentials."),
    "workspace create": _differs("Makes a folder on this machine; the group and the location are labels."),
    "experiment list": _RUNS,
    "run list": _RUNS,
    "run show": _RUNS,
    "run monitor-logs": _RUNS,
    "run download-logs": _RUNS,
    "run update": _RUNS,
    "run cancel": _RUNS,
}
