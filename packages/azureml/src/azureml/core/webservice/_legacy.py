"""The oldest way to deploy, with configurations of images, on top of ``Model.deploy``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azureml.core.image.image import INSTEAD, ImageConfig
from azureml.exceptions import WebserviceException

if TYPE_CHECKING:
    from azureml.core.webservice.webservice import Webservice
    from azureml.core.workspace import Workspace

__all__ = ["INSTEAD", "deploy", "deploy_local", "registered"]


def registered(workspace: "Workspace", name: str, paths: Sequence[str]) -> list[Any]:
    """Register each file or folder under its own name and return the models."""
    from azureml.core.model import Model

    return [Model.register(workspace, path, Path(path).name) for path in paths]


def deploy(
    workspace: "Workspace",
    name: str,
    models: Sequence[Any],
    image_config: Any,
    deployment_config: Any,
    overwrite: bool,
) -> "Webservice":
    """Deploy with the script and the conda file of an image's configuration."""
    from azureml.core.model import Model

    if not isinstance(image_config, ImageConfig):
        raise WebserviceException(
            f"image_config: ContainerImage.image_configuration(...) is expected, not {image_config!r}. "
            f"{INSTEAD}"
        )
    inference_config = image_config.as_inference_config()
    return Model.deploy(
        workspace, name, list(models), inference_config, deployment_config, overwrite=overwrite
    )


def deploy_local(
    workspace: "Workspace",
    name: str,
    models: Sequence[Any],
    image_config: Any,
    deployment_config: Any,
    wait: bool,
) -> "Webservice":
    """The same as a local service."""
    from azureml.core.webservice.local import LocalWebservice

    configuration = deployment_config or LocalWebservice.deploy_configuration()
    service = deploy(workspace, name, models, image_config, configuration, overwrite=True)
    if wait:
        service.wait_for_deployment()
    return service
