"""What is done with models together: deploy, print, package, profile."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from azureml._old_names import accepts
from azureml.core import _deploying
from azureml.core._inference_config import InferenceConfig
from azureml.core._model_package import ModelPackage

if TYPE_CHECKING:
    from azureml.core.model import Model
    from azureml.core.profile import ModelProfile
    from azureml.core.webservice import Webservice
    from azureml.core.workspace import Workspace

__all__ = ["ModelDeployments"]


class ModelDeployments:
    """The static methods of ``Model`` that take a list of models."""

    @staticmethod
    def deploy(
        workspace: "Workspace",
        name: str,
        models: "Sequence[Model]",
        inference_config: InferenceConfig | None = None,
        deployment_config: Any = None,
        deployment_target: Any = None,
        overwrite: bool = False,
        show_output: bool = False,
    ) -> "Webservice":
        """Deploy models as a service and return it; ``wait_for_deployment`` tells how it went.

        The work is done inside this call. What can be known to be wrong beforehand raises here and changes
        nothing; a script that fails while it starts is told by ``wait_for_deployment``, as it always was.

        Raises:
            WebserviceException: the request cannot work; the text names everything that is wrong.
        """
        return _deploying.deploy(
            workspace,
            name,
            models,
            inference_config,
            deployment_config,
            deployment_target,
            overwrite=overwrite,
            show_output=show_output,
        )

    @staticmethod
    def print_configuration(
        models: "Sequence[Model]", inference_config: Any, deployment_config: Any, deployment_target: Any
    ) -> None:
        """Print what ``deploy(show_output=True)`` prints."""
        _deploying.print_configuration(models, inference_config, deployment_config)

    @staticmethod
    def package(
        workspace: "Workspace",
        models: "Sequence[Model]",
        inference_config: InferenceConfig | None = None,
        generate_dockerfile: bool = False,
        image_name: str | None = None,
        image_label: str | None = None,
    ) -> ModelPackage:
        """Make an image of models and script, or with ``generate_dockerfile`` the files of one.

        The image is built by the container engine of this machine (Docker, Podman, Buildah).

        Raises:
            WebserviceException: the script or its environment cannot work, or there is no engine.
        """
        from azureml.core import _model_package

        return _model_package.package(
            workspace, list(models), inference_config, generate_dockerfile, image_name, image_label
        )

    @staticmethod
    @accepts(input_data="input_dataset")
    def profile(
        workspace: "Workspace",
        profile_name: str,
        models: "Sequence[Model]",
        inference_config: InferenceConfig,
        input_dataset: Any,
        cpu: float | None = None,
        memory_in_gb: float | None = None,
        description: str | None = None,
    ) -> "ModelProfile":
        """Run the service for a while and measure it; returns when that is done.

        ``input_dataset`` is a table of one column whose rows are requests, or the text of a request, which is
        repeated (as in older code, where it was called ``input_data``). ``cpu`` and ``memory_in_gb`` are
        noted; processes of this machine are not held to them.

        Raises:
            WebserviceException: the service cannot be deployed. A script that fails while it is measured
                makes a profile with the state ``Failed``.
        """
        from azureml.core import _profiling

        return _profiling.profile(
            workspace, profile_name, models, inference_config, input_dataset, cpu, memory_in_gb, description
        )
