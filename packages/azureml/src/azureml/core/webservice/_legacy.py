"""The oldest way to deploy, with configurations of images, on top of ``Model.deploy``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azureml.core.image.image import INSTEAD, Image, ImageConfig
from azureml.exceptions import NotYetAvailable, WebserviceException

if TYPE_CHECKING:
    from azureml.core.webservice.webservice import Webservice
    from azureml.core.workspace import Workspace

__all__ = ["OldestDeployments"]


class OldestDeployments:
    """The four static methods from before ``Model.deploy``."""

    @staticmethod
    def deploy(
        workspace: "Workspace",
        name: str,
        model_paths: Sequence[str],
        image_config: Any,
        deployment_config: Any = None,
        deployment_target: Any = None,
        overwrite: bool = False,
    ) -> "Webservice":
        """Register the files and deploy them; ``Model.deploy`` is the present way."""
        models = registered(workspace, name, model_paths)
        return deploy(workspace, name, models, image_config, deployment_config, overwrite)

    @staticmethod
    def deploy_from_model(
        workspace: "Workspace",
        name: str,
        models: Sequence[Any],
        image_config: Any,
        deployment_config: Any = None,
        deployment_target: Any = None,
        overwrite: bool = False,
    ) -> "Webservice":
        """Deploy registered models; ``Model.deploy`` is the present way."""
        return deploy(workspace, name, models, image_config, deployment_config, overwrite)

    @staticmethod
    def deploy_local_from_model(
        workspace: "Workspace",
        name: str,
        models: Sequence[Any],
        image_config: Any,
        deployment_config: Any = None,
        wait: bool = False,
    ) -> "Webservice":
        """Deploy registered models on this machine; ``Model.deploy`` is the present way."""
        return deploy_local(workspace, name, models, image_config, deployment_config, wait)

    @staticmethod
    def deploy_from_image(
        workspace: "Workspace",
        name: str,
        image: Any,
        deployment_config: Any = None,
        deployment_target: Any = None,
        overwrite: bool = False,
    ) -> "Webservice":
        """Deploy what ``Image.create`` put together in this process; ``Model.deploy`` is the present way."""
        if not isinstance(image, Image):
            raise NotYetAvailable(f"Webservice.deploy_from_image() of {image!r}", INSTEAD)
        return deploy(workspace, name, image.models, image.image_config, deployment_config, overwrite)


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
