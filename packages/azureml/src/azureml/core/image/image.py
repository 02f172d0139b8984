"""The base of images. Nothing builds them any more: services are made from models and a script."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from azureml.core._inference_config import InferenceConfig
from azureml.exceptions import NotYetAvailable, WebserviceException

__all__ = ["Image", "ImageConfig"]

INSTEAD = "Write Model.deploy(workspace, name, models, InferenceConfig(entry_script=...), deployment_config)."


class ImageConfig(ABC):
    """What an image should hold."""

    @abstractmethod
    def as_inference_config(self) -> InferenceConfig:
        """Return the same as ``Model.deploy`` takes it."""


class Image:
    """Models with a configuration, as ``create`` put them together; it lives as long as this object.

    Looking up an image that was built before always fails: none is kept.
    """

    workspace: Any
    name: str
    id: str
    version: int
    models: "Sequence[Any]"
    image_config: ImageConfig
    creation_state: str
    image_location: str | None
    image_build_log_uri: str | None

    def __init__(self, workspace: Any, name: str | None = None, id: str | None = None, **kwargs: Any) -> None:
        raise NotYetAvailable("Image", INSTEAD)

    @classmethod
    def create(cls, workspace: Any, name: str, models: "Sequence[Any]", image_config: Any) -> "Image":
        """Put models and configuration together, for ``Webservice.deploy_from_image``; nothing is built.

        Raises:
            WebserviceException: ``image_config`` is not of ``ContainerImage.image_configuration``.
        """
        if not isinstance(image_config, ImageConfig):
            raise WebserviceException(
                f"image_config: ContainerImage.image_configuration(...) is expected, not {image_config!r}. "
                f"{INSTEAD}"
            )
        image = object.__new__(cls)
        image.workspace, image.name, image.version, image.id = workspace, name, 1, f"{name}:1"
        image.models, image.image_config = list(models), image_config
        image.creation_state, image.image_location, image.image_build_log_uri = "Succeeded", None, None
        print(f"Image {name} is not built: deploying it runs its script without an image")
        return image

    def wait_for_creation(self, show_output: bool = False) -> None:
        """Return at once: there is nothing to wait for."""
        if show_output:
            print(f'Image creation operation finished for image {self.id}, operation "Succeeded"')

    def update_creation_state(self) -> None:
        """Do nothing: the state stays ``Succeeded``."""

    def delete(self) -> None:
        """Do nothing: nothing is kept."""

    def serialize(self) -> dict[str, Any]:
        """Return what is known of it."""
        return {
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "creationState": self.creation_state,
            "imageLocation": self.image_location,
            "modelIds": [model.id for model in self.models],
        }

    @staticmethod
    def list(workspace: Any, **filters: Any) -> "_Images":
        """Return an empty list: no images are kept."""
        return []


# A method of the class is called "list", so annotations inside it need another name for the type.
_Images = list[Image]
