"""Building an ``Environment``, and what that returns."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from azureml._errors import as_old_exceptions
from azureml.exceptions import NotYetAvailable
from moorage.environments.wanted import translate
from moorage.errors import EnvironmentBuildFailed

if TYPE_CHECKING:
    from azureml.core.environment import Environment

__all__ = ["DockerImageDetails", "ImageBuildDetails", "build"]

_INSTEAD = "Only Environment.build() makes it."


class ImageBuildDetails:
    """A finished build: its state and what was printed."""

    def __init__(self, environment_client: Any, location: Any) -> None:
        raise NotYetAvailable("ImageBuildDetails", _INSTEAD)

    _log: str

    @classmethod
    def _of(cls, lines: list[str]) -> "ImageBuildDetails":
        details = cls.__new__(cls)
        details._log = "\n".join(lines)
        return details

    @property
    def status(self) -> str:
        """The state of the build: a failed one raises where it was asked for."""
        return "Succeeded"

    def get_log(self) -> str:
        """Return what the build printed."""
        return self._log

    def wait_for_completion(self, show_output: bool = True) -> "ImageBuildDetails":
        """Return at once: the build has ended."""
        if show_output:
            print(f"{self._log}\nEnvironment build {self.status}")
        return self


@as_old_exceptions()
def build(environment: "Environment", say: Callable[[str], None]) -> ImageBuildDetails:
    """Build what a definition asks for, unless its packages are the user's business."""
    from moorage.environments import building  # most code never builds one itself

    lines: list[str] = []

    def tell(line: str) -> None:
        lines.append(line)
        say(line)

    record = environment.as_record()
    if record.user_managed:
        tell(f"{environment.name}: the packages are those of its interpreter, nothing is built")
        return ImageBuildDetails._of(lines)
    wanted = translate(record.conda, record.pip_requirements)
    if wanted.refusals:
        raise EnvironmentBuildFailed(f"{environment.name} cannot be built: {'; '.join(wanted.refusals)}")
    built = building.build(wanted, on_progress=tell)
    for notice in built.notices:
        tell(notice)
    tell(f"{environment.name} is in {built.folder}")
    return ImageBuildDetails._of(lines)


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
