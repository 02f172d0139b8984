"""The base of deployment configurations, and their common rules."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from azureml.exceptions import NotYetAvailable, WebserviceException
from moorage.deployments import DeploymentConfig, LocalConfig

__all__ = ["WebserviceDeploymentConfiguration", "all_or_none", "missing_files", "positive"]

NO_IMAGES = (
    "Model.deploy(workspace, name, models, inference_config, deployment_config) takes a script instead."
)


class WebserviceDeploymentConfiguration:
    """What a target needs to know. Each parameter is an attribute; None: the target's default.

    ``model_options``, which no parameter sets, are options of models without an entry script, such as
    ``{"onnx.threads": "2"}``; they stand above those that the models were registered with.
    """

    model_options: Mapping[str, str] | None = None

    def __init__(
        self,
        type: Any,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        primary_key: str | None = None,
        secondary_key: str | None = None,
        location: str | None = None,
    ) -> None:
        self.webservice_type = type
        self.description, self.location = description, location
        self.tags, self.properties = tags, properties
        self.primary_key, self.secondary_key = primary_key, secondary_key

    def validate_configuration(self) -> None:
        """Raise WebserviceException with everything that is wrong, one line each."""
        raise NotImplementedError

    def as_record(self) -> DeploymentConfig:
        """Return the control plane's form. For now every kind of service is processes of this machine."""
        return LocalConfig(model_options=self._model_options())

    def _model_options(self) -> dict[str, str]:
        options = self.model_options or {}
        if not isinstance(options, Mapping) or not all(
            isinstance(text, str) for pair in options.items() for text in pair
        ):
            raise WebserviceException(f"model_options: texts by name are expected, not {options!r}")
        return dict(options)

    def print_deploy_configuration(self) -> None:
        """Print the resources that were asked for."""
        raise NotImplementedError

    @classmethod
    def validate_image(cls, image: Any) -> None:
        """Always raises: services are not made of image objects any more."""
        raise NotYetAvailable(f"{cls.__name__}.validate_image()", NO_IMAGES)

    def _raise_problems(self, problems: Iterator[str]) -> None:
        found = list(problems)
        if found:
            raise WebserviceException("invalid deployment configuration:\n" + "\n".join(found))


def positive(values: Mapping[str, float | None]) -> Iterator[str]:
    """Name the values that are not above zero; a text instead of a number is a TypeError, as before."""
    return (f"{name} must be greater than 0, not {value}" for name, value in _given(values) if value <= 0)


def _given(values: Mapping[str, float | None]) -> Iterator[tuple[str, float]]:
    return ((name, value) for name, value in values.items() if value is not None)


def all_or_none(values: Mapping[str, Any]) -> Iterator[str]:
    """Name what is missing when some of the values are given, and not all."""
    missing = [name for name, value in values.items() if not value]
    if missing and len(missing) < len(values):
        yield f"{', '.join(values)} belong together; missing: {', '.join(missing)}"


def missing_files(values: Mapping[str, str | None]) -> Iterator[str]:
    """Name the files that do not exist."""
    for name, path in values.items():
        if path and not Path(path).is_file():
            yield f"{name}: the file {path} does not exist"
