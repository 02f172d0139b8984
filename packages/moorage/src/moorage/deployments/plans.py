"""A plan: what a deployment would do, and everything that is known to be wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from moorage.deployments.configurations import ContainerConfig, DeploymentConfig, LocalConfig
from moorage.deployments.inference import InferenceConfig
from moorage.deployments.problems import Problem
from moorage.deployments.resources import resources_of
from moorage.deployments.source import MODELS_FOLDER, Source
from moorage.errors import PlanRejected
from moorage.models import Model, ResourceConfiguration

if TYPE_CHECKING:
    from moorage.deployments.own_environment import OwnEnvironment


@dataclass(frozen=True, slots=True)
class Plan:
    """A deployment as a value. Paths below the application root are relative and use "/".

    ``source`` and ``inference_config`` are None only where a problem says why. With an ``environment`` that
    is not built yet, ``python`` is the one that it will be made from, and what the script imports was not
    looked at: build it and plan again. ``image_config``: what an image is made of, where that is not said by
    ``inference_config``. ``resources``: what the models ask for, where the deployment names nothing.
    """

    service: str
    target: str
    deployment_config: DeploymentConfig
    models: tuple[Model, ...] = ()
    inference_config: InferenceConfig | None = None
    source: Source | None = None
    python: Path | None = None
    python_version: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    environment: "OwnEnvironment | None" = None
    image_config: InferenceConfig | None = None
    resources: ResourceConfiguration | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def is_image(self) -> bool:
        """Whether an image of the user's answers, without a script."""
        return (
            isinstance(self.deployment_config, ContainerConfig) and self.deployment_config.image is not None
        )

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    @property
    def is_possible(self) -> bool:
        return not self.errors

    @property
    def model_dir(self) -> str:
        """What AZUREML_MODEL_DIR names: the folder of the only model, else the one of all models."""
        if len(self.models) == 1:
            return str(model_folder(self.models[0]))
        return MODELS_FOLDER

    def given(self, inference_config: InferenceConfig | None) -> InferenceConfig:
        """Return what to keep as the user's own configuration: ours where none was given."""
        kept = inference_config or self.inference_config
        if kept is None:
            raise ValueError("a plan with errors has no inference configuration")
        return kept

    def check(self) -> None:
        """Raise if the plan is not possible.

        Raises:
            PlanRejected: with all problems; or, for a single one, the error that states the same fact
                elsewhere (ModelNotFound, InvalidName, PortInUse, ...).
        """
        if not self.errors:
            return
        if len(self.errors) == 1 and self.errors[0].cause is not None:
            raise self.errors[0].cause
        raise PlanRejected(self.problems)

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def model_folder(model: Model) -> PurePosixPath:
    """Return the folder of a model below the application root."""
    return PurePosixPath(MODELS_FOLDER, model.name, str(model.version))


def model_map(models: tuple[Model, ...]) -> dict[str, object]:
    """Return the content of ``model_config_map.json``: id to version and path below the application root."""
    return {
        "models": {
            model.id: {
                "name": model.name,
                "version": model.version,
                "path": str(model_folder(model) / model.top_level_name),
            }
            for model in models
        }
    }


def _resources(plan: Plan) -> str:
    config = plan.deployment_config
    found = (
        resources_of(config, plan.resources) if isinstance(config, LocalConfig | ContainerConfig) else None
    )
    if found is None:
        return "none"
    parts = [
        f"{found.cpu_cores:g} cores" if found.cpu_cores else "",
        f"{found.memory_gb:g} GB of memory" if found.memory_gb else "",
        f"{found.gpu_count} GPUs" if found.gpu_count else "",
    ]
    return ", ".join(part for part in parts if part)


def _lines(plan: Plan) -> list[str]:
    lines = [f"service      {plan.service} on target {plan.target}"]
    if isinstance(plan.deployment_config, LocalConfig | ContainerConfig):
        port = plan.deployment_config.port or "any free port"
        lines.append(f"address      {plan.deployment_config.host}, {port}")
    if isinstance(plan.deployment_config, LocalConfig) and plan.resources is not None:
        lines.append(f"limits       {_resources(plan)}")
    if isinstance(plan.deployment_config, ContainerConfig):
        asked = plan.deployment_config
        lines.append(f"container    {_resources(plan)}")
        if asked.image is not None:
            lines.append(f"image        {asked.image}, port {asked.scoring_port}")
    for model in plan.models:
        size = (
            f"{model.size_bytes / 1e6:,.1f} MB"
            if model.size_bytes >= 100_000
            else f"{model.size_bytes:,} bytes"
        )
        lines.append(f"model        {model.id}, {len(model.files)} files, {size}")
    if plan.source is not None and not plan.is_image:
        place = plan.source.folder or plan.source.script.parent
        lines.append(f"script       {plan.source.entry_script} from {place}")
    if plan.python is not None:
        version = f" ({plan.python_version})" if plan.python_version else ""
        lines.append(f"python       {plan.python}{version}")
    if plan.environment is not None:
        lines.append(f"environment  {plan.environment}")
    for name in sorted(plan.variables):
        lines.append(f"variable     {name}")  # its value may be a secret
    lines += [f"note         {problem}" for problem in plan.problems if problem.severity == "note"]
    lines += [f"warning      {problem}" for problem in plan.warnings]
    lines += [f"error        {problem}" for problem in plan.errors]
    lines.append("This can be deployed." if plan.is_possible else "This cannot be deployed.")
    return lines
