"""Whether a deployment gets a Python environment of its own, and building it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from moorage.deployments.inference import InferenceConfig
from moorage.deployments.interpreter import CannotAsk, ask
from moorage.deployments.problems import Problem, error, from_error
from moorage.environments.building import build, lock_of
from moorage.environments.channels.names import find_channels
from moorage.environments.choosing import Prospect, look_at
from moorage.environments.wanted import Wanted, translate
from moorage.errors import InvalidConfiguration, MoorageError

MODE_VARIABLE = "MOORAGE_ENVIRONMENTS"
EXTRA_REQUIREMENTS = "AZUREML_EXTRA_REQUIREMENTS_TXT"


@dataclass(frozen=True, slots=True)
class OwnEnvironment:
    """An environment for one deployment: ``python`` is its interpreter once it is built, till then the one
    that it will be made from; ``has_python`` False: a channel brings that, and nothing can be asked of it.
    ``variables`` are what its packages want to be set for the script.
    """

    wanted: Wanted
    python: Path
    release: str
    is_built: bool
    has_python: bool = True
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, wanted: Wanted, found: Prospect, current: Path) -> "OwnEnvironment":
        """Return it from what is known here; ``current`` stands for a Python that only a channel has."""
        here = found.built or (found.python.path if found.python else None)
        python, is_built = here or current, found.built is not None
        return cls(wanted, python, found.release, is_built, here is not None, found.variables)

    def __str__(self) -> str:
        state = "is built" if self.is_built else "will be built"
        count = len(self.wanted.requirements) + len(self.wanted.conda)
        return f"Python {self.release} and {count} requirement{'' if count == 1 else 's'}; {state}"


def builds_environments() -> bool:
    """Tell whether deployments on this machine get environments of their own where they need one.

    ``MOORAGE_ENVIRONMENTS=as-is`` turns it off: scripts then run in the Python that deploys them.
    """
    return os.environ.get(MODE_VARIABLE, "build") != "as-is"


def own_environment(config: InferenceConfig, current: Path) -> tuple[OwnEnvironment | None, list[Problem]]:
    """Return the environment that a deployment needs, None if ``current`` has all that is asked for.

    Looks only at what is on this machine; whether the packages can be had is found out by `build_own`.
    """
    try:
        wanted = _unmet(config, current)
        if wanted is None:
            return None, []
        faults = [*wanted.refusals, *_channel_faults(wanted)]
        if faults:
            advice = f"or set {MODE_VARIABLE}=as-is to run the script in {current}"
            return None, [error("environment", text, advice) for text in faults]
        found = look_at(wanted)
    except (CannotAsk, InvalidConfiguration):
        return None, []  # said where the interpreter is asked and requirements are compared
    except MoorageError as fault:
        return None, [from_error("environment", fault)]
    own = OwnEnvironment.of(wanted, found, current)
    return own, [Problem("note", "environment", text) for text in found.notices]


def _channel_faults(wanted: Wanted) -> list[str]:
    if not wanted.conda:
        return []
    try:
        find_channels(wanted.channels)
    except InvalidConfiguration as fault:
        return [str(fault)]
    return []


def _unmet(config: InferenceConfig, current: Path) -> Wanted | None:
    """Return what is asked for, None if that is nothing, or is there already, or shall not be built."""
    environment = config.environment
    if not builds_environments() or (environment is not None and environment.user_managed):
        return None
    conda = config.conda()
    pip = environment.pip_requirements if environment else ()
    if conda is None and not pip:
        return None
    from moorage.deployments.requirements import unmet_requirements

    pip = (*pip, *extra_requirements(config))
    if not list(unmet_requirements(ask(current, (), ()), conda, pip)):
        return None
    return translate(conda, pip)


def build_own(own: OwnEnvironment, on_progress: Callable[[str], None]) -> None:
    """Build what `own_environment` found to be needed; planning again will find it.

    Raises:
        RequirementsUnsolvable, EnvironmentBuildFailed, ...: see `moorage.environments.building`.
    """
    lock, python, notices = lock_of(own.wanted)
    for text in notices:
        on_progress(text)
    count = len(lock.packages) + len(lock.conda)
    on_progress(f"an environment with Python {python.release} and {count} packages is being made")
    build(own.wanted, on_progress=on_progress)


def extra_requirements(config: InferenceConfig) -> tuple[str, ...]:
    """Return the lines of the file that a variable of the environment names, from the script's folder.

    Raises:
        MoorageError: it cannot be read.
    """
    variables = config.environment.variables if config.environment else {}
    name = variables.get(EXTRA_REQUIREMENTS)
    if not name:
        return ()
    path = config.entry_path.parent / name
    try:
        return tuple(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as fault:
        raise MoorageError(f"{EXTRA_REQUIREMENTS} names {path}, which cannot be read: {fault}") from fault
