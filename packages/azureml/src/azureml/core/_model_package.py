"""``ModelPackage``: an image, or the files of one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from azureml._errors import as_old_exceptions
from azureml.core.container_registry import ContainerRegistry
from azureml.exceptions import WebserviceException
from moorage import errors, packaging

if TYPE_CHECKING:
    from azureml.core._inference_config import InferenceConfig
    from azureml.core.model import Model
    from azureml.core.workspace import Workspace

__all__ = ["ModelPackage", "package"]


class ModelPackage:
    """The result of ``Model.package``. ``location`` is an image's name, or the folder of the files."""

    workspace: "Workspace"
    state: str
    error: Any
    location: str | None
    generate_dockerfile: bool
    package_build_log_uri: str | None

    @as_old_exceptions()
    def __init__(self, workspace: "Workspace", operation_id: str, environment: Any) -> None:
        self._fill(workspace, environment, packaging.find(workspace._moorage, operation_id))

    def _fill(self, workspace: "Workspace", environment: Any, record: packaging.Package | None) -> None:
        self.workspace, self.environment, self._record = workspace, environment, record
        self.state, self.error = "Succeeded", None
        self.location = None if record is None else record.location
        self.generate_dockerfile = record is not None and not record.is_image
        self._keep_log(None if record is None else record.folder / "build.log")

    def _keep_log(self, file: Path | None) -> None:
        self._log = file
        self.package_build_log_uri = None if file is None else file.as_uri()

    def wait_for_creation(self, show_output: bool = False) -> None:
        """Raise if the image could not be built; packages are made before ``Model.package`` returns.

        Raises:
            WebserviceException: a step of the build failed; the text has the engine's last words.
        """
        if self.error is not None:
            raise WebserviceException(f"Package creation failed: {self.error}")
        if show_output:
            print(f"Package creation {self.state}: {self.location}")

    def update_creation_state(self) -> None:
        """Nothing changes any more; kept for old code."""

    def get_logs(self, decode: bool = True, offset: int = 0) -> str | bytes:
        """Return what was said while the package was made, from a number of characters on."""
        log = self._log
        text = log.read_text(encoding="utf-8")[offset:] if log is not None and log.is_file() else ""
        return text if decode else text.encode()

    @as_old_exceptions()
    def pull(self) -> None:
        """Print the name of the image, which the engine of this machine has already.

        Raises:
            WebserviceException: the package has only files, no engine works, or the image was removed.
        """
        print(f"Status: Image is up to date for {packaging.pull(self._made())}")

    @as_old_exceptions()
    def save(self, output_directory: str) -> None:
        """Copy the files of the image into a folder.

        Raises:
            WebserviceException: the folder is not empty, or cannot be written.
        """
        packaging.save(self._made(), Path(output_directory))

    def get_container_registry(self) -> ContainerRegistry:
        """Return where the image, or the one that it is built from, is kept; nobody has to sign in there."""
        registry = ContainerRegistry()
        host = "docker.io" if self.generate_dockerfile else (self.location or "").split("/")[0]
        registry.address, registry.username, registry.password = host, "", ""
        return registry

    def serialize(self) -> dict[str, Any]:
        """Return the form of the REST interface."""
        made = self._record
        return {
            "id": None if made is None else made.id,
            "state": self.state,
            "location": self.location,
            "modelIds": [] if made is None else list(made.models),
            "packageType": "DockerBuildContext" if self.generate_dockerfile else "Image",
            "createdTime": None if made is None else made.created_at.isoformat(),
            "error": None if self.error is None else {"message": str(self.error)},
        }

    def _made(self) -> packaging.Package:
        if self._record is None:
            raise WebserviceException(f"Package creation failed: {self.error}")
        return self._record


@as_old_exceptions()
def package(
    workspace: "Workspace",
    models: "list[Model]",
    inference_config: "InferenceConfig | None",
    generate_dockerfile: bool,
    image_name: str | None,
    image_label: str | None,
) -> ModelPackage:
    """See ``Model.package``."""
    environment = None if inference_config is None else inference_config.environment
    made = ModelPackage.__new__(ModelPackage)
    try:
        record = packaging.package(
            workspace._moorage,
            [model.id for model in models],
            None if inference_config is None else inference_config.as_record(),
            generate_dockerfile=generate_dockerfile,
            image_name=image_name,
            image_label=image_label,
            on_line=print,
        )
    except (errors.ImageBuildFailed, errors.RegistryFault) as error:
        made._fill(workspace, environment, None)
        made.state, made.error = "Failed", error
        made._keep_log(error.log)
        print("There is no image; wait_for_creation() raises what the engine said")
        return made
    made._fill(workspace, environment, record)
    return made
