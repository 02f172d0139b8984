"""The environment of a service without a script: this Python where that will do, else one built for it."""

from collections.abc import Sequence
from dataclasses import replace

from moorage.deployments.inference import InferenceConfig
from moorage.deployments.interpreter import Interpreter
from moorage.deployments.no_code_libraries import OLDEST_SERVING, SERVING, Need, needs_of
from moorage.deployments.own_environment import MODE_VARIABLE, OwnEnvironment, builds_environments
from moorage.deployments.problems import Problem, error, from_error
from moorage.environments.choosing import Prospect, look_at, python_of
from moorage.environments.store import Store
from moorage.environments.wanted import Wanted, translate
from moorage.errors import InvalidConfiguration, MoorageError
from moorage.models import Model
from moorage.workspace import Workspace


def default_environment(
    workspace: Workspace, models: Sequence[Model], config: InferenceConfig | None = None
) -> Wanted:
    """Return what an environment for models without a script has: the versions that made them.

    The packages that a configuration names itself come before ours.

    Raises:
        InvalidConfiguration: the conda file of the configuration is wrong.
    """
    needs = [need for model in models for need in needs_of(workspace, model)]
    return _wanted(needs, config)


def own_environment(
    workspace: Workspace, config: InferenceConfig, current: Interpreter, models: Sequence[Model]
) -> tuple[OwnEnvironment | None, list[Problem]]:
    """Return the environment that a deployment without a script needs, None if ``current`` will do."""
    environment = config.environment
    if not builds_environments() or (environment is not None and environment.user_managed):
        return None, []
    needs = [need for model in models for need in needs_of(workspace, model)]
    faults = list(dict.fromkeys(filter(None, (need.fault(current.packages) for need in needs))))
    try:
        faults += _unmet(config, current)
        if not faults:
            return None, []
        wanted = _wanted(needs, config)
        found = look_at(wanted)
    except InvalidConfiguration as fault:
        return None, [from_error("environment", fault)]
    except MoorageError as fault:
        return None, [error("environment", f"{'; '.join(faults)}. {fault}", _advice(current), cause=fault)]
    refusals = [*wanted.refusals, *_too_old(found, needs)]
    if refusals:
        return None, [error("environment", text, _advice(current)) for text in refusals]
    reason = f"{'; '.join(faults)} ({current.path}): an environment is built for it"
    notices = (reason, *found.notices)
    own = OwnEnvironment.of(replace(wanted, notices=notices), found, current.path)
    return own, [Problem("note", "environment", text) for text in notices]


def _too_old(found: Prospect, needs: Sequence[Need]) -> list[str]:
    python = found.python or (python_of(found.lock, Store.of()) if found.lock else None)
    if python is None:
        return []  # known once the channels have been asked
    if python.version[:2] >= OLDEST_SERVING or all(need.framework == "ScikitLearn" for need in needs):
        return []
    return [f"models without a script need Python 3.10 or later; Python {python.release} is asked for"]


def _advice(current: Interpreter) -> str:
    return f"or set {MODE_VARIABLE}=as-is to serve the model with what {current.path} has"


def _unmet(config: InferenceConfig, current: Interpreter) -> list[str]:
    conda, pip = config.conda(), config.environment.pip_requirements if config.environment else ()
    if conda is None and not pip:
        return []
    from moorage.deployments.requirements import unmet_requirements

    return list(unmet_requirements(current, conda, pip))


def _wanted(needs: Sequence[Need], config: InferenceConfig | None) -> Wanted:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    conda = None if config is None else config.conda()
    pip = config.environment.pip_requirements if config is not None and config.environment else ()
    asked = translate(conda, pip)
    named = {canonicalize_name(Requirement(line).name) for line in asked.requirements}
    # A version for a name comes before the name alone.
    ours: dict[str, str] = {}
    serving = (f"{name} ; python_version >= '3.10'" for name in SERVING)
    for line in (*serving, *(line for need in needs for line in need.requirements())):
        requirement = Requirement(line)
        key = canonicalize_name(requirement.name)
        known = ours.get(key)
        if key in named or line == known:
            continue
        if known is None or not Requirement(known).specifier:
            ours[key] = line
        elif requirement.specifier:
            both = Requirement(known).specifier & requirement.specifier
            ours[key] = f"{requirement.name}{both}"
    merged = translate(conda, (*pip, *ours.values()))
    if conda is not None and conda.python is not None:
        return merged
    return replace(merged, python=_pythons(needs))


def _pythons(needs: Sequence[Need]) -> str | None:
    """Return the Pythons that all libraries have, in conda's spelling: ``>=3.8,<3.12``."""
    spans = [need.pythons for need in needs if need.pythons is not None]
    if not spans:
        return None
    (major, first), (_, last) = max(span[0] for span in spans), min(span[1] for span in spans)
    return f">={major}.{first},<{major}.{last + 1}"
