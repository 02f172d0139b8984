"""What an image for models without a script is made of: nothing of the Python that deploys them is in it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from moorage.deployments import no_code
from moorage.deployments.inference import InferenceConfig
from moorage.deployments.no_code_libraries import OLDEST_SERVING
from moorage.deployments.plans import Plan
from moorage.deployments.problems import from_error
from moorage.deployments.resources import resources_of_models
from moorage.deployments.source import Source
from moorage.environments import CondaSpecification, Environment
from moorage.environments.interpreters import minor_of, this_python
from moorage.errors import InvalidConfiguration, MoorageError
from moorage.models import Model
from moorage.workspace import Workspace

if TYPE_CHECKING:
    from moorage.deployments.planning import Draft
    from moorage.environments.wanted import Wanted

# Where an image has our code: a pattern, because the Python there need not be the one of this machine.
CODE = "/opt/moorage/lib/python3*/site-packages/moorage_server"


def image_config(
    workspace: Workspace, models: Sequence[Model], given: InferenceConfig | None = None
) -> InferenceConfig:
    """Return our script with the packages that the models need; those that ``given`` names come before ours.

    A user-managed environment stays as it is: its base image has the packages.

    Raises:
        InvalidConfiguration: packages cannot be had, or the Python asked for is too old.
    """
    ours = no_code.inference_config(given)
    environment = ours.environment or Environment("no-code")
    if environment.user_managed:
        return ours
    from moorage.deployments.no_code_environment import default_environment  # with much behind it

    wanted = default_environment(workspace, models, given)
    if wanted.refusals:
        raise InvalidConfiguration("; ".join(wanted.refusals))
    minor = minor_of(wanted.python or "") or this_python().minor
    is_old = tuple(map(int, minor.split("."))) < OLDEST_SERVING
    if is_old and any(model.framework != "ScikitLearn" for model in models):
        raise InvalidConfiguration(f"models without a script need Python 3.10 or later, not {minor}")
    return replace(ours, environment=_environment(environment, wanted))


def variables(
    workspace: Workspace, models: Sequence[Model], options: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the variable that tells our script in an image what to serve."""
    samples, _problems = no_code.samples(workspace, models)
    return no_code.variables(models, samples, options, code=CODE)


def look(draft: "Draft", made: Plan, given: InferenceConfig | None) -> Plan:
    """Plan a container for models without a script."""
    draft.problems += no_code.check_models(made.models, draft.problems)
    config = no_code.inference_config(given)
    made = replace(made, inference_config=config, source=Source(config.entry_path))
    if any(problem.where in ("models", "inference_config") for problem in draft.problems):
        return made  # nothing that could be said of the packages
    samples, faults = no_code.samples(draft.workspace, made.models)
    draft.problems += faults
    options = getattr(made.deployment_config, "model_options", None)
    made = replace(made, variables=no_code.variables(made.models, samples, options, code=CODE))
    made = draft.with_variables(made, config.environment)
    try:
        made = replace(made, image_config=image_config(draft.workspace, made.models, given))
    except MoorageError as fault:
        draft.problems.append(from_error("environment", fault))
    return replace(made, resources=resources_of_models(made.models))


def _environment(given: Environment, wanted: "Wanted") -> Environment:
    python = wanted.python
    named = () if python is None else (f"python={python}" if python[0].isdigit() else f"python{python}",)
    conda = CondaSpecification(channels=wanted.channels, packages=(*named, *wanted.conda))
    lines = (*wanted.options, *wanted.requirements)
    return replace(given, conda=conda if conda.packages else None, pip_requirements=lines)
