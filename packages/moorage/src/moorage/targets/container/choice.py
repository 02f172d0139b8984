"""Whether a service gets a container, or processes of this machine take its place."""

from collections.abc import Callable
from dataclasses import dataclass

from moorage.deployments import ContainerConfig, DeploymentConfig, InferenceConfig
from moorage.environments.interpreters import minor_of, this_python
from moorage.errors import ContainerEngineNotFound, InvalidConfiguration
from moorage.packaging.bases import BASE_VARIABLE, find_base
from moorage.packaging.dockerfile import official_image
from moorage.targets.container.engine import MODE_VARIABLE, chosen_mode, find_engine
from moorage.targets.container.image import environment_of, names_packages


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a service runs. ``notice`` says why not in a container, though one was asked for."""

    config: DeploymentConfig
    notice: str | None = None


Wanted = InferenceConfig | Callable[[], InferenceConfig | None] | None


def choose_place(config: DeploymentConfig, inference: Wanted) -> Choice:
    """Return where a service runs that was asked for as ``config``.

    ``inference`` is what an image would be made of, or a function that finds that out where it matters.

    Old code asks for ACI, and a container takes its place where that works at once: an engine answers, the
    packages are named, and the base image is on this machine. Else processes do the work. A container that is
    asked for by name (compute type ``container``, an image, ``MOORAGE_CONTAINER_ENGINE``) is never replaced.

    Raises:
        ContainerEngineNotFound: a container is asked for by name, and no engine works.
    """
    if not isinstance(config, ContainerConfig):
        return Choice(config)
    mode = chosen_mode()
    if config.compute_type == "container" or config.image is not None or mode in ("docker", "podman"):
        find_engine()
        return Choice(config)
    reason = _why_not(mode, inference)
    if reason is None:
        return Choice(config)
    notice = f"{reason}: processes of this machine do the work, without limits of CPU and memory"
    return Choice(config.as_processes(), notice)


def _why_not(mode: str, wanted: Wanted) -> str | None:
    if mode == "none":
        return f"{MODE_VARIABLE} is none"
    inference = wanted() if callable(wanted) else wanted
    if inference is None or not names_packages(inference):
        return "no environment is named, which a container needs"
    try:
        engine = find_engine()
    except ContainerEngineNotFound as error:
        return "; ".join(error.faults) or "no container engine is here"
    image = _base_image(inference)
    if image is not None and not engine.has_image(image):
        help = f"{engine.name} pull {image}, or name another one in {BASE_VARIABLE}"
        return f"the base image {image} is not on this machine ({help})"
    return None


def _base_image(inference: InferenceConfig) -> str | None:
    """Return the image that the service's own would be made from.

    None: it is made from a Dockerfile; or what is asked for is wrong, which the plan says.
    """
    try:
        base, conda = find_base(environment_of(inference), inference), inference.conda()
    except InvalidConfiguration:
        return None
    if base.is_own:
        return base.image
    minor = minor_of((conda.python if conda else None) or "") or this_python().minor
    return official_image(minor, minor)
