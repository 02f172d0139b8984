"""The container target: the supervisor of the local one, with a front that runs a container."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from moorage.deployments import ContainerConfig
from moorage.deployments.plans import Plan
from moorage.errors import ContainerEngineNotFound, RegistryFault
from moorage.packaging import engines, registries
from moorage.targets.container.engine import Engine, find_engine
from moorage.targets.container.image import ServiceImage, service_image
from moorage.targets.container.settings import front_settings, inner_settings, label_of
from moorage.targets.contract import Contents, Place
from moorage.targets.local import folders
from moorage.targets.local.revision import write_revision
from moorage.targets.local.target import LocalTarget
from moorage_server.container.settings import FILE_NAME, as_json
from moorage_server.supervision.files import read_json, write_json


class ContainerTarget(LocalTarget):
    """See `moorage.targets.contract.Target`."""

    def __init__(self, name: str = "container") -> None:
        super().__init__()
        self.name = name
        self._built: tuple[Plan, Engine, ServiceImage | None] | None = None

    def build(self, plan: Plan, on_line: Callable[[str], None]) -> None:
        self._image(plan, on_line)

    def stop(self, place: Place) -> None:
        super().stop(place)
        _remove_containers(place, _engines_of(place))

    def rest(self, place: Place) -> None:
        super().rest(place)
        _remove_containers(place, _engines_of(place))

    def destroy(self, place: Place) -> None:
        engines = _engines_of(place)
        super().destroy(place)
        _remove_containers(place, engines)

    def _write(self, place: Place, revision: int, plan: Plan, contents: Contents) -> bool:
        if folders.revision_folder(place, revision).is_dir():
            return False
        engine, image = self._image(plan, lambda line: None)

        def settings(aside: Path, final: Path) -> None:
            front = front_settings(place, revision, plan, engine, image)
            write_json(aside / FILE_NAME, as_json(front), is_durable=True)
            if image is not None:
                write_json(aside / folders.SETTINGS_FILE, inner_settings(place, plan, image), is_durable=True)
                (aside / folders.SETTINGS_FILE).chmod(0o644)
            _let_read(aside / folders.APP_FOLDER)

        return write_revision(place, revision, plan, contents, settings)

    def _image(self, plan: Plan, on_line: Callable[[str], None]) -> tuple[Engine, ServiceImage | None]:
        """Return the engine, and the image of a plan: made if needed; None if that is the user's own."""
        if self._built is not None and self._built[0] is plan:
            return self._built[1:]
        engine = find_engine()
        config, image = plan.deployment_config, None
        if isinstance(config, ContainerConfig) and config.image is not None:
            if not engine.has_image(config.image):
                if config.image.startswith("localhost/"):
                    text = f"the image {config.image} is not on this machine; see: {engine.name} images"
                    raise RegistryFault(text)
                on_line(f"{engine.name} fetches the image {config.image}")
                registries.pull(engines.Engine(engine.name, engine.path), config.image, on_line)
        elif plan.image_config is not None or plan.inference_config is not None:
            image = service_image(engine, plan.image_config or plan.given(None), on_line)
        if isinstance(config, ContainerConfig):
            for fact, limit in ((engine.limits_cpu, "CPU"), (engine.limits_memory, "memory")):
                if not fact:
                    on_line(f"{engine.name} cannot limit {limit} on this machine: the container may use more")
        self._built = (plan, engine, image)
        return engine, image


def _engines_of(place: Place) -> set[str]:
    """Return the paths of the engines that revisions of a service run with."""
    found = (read_json(path) or {} for path in folders.revisions_folder(place).glob(f"*/{FILE_NAME}"))
    return {str(settings["engine"]) for settings in found if settings.get("engine")}


def _remove_containers(place: Place, engines: set[str]) -> None:
    """Remove what a machine-wide mishap left of a service; usually nothing."""
    for path in engines:
        # An engine that does not answer runs nothing.
        with suppress(ContainerEngineNotFound, OSError):
            Engine(Path(path).name, path).remove_containers(label_of(place))


def _let_read(folder: Path) -> None:
    """Let the user in the container read; the folders above, which it does not see, keep others out."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            is_program = path.is_dir() or os.access(path, os.X_OK)
            path.chmod(0o755 if is_program else 0o644)
