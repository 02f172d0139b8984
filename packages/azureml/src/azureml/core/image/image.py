"""The base of images. Nothing builds them any more: services are made from models and a script."""

from abc import ABC, abstractmethod
from typing import Any

from azureml.core._inference_config import InferenceConfig
from azureml.exceptions import NotYetAvailable

__all__ = ["Image", "ImageConfig"]

INSTEAD = "Write Model.deploy(workspace, name, models, InferenceConfig(entry_script=...), deployment_config)."


class ImageConfig(ABC):
    """What an image should hold."""

    @abstractmethod
    def as_inference_config(self) -> InferenceConfig:
        """Return the same as ``Model.deploy`` takes it."""


class Image:
    """An image that was built before; there is none here."""

    def __init__(self, workspace: Any, name: str | None = None, id: str | None = None, **kwargs: Any) -> None:
        raise NotYetAvailable("Image", INSTEAD)

    @staticmethod
    def create(workspace: Any, name: str, models: Any, image_config: Any) -> Any:
        """Images are not built any more."""
        raise NotYetAvailable("Image.create()", INSTEAD)

    @staticmethod
    def list(workspace: Any, **filters: Any) -> "_Images":
        """Return an empty list: there are no images."""
        return []


# A method of the class is called "list", so annotations inside it need another name for the type.
_Images = list[Image]
