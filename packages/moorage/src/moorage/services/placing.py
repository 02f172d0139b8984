"""Where a service is to run, asked before anything is planned."""

import os
from collections.abc import Sequence
from contextlib import suppress

from moorage.deployments import ContainerConfig, DeploymentConfig, InferenceConfig, KubernetesConfig
from moorage.deployments.no_code import is_no_code
from moorage.errors import MoorageError
from moorage.models import Model, get_by_id
from moorage.workspace import Workspace

NOT_COLLECTED = "data collection is asked for, and what the script collects is not stored yet"
NO_FPGA = "FPGAs are asked for, and no service uses them: the script runs on processors"


def placed(
    config: DeploymentConfig,
    inference: InferenceConfig | None,
    workspace: Workspace | None = None,
    models: Sequence[Model | str] = (),
) -> tuple[DeploymentConfig, str | None]:
    """Return the configuration that is carried out, and a sentence where that is not the one given.

    ``models``, records or ids, and ``workspace`` say what a container has to have without a script.

    Raises:
        ContainerEngineNotFound: a container is asked for by name, and no engine works.
    """
    notices = [NOT_COLLECTED] if getattr(config, "collect_model_data", False) else []
    if getattr(config, "fpga_count", None):
        notices.append(NO_FPGA)
    if isinstance(config, ContainerConfig):
        from moorage.targets.container import choose_place  # with all that knows images

        if workspace is not None and config.image is None and is_no_code(inference):
            choice = choose_place(config, lambda: _image_config(workspace, models, inference))
        else:
            choice = choose_place(config, inference)
        config = choice.config
        notices += [choice.notice] if choice.notice else []
    elif isinstance(config, KubernetesConfig):
        config, notice = _in_place_of_a_cluster(config)
        notices.append(notice)
    return config, "; ".join(notices) or None


def _image_config(
    workspace: Workspace, models: Sequence[Model | str], inference: InferenceConfig | None
) -> InferenceConfig | None:
    """Return what an image for models without a script is made of; None where the plan will say why not."""
    from moorage.deployments.no_code_image import image_config

    with suppress(MoorageError):
        found = [get_by_id(workspace, model if isinstance(model, str) else model.id) for model in models]
        return image_config(workspace, found, inference)
    return None


def _in_place_of_a_cluster(config: KubernetesConfig) -> tuple[DeploymentConfig, str]:
    kind = config.compute_type.upper()
    processes = config.as_processes(most_workers=os.cpu_count() or 1)
    number = processes.worker_count
    text = (
        f"{kind} services run as processes of this machine for now: {number} scorer{'s' * (number > 1)}, "
        "with the time limits and the authentication that were asked for; autoscaling, probes and resources "
        "are only noted"
    )
    return processes, text
