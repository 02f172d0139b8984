"""Whether a deployment gets a Python environment of its own, and building it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from moorage.deployments.inference import InferenceConfig
from moorage.deployments.interpreter import CannotAsk, ask
from moorage.deployments.problems import Problem, error, from_error
from moorage.environments.building import build, lock_of
from moorage.environments.interpreters import choose_python
from moorage.environments.store import Store
from moorage.environments.wanted import Wanted, translate
from moorage.errors import InvalidConfiguration, MoorageError

MODE_VARIABLE = "MOORAGE_ENVIRONMENTS"
EXTRA_REQUIREMENTS = "AZUREML_EXTRA_REQUIREMENTS_TXT"


@dataclass(frozen=True, slots=True)
class OwnEnvironment:
    """An environment for one deployment: ``python`` is its interpreter once it is built, till then the one
    that it will be made from."""

    wanted: Wanted
    python: Path
    release: str
    is_built: bool

    def __str__(self) -> str:
        state = "is built" if self.is_built else "will be built"
        count = len(self.wanted.requirements)
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
        if wanted.refusals:
            advice = f"or set {MODE_VARIABLE}=as-is to run the script in {current}"
            return None, [error("environment", text, advice) for text in wanted.refusals]
        choice = choose_python(wanted.python)
    except (CannotAsk, InvalidConfiguration):
        return None, []  # said where the interpreter is asked and requirements are compared
    except MoorageError as fault:
        return None, [from_error("environment", fault)]
    store = Store.of()
    lock = store.known_lock(wanted, choice.python)
    built = store.python(lock.hash) if lock is not None else None
    notices = (*wanted.notices, *((choice.notice,) if choice.notice else ()))
    own = OwnEnvironment(wanted, built or choice.python.path, choice.python.release, built is not None)
    return own, [Problem("note", "environment", text) for text in notices]


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
    lock, _python, notices = lock_of(own.wanted)
    for text in notices:
        on_progress(text)
    count = len(lock.packages)
    on_progress(f"an environment with Python {own.release} and {count} packages is being made")
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
