"""The definition of a revision as JSON for the database, and back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from moorage.deployments import (
    ContainerConfig,
    DeploymentConfig,
    InferenceConfig,
    KubernetesConfig,
    LocalConfig,
)
from moorage.deployments.plans import Plan
from moorage.environments import Environment
from moorage.errors import InvalidConfiguration
from moorage.models import ResourceConfiguration

_KINDS: dict[str, type[LocalConfig] | type[ContainerConfig] | type[KubernetesConfig]] = {
    "local": LocalConfig,
    "aci": ContainerConfig,
    "container": ContainerConfig,
    "aks": KubernetesConfig,
    "aksendpoint": KubernetesConfig,
}


@dataclass(frozen=True, slots=True)
class Definition:
    """What one revision was made of. ``inference_config`` has the paths that the user gave.

    ``resources`` is what the models ask for, which counts where the deployment names nothing.
    ``entry_script`` and ``source_folder`` say where those files are below the application root.
    """

    models: tuple[str, ...]
    inference_config: InferenceConfig
    deployment_config: DeploymentConfig
    entry_script: str
    source_folder: str | None
    resources: ResourceConfiguration | None = None

    def with_files_of(self, app: Path) -> InferenceConfig:
        """Return the configuration with the script taken from the application root of a kept revision."""
        if not self.entry_script:  # an image of the user's
            return self.inference_config
        folder = None if self.source_folder is None else str(app / self.source_folder)
        return replace(
            self.inference_config, entry_script=str(app / self.entry_script), source_directory=folder
        )


def define(plan: Plan, given: InferenceConfig) -> Definition:
    """Return the definition of a plan without errors; ``given`` is the user's own configuration.

    A conda file is read now: later updates must not depend on it.
    """
    if plan.source is None and not plan.is_image:
        raise ValueError("a plan with errors defines nothing")
    config = given if plan.is_image else given.absolute()
    if config.conda_file is not None:
        environment = Environment(Path(config.conda_file).stem or "environment", conda=config.conda())
        config = InferenceConfig(
            entry_script=config.entry_script,
            source_directory=config.source_directory,
            environment=environment,
            description=config.description,
        )
    return Definition(
        models=tuple(model.id for model in plan.models),
        inference_config=config,
        deployment_config=plan.deployment_config,
        entry_script=plan.source.entry_script if plan.source else "",
        source_folder=plan.source.folder_name if plan.source else None,
        resources=plan.resources,
    )


def to_json(definition: Definition) -> dict[str, Any]:
    """Return what the database keeps. Keys and passwords are left out."""
    inference = {
        name: getattr(definition.inference_config, name)
        for name in InferenceConfig.__dataclass_fields__
        if name not in ("environment", "base_image_credentials")
    }
    environment = definition.inference_config.environment
    deployment = asdict(definition.deployment_config)
    for secret in ("primary_key", "secondary_key"):
        deployment.pop(secret, None)
    return {
        "models": list(definition.models),
        "inference": inference,
        "environment": None if environment is None else environment.without_secrets().to_document(),
        "deployment": {**deployment, "compute_type": definition.deployment_config.compute_type},
        "entry_script": definition.entry_script,
        "source_folder": definition.source_folder,
        "resources": None if definition.resources is None else asdict(definition.resources),
    }


def from_json(value: Mapping[str, Any]) -> Definition:
    """Read what :func:`to_json` wrote.

    Raises:
        InvalidConfiguration: it was written by a newer version, or damaged.
    """
    try:
        document = value["environment"]
        environment = None if document is None else Environment.from_document(document)
        deployment = dict(value["deployment"])
        kind = deployment["compute_type"]
        if kind == "local":
            del deployment["compute_type"]
        config = _KINDS[kind](**deployment)
        resources = value.get("resources")
        return Definition(
            models=tuple(value["models"]),
            inference_config=InferenceConfig(**value["inference"], environment=environment),
            deployment_config=config,
            entry_script=value["entry_script"],
            source_folder=value["source_folder"],
            resources=None if resources is None else ResourceConfiguration(**resources),
        )
    except (KeyError, TypeError) as error:
        raise InvalidConfiguration(
            f"the stored definition of a revision is not understood: {error}"
        ) from error
