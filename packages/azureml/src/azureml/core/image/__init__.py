"""Images of the oldest way to deploy; ``Model.deploy`` needs none."""

from azureml.core.image.container import ContainerImage, ContainerImageConfig
from azureml.core.image.image import Image, ImageConfig

__all__ = ["ContainerImage", "ContainerImageConfig", "Image", "ImageConfig"]
