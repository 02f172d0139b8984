"""What image builds of an ``Environment`` return; nothing creates these objects yet."""

from typing import Any

from azureml.exceptions import NotYetAvailable

__all__ = ["DockerImageDetails", "ImageBuildDetails"]

_INSTEAD = "Services run without an image, in the Python that deploys them."


class ImageBuildDetails:
    """A running or finished image build."""

    def __init__(self, environment_client: Any, location: Any) -> None:
        raise NotYetAvailable("ImageBuildDetails", _INSTEAD)

    @property
    def status(self) -> str:
        """The state of the build."""
        raise NotYetAvailable("ImageBuildDetails.status", _INSTEAD)

    def get_log(self) -> str:
        """Return the build's log."""
        raise NotYetAvailable("ImageBuildDetails.get_log()", _INSTEAD)

    def wait_for_completion(self, show_output: bool = True) -> "ImageBuildDetails":
        """Wait until the build ends."""
        raise NotYetAvailable("ImageBuildDetails.wait_for_completion()", _INSTEAD)


class DockerImageDetails(dict[str, Any]):
    """An image of an environment: a dictionary with its keys as properties."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    @property
    def image_exist(self) -> bool:
        return bool(self.get("imageExistsInRegistry"))

    @property
    def image(self) -> Any:
        return self.get("dockerImage")

    @property
    def registry(self) -> Any:
        return self.get("registry")

    @property
    def repository(self) -> Any:
        return (self.get("dockerImage") or {}).get("name")

    @property
    def dockerfile(self) -> Any:
        return (self.get("ingredients") or {}).get("dockerfile")

    @property
    def environment_path(self) -> Any:
        return (self.get("pythonEnvironment") or {}).get("environmentPath")

    @property
    def interpreter_path(self) -> Any:
        return (self.get("pythonEnvironment") or {}).get("interpreterPath")
