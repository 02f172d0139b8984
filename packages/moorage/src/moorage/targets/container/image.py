"""The image of a service: its packages and our server. Script and models are mounted into it.

It is named after a digest of all that goes into it: services with the same environment share one, and a
second deployment builds nothing.
"""

import functools
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from moorage.deployments import InferenceConfig
from moorage.deployments.own_environment import extra_requirements
from moorage.environments import Environment
from moorage.environments.locking import Lock
from moorage.errors import ImageBuildFailed, InvalidConfiguration, StorageFull
from moorage.folders import make_private_folder
from moorage.packaging import conda_prefix, dockerfile, engines, registries
from moorage.packaging.bases import find_base
from moorage.packaging.context import epoch, with_conda
from moorage.packaging.locks import environment_lock, server_lock
from moorage.packaging.package import pip_configuration
from moorage.packaging.wheels import write_wheel
from moorage.targets.container.engine import Engine
from moorage.workspace import home_folder
from moorage_server.supervision.lock import FileLock

REPOSITORY = "localhost/moorage-service"
_LABELS = {
    "org.opencontainers.image.title": "environment of services",
    "org.moorage.role": "environment",
}
_VARIABLES = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
_SHOWN_LINES = 12
LONGEST_BUILD_S = 3600.0
_CONTEXT = "context"

OnLine = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ServiceImage:
    """An image that is here; ``python`` is the script's interpreter in it."""

    tag: str
    python: str


@dataclass(frozen=True, slots=True)
class _Parts:
    tag: str
    lock: Lock | None
    recipe: dockerfile.Recipe


def names_packages(inference: InferenceConfig | None) -> bool:
    """Tell whether a configuration says what an image has to have: without, there is nothing to make."""
    if inference is None:
        return False
    return bool(inference.environment or inference.conda_file or inference.base_image)


def environment_of(inference: InferenceConfig) -> Environment:
    """Return the environment of a script.

    Raises:
        InvalidConfiguration: none is named; or it is an interpreter of this machine.
    """
    if inference.environment is not None:
        found = inference.environment
    elif inference.conda_file is not None:
        found = Environment(Path(inference.conda_file).stem or "environment", conda=inference.conda())
    elif inference.base_image is not None:
        found = Environment("environment", user_managed=True)
    else:
        raise InvalidConfiguration("a container needs an environment, a conda file or a base image")
    if found.user_managed and not find_base(found, inference).is_own:
        raise InvalidConfiguration(
            "a user-managed environment is an interpreter of this machine, which no container has; "
            "name a base image that has the packages, or deploy with compute type local"
        )
    return found


def service_image(engine: Engine, inference: InferenceConfig, on_line: OnLine) -> ServiceImage:
    """Return the image for a script, building it if it is not here.

    Raises:
        ImageBuildFailed: a step failed; the last words of the engine are in the text.
        StorageFull: there is no space for it.
        RegistryFault: the base image cannot be pulled.
        RequirementsUnsolvable, InterpreterNotFound, EnvironmentBuildFailed: its packages cannot be had.
        InvalidConfiguration: see `environment_of`.
    """
    environment = environment_of(inference)
    base = find_base(environment, inference)
    lock, python, notices = environment_lock(environment, extra_requirements(inference))
    recipe = dockerfile.Recipe(
        python,
        base.image,
        base_dockerfile=base.dockerfile,
        installs_environment=lock is not None,
        has_models=False,
        has_index=lock is not None and bool(lock.options),
        labels=_LABELS,
        variables=_VARIABLES,
        steps=_steps(inference),
        conda=frozenset(lock.conda_packages) if lock is not None else frozenset(),
    )
    server = server_lock(recipe.server_lock_python)
    # What is mounted takes the place of the last two; the recipe is that of packages, which have them.
    files = {"Dockerfile": recipe.text, "server/lock.txt": server.text, "run.sh": "", "service.json": "{}\n"}
    interpreter = str(environment.interpreter or "python3")
    if lock is not None:
        files["environment/lock.txt"] = lock.text
        files["environment/conda.txt"] = "".join(f"{package.line}\n" for package in lock.conda)
        interpreter = dockerfile.ENVIRONMENT_PYTHON
    with tempfile.TemporaryDirectory(prefix="moorage-image-") as folder:
        context = Path(folder, _CONTEXT)
        try:
            digest = _write(context, files)
        except OSError as error:
            raise StorageFull(f"the files of the image cannot be written: {error}") from error
        # Also because its id is in the name: what is pulled while building would give another one next time.
        registries.fetch(engines.Engine(engine.name, engine.path), base, recipe.images, on_line)
        base_id = None if recipe.base_dockerfile else engine.image_id(recipe.base)
        found = f"{digest} {base_id} {os.environ.get(engines.OPTIONS_VARIABLE, '')}"
        tag = f"{REPOSITORY}:{hashlib.sha256(found.encode()).hexdigest()[:24]}"
        with _alone(tag, lambda: engine.has_image(tag)) as has_work:
            if has_work:
                for notice in notices:
                    on_line(notice)
                _build(engine, Path(folder), _Parts(tag, lock, recipe), on_line)
    return ServiceImage(tag, interpreter)


