"""The build context of a package: a folder with everything that an image is made of."""

import json
import os
import shutil
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from moorage import models as registry
from moorage.deployments import no_code_image
from moorage.deployments.imports import reachable
from moorage.deployments.inference import InferenceConfig
from moorage.deployments.no_code import check_models, is_no_code
from moorage.deployments.own_environment import extra_requirements
from moorage.deployments.plans import model_folder, model_map
from moorage.deployments.problems import Problem
from moorage.deployments.script import check_script
from moorage.deployments.source import (
    MODEL_MAP,
    MODELS_FOLDER,
    Source,
    check_files,
    find_source,
    source_files,
)
from moorage.environments import Environment
from moorage.environments.locking import Lock
from moorage.errors import InvalidConfiguration, PlanRejected
from moorage.models import Model
from moorage.packaging import conda_prefix, dockerfile
from moorage.packaging.bases import Base, find_base
from moorage.packaging.locks import environment_lock, server_lock
from moorage.packaging.wheels import write_wheel
from moorage.workspace import Workspace, home_folder
from moorage_server.environment import settings_in
from moorage_server.settings import NO_POLLING, ServiceSettings, settings_as_json

DEFAULT_EPOCH = 315_532_800  # 1980-01-01: what zip files can hold too
OUR_PREFIX = "org.moorage"
_PRIVATE_INDEX = (
    "the packages come from an index of their own, whose address is not in the files; whoever builds them "
    "says it with: --secret id=pip.conf,src=FILE"
)
_RUN = """#!/bin/sh
# Starts the server in the foreground; it passes signals on to the script's processes.
exec {server}/bin/python -I -m moorage_server.front --settings {server}/service.json \\
  --host 0.0.0.0 --port {port}
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into an image, found and checked. ``lock`` None: the base image is the environment."""

    models: tuple[Model, ...]
    source: Source
    environment: Environment
    recipe: dockerfile.Recipe
    base: Base
    lock: Lock | None
    server: Lock
    notices: tuple[str, ...] = ()


def look(
    workspace: Workspace,
    models: Sequence[Model | str],
    config: InferenceConfig | None,
    *,
    base_image: str | None = None,
    wheels: Path | None = None,
) -> Contents:
    """Return what an image of these models and this script is made of; looks up exact versions.

    Without a configuration the models say what they are, and the script is ours.
    With ``wheels``, a folder, all packages are from there and nothing is looked up elsewhere.

    Raises:
        PlanRejected: the script is missing or wrong; all problems.
        InvalidConfiguration: there is no environment, or it cannot be understood.
        ModelNotFound, InterpreterNotFound, RequirementsUnsolvable, EnvironmentBuildFailed: see there.
    """
    by_id = (registry.get_by_id(workspace, m if isinstance(m, str) else m.id) for m in models)
    found = tuple({model.id: model for model in by_id}.values())
    variables: dict[str, str] = {}
    if config is None or is_no_code(config):
        config, variables = _without_script(workspace, found, config)
    config = config.absolute()
    source = _source(config)
    environment = _environment(config)
    environment = replace(environment, variables={**environment.variables, **variables})
    base = find_base(environment, config, base_image)
    lock, python, notices = environment_lock(environment, extra_requirements(config), wheels)
    has_index = lock is not None and bool(lock.options)
    if has_index:
        notices += (_PRIVATE_INDEX,)
    recipe = dockerfile.Recipe(
        python,
        base.image,
        base_dockerfile=base.dockerfile,
        installs_environment=lock is not None,
        has_models=bool(found),
        has_wheels=wheels is not None,
        has_index=has_index,
        variables=_variables(found, source),
        steps=_steps(config),
        conda=frozenset(lock.conda_packages) if lock is not None else frozenset(),
    )
    recipe = replace(recipe, labels=_labels(found, lock, None if base.dockerfile else recipe.base))
    server = server_lock(recipe.server_lock_python, wheels)
    return Contents(found, source, environment, recipe, base, lock, server, notices)


def write_context(
    workspace: Workspace,
    contents: Contents,
    folder: Path,
    wheels: Path | None = None,
    on_line: Callable[[str], None] = lambda line: None,
) -> None:
    """Fill an empty folder; equal contents give equal files, times and modes.

    Raises:
        EnvironmentBuildFailed, StorageFull: a package of a conda channel cannot be had.
        OSError: no space, or a file of the source cannot be read.
        BlobCorrupt: a file of a model is not what was registered.
    """
    app = folder / "app"
    app.mkdir()
    for file in source_files(contents.source, home_folder()):
        target = app / file.target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.path, target)
        target.chmod(file.path.stat().st_mode & 0o777)
    _write_json(app / MODEL_MAP, model_map(contents.models))
    for model in contents.models:
        _write_model(workspace, model, folder / "models")
    recipe = contents.recipe
    if contents.lock is not None:
        (folder / "environment").mkdir()
        (folder / "environment" / "lock.txt").write_text(contents.lock.text, encoding="utf-8")
        recipe = with_conda(recipe, contents.lock, folder, on_line)
    server = folder / "server"
    server.mkdir()
    (server / "lock.txt").write_text(contents.server.text, encoding="utf-8")
    for distribution, package in (
        ("moorage-runtime", "moorage_runtime"),
        ("moorage-server", "moorage_server"),
    ):
        write_wheel(distribution, package, server)
    if wheels is not None:
        shutil.copytree(wheels, folder / "wheels")
    _write_json(folder / "service.json", _settings(contents))
    run = folder / "run.sh"
    run.write_text(_RUN.format(server=dockerfile.SERVER, port=dockerfile.PORT), encoding="utf-8")
    run.chmod(0o755)
    (folder / "Dockerfile").write_text(recipe.text, encoding="utf-8")
    _settle(folder, epoch())


