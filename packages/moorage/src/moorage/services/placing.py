"""Where a service is to run, asked before anything is planned."""

import os

from moorage.deployments import ContainerConfig, DeploymentConfig, InferenceConfig, KubernetesConfig

NOT_COLLECTED = "data collection is asked for, and what the script collects is not stored yet"
NO_FPGA = "FPGAs are asked for, and no service uses them: the script runs on processors"


def placed(
    config: DeploymentConfig, inference: InferenceConfig | None
) -> tuple[DeploymentConfig, str | None]:
    """Return the configuration that is carried out, and a sentence where that is not the one given.

    Raises:
        ContainerEngineNotFound: a container is asked for by name, and no engine works.
    """
    notices = [NOT_COLLECTED] if getattr(config, "collect_model_data", False) else []
    if getattr(config, "fpga_count", None):
        notices.append(NO_FPGA)
    if isinstance(config, ContainerConfig):
        from moorage.targets.container import choose_place  # with all that knows images

        choice = choose_place(config, inference)
        config = choice.config
        notices += [choice.notice] if choice.notice else []
    elif isinstance(config, KubernetesConfig):
        config, notice = _in_place_of_a_cluster(config)
        notices.append(notice)
    return config, "; ".join(notices) or None


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
