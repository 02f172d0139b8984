"""From flags and files to the configurations of a deployment. A flag is stronger than the file."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from moorage.cli.deploy_flags import SCRIPT_FLAGS, TARGET_FLAGS, Flag
from moorage.cli.labels import parse_truth
from moorage.cli.metadata import model_id_of_file
from moorage.cli.session import Session
from moorage.deployments import (
    ContainerConfig,
    DeploymentConfig,
    InferenceConfig,
    KubernetesConfig,
    LocalConfig,
)
from moorage.environments import Environment
from moorage.environments.folder import read_folder
from moorage.errors import InvalidArgument, InvalidConfiguration

COMPUTE_TYPES = ("local", "aci", "container", "aks", "aksendpoint")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was said on the command line about script, environment and target."""

    inference_config_file: Path | None = None
    deploy_config_file: Path | None = None
    environment_name: str | None = None
    environment_version: str | None = None
    environment_directory: Path | None = None
    compute_type: str | None = None
    profile_input: Path | None = None
    flags: Mapping[str, Any] = field(default_factory=dict)
    """Values of `deploy_flags.FLAGS` by name; None where not given."""


def chosen_models(models: Sequence[str] | None, files: Sequence[Path] | None) -> list[str]:
    """Return the ids of ``-m`` and ``-f``."""
    return [*(models or ()), *(model_id_of_file(path) for path in files or ())]


def service_name_for(model_ids: Sequence[str]) -> str:
    """Return a valid service name made from the first model's name.

    Raises:
        InvalidArgument: there is no model to name it after.
    """
    if not model_ids:
        raise InvalidArgument("--name", "say how the service shall be called (-n), or give a model (-m)")
    from moorage.services.naming import name_after

    return name_after(model_ids[0])


def inference_config(
    session: Session, wishes: Wishes, current: InferenceConfig | None = None
) -> InferenceConfig | None:
    """Return what shall run: the file, or ``current``, changed by the flags; None if nothing was said.

    Raises:
        InvalidConfiguration: the file is wrong, or there is no entry script.
        InvalidArgument: flags contradict each other.
    """
    from moorage.deployments import parse_inference_config

    changes = _changes(SCRIPT_FLAGS, "script", wishes.flags)
    environment = _environment(session, wishes)
    if environment is not None:
        changes["environment"] = environment
    file = wishes.inference_config_file
    if file is None and not changes:
        return None
    base = parse_inference_config(file, on_warning=session.warn) if file is not None else current
    if base is not None:
        if environment is not None:
            base = replace(base, conda_file=None, runtime=None, base_image=None)
            base = replace(base, base_image_registry=None, base_image_credentials=None)
        elif "conda_file" in changes:
            base = replace(base, environment=None)
        return replace(base, **changes)
    if "entry_script" not in changes:
        raise InvalidConfiguration(
            "there is no entry script: give an inference configuration file (--ic) or the script (--es)"
        )
    return InferenceConfig(**changes)


def deployment_config(
    session: Session, wishes: Wishes, current: DeploymentConfig | None = None
) -> DeploymentConfig | None:
    """Return where it shall run: the file, or ``current``, changed by the flags; None if nothing was said.

    Raises:
        InvalidConfiguration: the file is wrong, or a value is not possible.
        InvalidArgument: the compute type is unknown, or contradicts the file.
    """
    from moorage.deployments import parse_deployment_config

    given = {name: value for name, value in wishes.flags.items() if value is not None}
    wanted_type = _compute_type(wishes.compute_type)
    file = wishes.deploy_config_file
    targets = [flag for flag in TARGET_FLAGS if flag.name in given]
    if file is None and wanted_type is None and not targets and wishes.profile_input is None:
        return None
    base = parse_deployment_config(file, on_warning=session.warn) if file is not None else current
    if base is None or (wanted_type is not None and base.compute_type != wanted_type):
        if file is not None and wanted_type is not None:
            raise InvalidArgument(
                "--compute-type",
                f"{wanted_type!r} contradicts {file}, which says {base and base.compute_type!r}",
            )
        base = _empty(wanted_type or _guessed_type(targets))
    kind = {LocalConfig: "local", ContainerConfig: "container"}.get(type(base), "cluster")
    for flag in targets:
        if getattr(flag, kind) is None:
            session.warn(
                f"{flag.spellings[0]} has no effect on a service of compute type {base.compute_type}"
            )
    changes = _changes(TARGET_FLAGS, kind, wishes.flags)
    if wishes.profile_input is not None and kind != "local":
        changes = _recommended(wishes.profile_input) | changes
    return replace(base, **changes)


def _changes(flags: Sequence[Flag], kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return field to value for the flags that were given and that this kind of target knows."""
    changes = {}
    for flag in flags:
        name, value = getattr(flag, kind), values.get(flag.name)
        if name is not None and value is not None:
            changes[name] = parse_truth(flag.spellings[0], value) if flag.kind == "truth" else value
    return changes


def _environment(session: Session, wishes: Wishes) -> Environment | None:
    if wishes.environment_name is not None and wishes.environment_directory is not None:
        raise InvalidArgument("--environment-name", "-e and --ed both name an environment; give one of them")
    if wishes.environment_directory is not None:
        return read_folder(wishes.environment_directory)
    if wishes.environment_name is None:
        if wishes.environment_version is not None:
            raise InvalidArgument("--environment-version", "--ev needs the name of an environment (-e)")
        return None
    from moorage import environments

    return environments.get(session.workspace, wishes.environment_name, wishes.environment_version)


def _compute_type(text: str | None) -> str | None:
    if text is None or text.lower() in COMPUTE_TYPES:
        return text and text.lower()
    raise InvalidArgument("--compute-type", f"{text!r} is none of {', '.join(COMPUTE_TYPES)}")


def _guessed_type(flags: Sequence[Flag]) -> str:
    """Return the compute type of flags without a file: local, unless a flag only makes sense elsewhere."""
    if any(flag.name == "image" for flag in flags):
        return "container"
    return "aks" if any(flag.name == "compute_target" for flag in flags) else "local"


def _empty(compute_type: str) -> DeploymentConfig:
    if compute_type == "local":
        return LocalConfig()
    if compute_type in ("aci", "container"):
        return ContainerConfig(compute_type="aci" if compute_type == "aci" else "container")
    return KubernetesConfig(compute_type="aksendpoint" if compute_type == "aksendpoint" else "aks")


def _recommended(path: Path) -> dict[str, Any]:
    """Return cores and gigabytes of a file that ``model profile -t`` wrote."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
        values = {re.sub("[^a-z]", "", key.lower()): found[key] for key in found}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise InvalidArgument("--profile-input", f"{path} cannot be read: {error}") from error
    cpu = values.get("recommendedcpu")
    memory = values.get("recommendedmemoryingb", values.get("recommendedmemory"))
    if not isinstance(cpu, (int, float)) or not isinstance(memory, (int, float)):
        raise InvalidArgument("--profile-input", f"{path} holds no recommendation of CPU and memory")
    return {"cpu_cores": float(cpu), "memory_gb": float(memory)}
