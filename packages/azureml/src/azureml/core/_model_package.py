"""``ModelPackage``: an image, or the files of one. Packaging is not built yet, so nothing creates it."""

from typing import TYPE_CHECKING, Any

from azureml.core.container_registry import ContainerRegistry
from azureml.exceptions import NotYetAvailable

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = ["ModelPackage"]

_INSTEAD = "Model.deploy() runs the service without an image."


class ModelPackage:
    """The result of ``Model.package``."""

    workspace: "Workspace"
    state: str
    error: Any
    location: str | None
    generate_dockerfile: bool
    package_build_log_uri: str | None

    def __init__(self, workspace: "Workspace", operation_id: str, environment: Any) -> None:
        raise NotYetAvailable("ModelPackage", _INSTEAD)

    def wait_for_creation(self, show_output: bool = False) -> None:
        """Wait until the package is built."""
        raise NotYetAvailable("ModelPackage.wait_for_creation()", _INSTEAD)

    def update_creation_state(self) -> None:
        """Look again."""
        raise NotYetAvailable("ModelPackage.update_creation_state()", _INSTEAD)

    def get_logs(self, decode: bool = True, offset: int = 0) -> str | bytes:
        """Return the build's log."""
        raise NotYetAvailable("ModelPackage.get_logs()", _INSTEAD)

    def pull(self) -> None:
        """Fetch the image."""
        raise NotYetAvailable("ModelPackage.pull()", _INSTEAD)

    def save(self, output_directory: str) -> None:
        """Write the files of the image."""
        raise NotYetAvailable("ModelPackage.save()", _INSTEAD)

    def get_container_registry(self) -> ContainerRegistry:
        """Return where the image is kept."""
        raise NotYetAvailable("ModelPackage.get_container_registry()", _INSTEAD)

    def serialize(self) -> dict[str, Any]:
        """Return the form of the REST interface."""
        raise NotYetAvailable("ModelPackage.serialize()", _INSTEAD)
