"""``ContainerImage``: its configuration still deploys, through ``Webservice.deploy_from_model``."""

from collections.abc import Mapping

from azureml.core._inference_config import InferenceConfig
from azureml.core.container_registry import ContainerRegistry
from azureml.core.image.image import Image, ImageConfig

__all__ = ["ContainerImage", "ContainerImageConfig"]


class ContainerImageConfig(ImageConfig):
    """The script, the conda file and the image that a service was made of; all are attributes."""

    def __init__(
        self,
        execution_script: str,
        runtime: str,
        conda_file: str | None = None,
        docker_file: str | None = None,
        schema_file: str | None = None,
        dependencies: list[str] | None = None,
        enable_gpu: bool | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        base_image: str | None = None,
        base_image_registry: ContainerRegistry | None = None,
        cuda_version: str | None = None,
    ) -> None:
        self.execution_script, self.runtime, self.conda_file = execution_script, runtime, conda_file
        self.docker_file, self.schema_file, self.dependencies = docker_file, schema_file, dependencies
        self.enable_gpu, self.cuda_version = enable_gpu, cuda_version
        self.tags, self.properties, self.description = tags, properties, description
        self.base_image, self.base_image_registry = base_image, base_image_registry

    def as_inference_config(self) -> InferenceConfig:
        """Return the same as ``Model.deploy`` takes it.

        Further files (``dependencies``) were relative to the current folder, so with them that folder is
        shipped whole. The schema file is left out: decorators of the script took its place.
        """
        return InferenceConfig(
            self.execution_script,
            runtime=self.runtime,
            conda_file=self.conda_file,
            extra_docker_file_steps=self.docker_file,
            source_directory="." if self.dependencies else None,
            enable_gpu=self.enable_gpu,
            description=self.description,
            base_image=self.base_image,
            base_image_registry=self.base_image_registry,
            cuda_version=self.cuda_version,
        )


class ContainerImage(Image):
    """The image of a web service."""

    @staticmethod
    def image_configuration(
        execution_script: str,
        runtime: str,
        conda_file: str | None = None,
        docker_file: str | None = None,
        schema_file: str | None = None,
        dependencies: list[str] | None = None,
        enable_gpu: bool | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        base_image: str | None = None,
        base_image_registry: ContainerRegistry | None = None,
        cuda_version: str | None = None,
    ) -> ContainerImageConfig:
        """Describe what a service is made of."""
        return ContainerImageConfig(**locals())