def with_conda(
    recipe: dockerfile.Recipe, lock: Lock, folder: Path, on_line: Callable[[str], None]
) -> dockerfile.Recipe:
    """Write the packages of channels into a context; return the recipe with the variables that they want.

    Raises:
        EnvironmentBuildFailed, StorageFull, OSError: see `write_prefix`.
    """
    if not lock.conda:
        return recipe
    place = folder / conda_prefix.ARCHIVE
    variables = conda_prefix.write_prefix(lock, dockerfile.ENVIRONMENT, place, epoch(), on_line)
    listed = "".join(f"{package.line}\n" for package in lock.conda)
    (place.parent / "conda.txt").write_text(listed, encoding="utf-8")
    return replace(recipe, variables={**variables, **recipe.variables})


def epoch() -> int:
    """Return the time that all files get, from ``SOURCE_DATE_EPOCH`` if that is set."""
    value = os.environ.get("SOURCE_DATE_EPOCH", "")
    return int(value) if value.isdigit() else DEFAULT_EPOCH


def _without_script(
    workspace: Workspace, models: Sequence[Model], given: InferenceConfig | None
) -> tuple[InferenceConfig, dict[str, str]]:
    """Return our script with the packages that the models need, and its variables.

    Raises:
        PlanRejected: a model is of no known framework.
        InvalidConfiguration: the packages cannot be had.
    """
    problems = list(check_models(models, ()))
    if problems:
        raise PlanRejected(problems)
    config = no_code_image.image_config(workspace, models, given)
    return config, no_code_image.variables(workspace, models)


def _source(config: InferenceConfig) -> Source:
    source, problems = find_source(config)
    if source is not None:
        problems += check_files(source, home_folder())
        texts = reachable(source)
        if texts and texts[0].path == source.script:
            problems += check_script(texts[0])
    errors: list[Problem] = [problem for problem in problems if problem.severity == "error"]
    if errors or source is None:
        raise PlanRejected(problems)
    return source


def _environment(config: InferenceConfig) -> Environment:
    if config.environment is not None:
        return config.environment
    if config.conda_file is not None:
        return Environment(Path(config.conda_file).stem or "environment", conda=config.conda())
    if config.base_image is not None:
        return Environment("environment", user_managed=True)
    raise InvalidConfiguration(
        "a package needs an environment: it takes nothing from the Python that makes it; "
        "give the inference configuration an environment, a conda_file or a base_image"
    )


def _steps(config: InferenceConfig) -> str:
    if config.extra_docker_file_steps is None:
        return ""
    try:
        return Path(config.extra_docker_file_steps).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(
            f"extra_docker_file_steps: {config.extra_docker_file_steps} cannot be read: {error}"
        ) from error


def _labels(models: Sequence[Model], lock: Lock | None, base: str | None) -> dict[str, str]:
    names = ", ".join(model.id for model in models)
    listed = [
        {"name": m.name, "version": m.version, "files": {f.path: f"sha256:{f.sha256}" for f in m.files}}
        for m in models
    ]
    created = datetime.fromtimestamp(epoch(), timezone.utc)
    labels = {
        "org.opencontainers.image.title": "scoring service",
        "org.opencontainers.image.description": f"scores {names}" if names else "scores with a script",
        "org.opencontainers.image.created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        f"{OUR_PREFIX}.models": json.dumps(listed, sort_keys=True),
    }
    if base is not None:
        labels["org.opencontainers.image.base.name"] = base
    return labels if lock is None else {**labels, f"{OUR_PREFIX}.environment": lock.hash}


def _model_dir(models: Sequence[Model]) -> str:
    below = str(model_folder(models[0])) if len(models) == 1 else MODELS_FOLDER
    return f"{dockerfile.APP_ROOT}/{below}"


def _variables(models: Sequence[Model], source: Source) -> dict[str, str]:
    return {
        "AML_APP_ROOT": dockerfile.APP_ROOT,
        "AZUREML_ENTRY_SCRIPT": source.entry_script,
        "AZUREML_MODEL_DIR": _model_dir(models),
        # The image may be read-only, and its layers have to be equal each time.
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _settings(contents: Contents) -> dict[str, Any]:
    environment = contents.environment
    given: Mapping[str, Any] = settings_in(environment.variables)
    if contents.lock is not None:
        python = dockerfile.ENVIRONMENT_PYTHON
    else:
        python = str(environment.interpreter or "python3")
    settings = ServiceSettings(
        app_root=dockerfile.APP_ROOT,
        entry_script=contents.source.entry_script,
        source_directory=contents.source.folder_name,
        model_dir=_model_dir(contents.models),
        python=python,
        environment=dict(environment.variables),
        spin_us=NO_POLLING,
        **given,
    )
    return settings_as_json(settings)


def _write_model(workspace: Workspace, model: Model, folder: Path) -> None:
    root = folder / model.name / str(model.version)
    for file in model.files:
        target = root / file.path
        if ".." in target.parts or not target.is_relative_to(root):
            raise ValueError(f"the path {file.path!r} of model {model.id} leaves its folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb", buffering=0) as copy:
            workspace.blobs.write_to(file.sha256, copy)


def _write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _settle(folder: Path, at: int) -> None:
    """Give all files the same time and modes that anybody may read, which layers are made of."""
    for path in sorted(folder.rglob("*"), reverse=True):
        is_program = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if is_program else 0o644)
        os.utime(path, (at, at))
    os.utime(folder, (at, at))
