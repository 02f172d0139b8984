"""Where a service is to run, asked before anything is planned."""

from moorage.deployments import ContainerConfig, DeploymentConfig, InferenceConfig


def placed(
    config: DeploymentConfig, inference: InferenceConfig | None
) -> tuple[DeploymentConfig, str | None]:
    """Return the configuration that is carried out, and a sentence where that is not the one given.

    Raises:
        ContainerEngineNotFound: a container is asked for by name, and no engine works.
    """
    if not isinstance(config, ContainerConfig):
        return config, None
    from moorage.targets.container import choose_place  # with all that knows images

    choice = choose_place(config, inference)
    return choice.config, choice.notice
