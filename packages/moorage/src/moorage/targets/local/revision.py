"""A revision on disk: source snapshot, models and settings, made aside and renamed into place."""

import os
import shutil
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from moorage.deployments.plans import Plan, model_folder, model_map
from moorage.deployments.source import MODEL_MAP, MODELS_FOLDER, Source, source_files
from moorage.folders import make_private_folder
from moorage.models import Model
from moorage.targets.contract import Contents, Place, TargetFault
from moorage.targets.local import folders
from moorage.workspace import home_folder
from moorage_server.model_files import ModelFileChanged, ModelFiles
from moorage_server.supervision.files import sync_folder, write_json


def write_revision(
    place: Place,
    revision: int,
    plan: Plan,
    contents: Contents,
    write_settings: Callable[[Path, Path], None],
) -> bool:
    """Make the folder of a revision; does nothing, and returns False, if it is there.

    ``write_settings`` gets the folder as it is being made, and where it will be.

    Raises:
        OSError: no space, or a source file cannot be read. Nothing is left behind then.
        BlobCorrupt: a model file is not what was registered.
    """
    final = folders.revision_folder(place, revision)
    if final.is_dir():
        return False
    aside = folders.new_aside(final.parent, final.name)
    try:
        app = aside / folders.APP_FOLDER
        app.mkdir(mode=0o700)
        if plan.source is not None:
            _copy_source(plan.source, app)
        make_private_folder(app / MODELS_FOLDER)
        for model in plan.models:
            _write_model(model, app, contents)
        write_json(app / MODEL_MAP, model_map(plan.models), is_durable=True)
        write_settings(aside, final)
        write_json(aside / folders.REVISION_FILE, _description(place, revision, plan), is_durable=True)
        # They were compared while they were written.
        ModelFiles(aside / folders.REVISION_FILE, app).remember()
        sync_folder(aside)
        aside.rename(final)
        sync_folder(final.parent)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return True


def check_models(folder: Path) -> None:
    """Compare the model files of a revision with the digests under which they were registered.

    Raises:
        TargetFault: one is missing, or is not what was deployed: nothing may load it.
    """
    try:
        ModelFiles(folder / folders.REVISION_FILE, folder / folders.APP_FOLDER).check(is_thorough=True)
    except ModelFileChanged as error:
        raise TargetFault(str(error)) from error


def _copy_source(source: Source, app: Path) -> None:
    made = {app}
    for file in source_files(source, home_folder()):
        target = app / file.target
        if target.parent not in made:
            make_private_folder(target.parent)
            made.add(target.parent)
        _copy(file.path, target)


def _copy(path: Path, target: Path) -> None:
    with path.open("rb") as original:
        mode = os.fstat(original.fileno()).st_mode & 0o700
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode | 0o600)
        with os.fdopen(descriptor, "wb") as copy:
            shutil.copyfileobj(original, copy, 1024 * 1024)
            copy.flush()
            os.fsync(descriptor)


def _write_model(model: Model, app: Path, contents: Contents) -> None:
    folder = app / model_folder(model)
    for file in model.files:
        target = folder / file.path
        if ".." in target.parts or not target.is_relative_to(folder):
            raise ValueError(f"the path {file.path!r} of model {model.id} leaves its folder")
        make_private_folder(target.parent)
        contents.write_file(file.sha256, target)


def _description(place: Place, revision: int, plan: Plan) -> dict[str, object]:
    return {
        "service": place.service,
        "workspace": place.workspace_name,
        "revision": revision,
        "created_at": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        "python": plan.python_version,
        "models": {model.id: {file.path: file.sha256 for file in model.files} for model in plan.models},
    }