@contextmanager
def _alone(tag: str, is_done: Callable[[], bool]) -> Iterator[bool]:
    """Yield whether there is work to do; whoever asks at the same time waits until it is done."""
    if is_done():
        yield False
        return
    folder = home_folder() / "environments" / ".locks"
    make_private_folder(folder)
    own = FileLock(folder / tag.rpartition(":")[2])
    if not own.acquire(wait_s=LONGEST_BUILD_S):
        raise ImageBuildFailed(f"somebody else has been building the image {tag} for too long")
    try:
        yield not is_done()
    finally:
        own.release()


def _build(engine: Engine, folder: Path, parts: _Parts, on_line: OnLine) -> None:
    lock, tag = parts.lock, parts.tag
    builder, said = engines.Engine(engine.name, engine.path), list[str]()

    def tell(line: str) -> None:
        said.append(line)
        on_line(line)

    on_line(f"{engine.name} builds the image {tag}")
    if lock is not None and lock.conda:
        _add_conda(folder / _CONTEXT, parts.recipe, lock, on_line)
    secrets = {}
    if lock is not None and lock.options:
        secrets["pip.conf"] = folder / "pip.conf"
        secrets["pip.conf"].write_text(pip_configuration(lock.options), encoding="utf-8")
    try:
        builder.build(folder / _CONTEXT, [tag], epoch(), folder / "build.log", tell, secrets=secrets)
    except StorageFull as error:
        text = f"no space left for the image of the service; free some ({engine.name} system prune)"
        raise StorageFull(text) from error
    except ImageBuildFailed as error:
        # The log does not outlive this call: its end is in the text.
        words = "\n".join([line for line in said if line.strip()][-_SHOWN_LINES:])
        raise ImageBuildFailed(f"{engine.name} could not build the image of the service:\n{words}") from error


def _add_conda(context: Path, recipe: dockerfile.Recipe, lock: Lock, on_line: OnLine) -> None:
    """Complete a context; what is added follows from the lock, which the digest covers."""
    try:
        full = with_conda(recipe, lock, context, on_line)
        (context / "Dockerfile").write_text(full.text, encoding="utf-8")
        for name in ("Dockerfile", conda_prefix.ARCHIVE, "environment"):
            os.utime(context / name, (epoch(), epoch()))
    except OSError as error:
        raise StorageFull(f"the files of the image cannot be written: {error}") from error


def _write(context: Path, files: dict[str, str]) -> str:
    """Write the build context and return a digest of it."""
    (context / "app").mkdir(parents=True)
    digest = hashlib.sha256()
    for name, text in sorted(files.items()):
        path = context / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        digest.update(f"{name}\0{len(text)}\0{text}".encode())
    for name, content in _wheels():
        (context / "server" / name).write_bytes(content)
        digest.update(hashlib.sha256(content).digest())
    for path in [context, *context.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (epoch(), epoch()))
    return digest.hexdigest()


@functools.cache
def _wheels() -> tuple[tuple[str, bytes], ...]:
    """Return our distributions as wheels: name and content."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = (("moorage-runtime", "moorage_runtime"), ("moorage-server", "moorage_server"))
        paths = [write_wheel(distribution, package, Path(folder)) for distribution, package in pairs]
        return tuple((path.name, path.read_bytes()) for path in paths)


def _steps(inference: InferenceConfig) -> str:
    if inference.extra_docker_file_steps is None:
        return ""
    try:
        return Path(inference.extra_docker_file_steps).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(
            f"extra_docker_file_steps: {inference.extra_docker_file_steps} cannot be read: {error}"
        ) from error
