"""``Model.deploy``: old arguments to the control plane's, and its outcome to a service object."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from azureml._errors import as_old_exceptions
from azureml.core._inference_config import InferenceConfig
from azureml.core.compute.aks import AksCompute
from azureml.core.webservice import _kinds, _waiting
from azureml.core.webservice._aci_configuration import AciServiceDeploymentConfiguration
from azureml.core.webservice._aks_configuration import AksEndpointDeploymentConfiguration
from azureml.core.webservice._configuration import WebserviceDeploymentConfiguration
from azureml.exceptions import NotYetAvailable, UserErrorException, WebserviceException
from moorage import deployments, errors, services

if TYPE_CHECKING:
    from azureml.core.model import Model
    from azureml.core.webservice.webservice import Webservice
    from azureml.core.workspace import Workspace

__all__ = ["deploy", "deploy_record", "print_configuration"]

_NO_CODE = ("Onnx", "ScikitLearn", "TensorFlow", "Multi")


def deploy(
    workspace: "Workspace",
    name: str,
    models: "Sequence[Model]",
    inference_config: InferenceConfig | None,
    deployment_config: Any,
    deployment_target: Any,
    *,
    overwrite: bool,
    show_output: bool,
) -> "Webservice":
    """See ``Model.deploy``."""
    configuration = _configuration(deployment_config, deployment_target)
    _check_models(models, inference_config)
    if show_output:
        print_configuration(models, inference_config, configuration)
    with as_old_exceptions():
        record = None if inference_config is None else inference_config.as_record()
    ids = [model.id for model in models]
    service = deploy_record(workspace, name, ids, record, configuration, overwrite=overwrite)
    if show_output:
        print("service.wait_for_deployment(show_output=True) tells when it is ready")
    return service


def deploy_record(
    workspace: "Workspace",
    name: str,
    model_ids: Sequence[str],
    inference_config: deployments.InferenceConfig | None,
    deployment_config: WebserviceDeploymentConfiguration | None,
    *,
    overwrite: bool,
) -> "Webservice":
    """Deploy what the control plane's records describe; None as configuration: the kind ACI."""
    from azureml.core.webservice.webservice import Webservice

    configuration = deployment_config or AciServiceDeploymentConfiguration()
    described = None if inference_config is None else inference_config.description
    is_local = configuration.webservice_type == _kinds.LOCAL
    with as_old_exceptions():
        wanted, notice = services.placed(
            configuration.as_record(), inference_config, workspace._moorage, list(model_ids)
        )
    if isinstance(wanted, deployments.ContainerConfig):
        print("The service runs in a container of this machine.")
    elif not is_local:
        print(_kinds.note(configuration), *([] if notice is None else [f"({notice})"]))
    steps = _waiting.Steps()
    with as_old_exceptions():
        try:
            record = services.deploy(
                workspace._moorage,
                name,
                list(model_ids),
                inference_config,
                wanted,
                # A local service of that name was always replaced without asking.
                overwrite=overwrite or is_local,
                tags=configuration.tags,
                properties={**(configuration.properties or {}), **_kinds.marks(configuration)},
                description=configuration.description or described,
                on_event=steps,
            )
        except errors.MoorageError as error:
            if not steps.is_late(error):
                raise
            return _waiting.failed(workspace, name, error)
        return Webservice._of(workspace, record)


def _configuration(given: Any, target: Any) -> WebserviceDeploymentConfiguration:
    if given is None:
        if target is None or isinstance(target, AksCompute):
            return AciServiceDeploymentConfiguration()
        raise WebserviceException(
            f"deployment_config is needed for the deployment target {target!r}; "
            "LocalWebservice.deploy_configuration() makes one"
        )
    if not isinstance(given, WebserviceDeploymentConfiguration):
        raise WebserviceException(
            "deployment_config: LocalWebservice.deploy_configuration(), or that of AciWebservice or "
            f"AksWebservice, is expected, not {given!r}"
        )
    if isinstance(given, AksEndpointDeploymentConfiguration):
        raise NotYetAvailable(
            "AksEndpoint", "Deploy each version as a service of its own, with AksWebservice."
        )
    return given


def _check_models(models: "Sequence[Model]", inference_config: InferenceConfig | None) -> None:
    if not isinstance(models, (list, tuple)):
        raise TypeError(f"models: a list is expected, not {models!r}; write [model]")
    for model in models:
        if not hasattr(model, "id"):
            raise TypeError(f"models: {model!r} is no Model; Model(workspace, {model!r}) looks one up")
    if inference_config is not None:
        if not isinstance(inference_config, InferenceConfig):
            raise WebserviceException(
                f"inference_config: an InferenceConfig is expected, not {inference_config!r}"
            )
        return
    if len(models) != 1:
        raise UserErrorException(
            f"without an inference_config exactly one model can be deployed, not {len(models)}"
        )
    framework = models[0].model_framework
    if framework not in _NO_CODE:
        raise UserErrorException(
            f"without an inference_config the model's framework must be one of {', '.join(_NO_CODE)}, "
            f"not {framework}; set model_framework when it is registered, or give an inference_config"
        )


def print_configuration(
    models: "Sequence[Model]", inference_config: InferenceConfig | None, deployment_config: Any
) -> None:
    """Print models, script, environment and the resources that were asked for."""
    print(f"Models: {[model.id for model in models]}")
    if inference_config is not None:
        print(f"Entry script: {inference_config.entry_script}")
        _print_environment(inference_config)
    if deployment_config is not None:
        deployment_config.print_deploy_configuration()


def _print_environment(inference_config: InferenceConfig) -> None:
    environment = inference_config.environment
    if environment is None:
        if inference_config.conda_file:
            print(f"Conda file: {inference_config.conda_file}")
        return
    print(f"Environment variables: {environment.environment_variables}")
    if environment.python.conda_dependencies is not None and not environment.python.user_managed_dependencies:
        print(f"Environment dependencies:\n{environment.python.conda_dependencies.serialize_to_string()}")
    if environment.docker.base_image:
        print(f"Base image: {environment.docker.base_image}")
