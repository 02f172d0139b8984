"""Packages: models and a script as the files of an image, or as the image itself."""

import errno
import json
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from moorage.deployments.inference import InferenceConfig
from moorage.errors import (
    DownloadTargetExists,
    ImageBuildFailed,
    InvalidArgument,
    RegistryFault,
    StorageFull,
    StorageUnavailable,
)
from moorage.folders import make_private_folder
from moorage.models import Model
from moorage.packaging import registries
from moorage.packaging.context import Contents, epoch, look, write_context
from moorage.packaging.engines import Engine, find_engine
from moorage.packaging.registries import host_of
from moorage.workspace import Workspace

DEFAULT_NAME = "package"
REGISTRY_VARIABLE = "MOORAGE_REGISTRY"
NAME_RULE = (
    "lower-case letters and digits, with '.', '_', '-' between, in parts joined by '/'; a host may be first"
)
LABEL_RULE = "up to 128 letters, digits, '_', '.' and '-', the first no '.' or '-'"
_FOLDER, _RECORD, _LOG, _CONTEXT = "packages", "package.json", "build.log", "context"

OnLine = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Package:
    """``location`` is the name of an image, or the folder of the files. ``folder`` is the package's own.

    ``engine`` built the image; ``image_id`` and ``size_bytes`` are known then. ``digest`` is what the
    registry calls it, if it was pushed.
    """

    id: str
    location: str
    folder: Path
    is_image: bool
    models: tuple[str, ...]
    created_at: datetime  # aware UTC
    engine: str | None = None
    image_id: str | None = None
    size_bytes: int | None = None
    notices: tuple[str, ...] = ()
    digest: str | None = None

    @property
    def context(self) -> Path:
        return self.folder / _CONTEXT

    @property
    def log(self) -> str:
        """What was said while it was made."""
        return (self.folder / _LOG).read_text(encoding="utf-8")


def package(
    workspace: Workspace,
    models: Sequence[Model | str],
    inference_config: InferenceConfig | None,
    *,
    generate_dockerfile: bool = False,
    image_name: str | None = None,
    image_label: str | None = None,
    base_image: str | None = None,
    wheels: Path | None = None,
    push: bool | None = None,
    on_line: OnLine = lambda line: None,
) -> Package:
    """Make the files of an image, and without ``generate_dockerfile`` the image, with the engine found here.

    Without an inference configuration the models are served without a script.
    ``wheels`` is a folder of wheels from which all packages are taken; no package index is asked then. The
    files are kept in the workspace until `remove_older` removes them. ``push`` sends the image to the
    registry in its name; None: if ``MOORAGE_REGISTRY`` is set, which then begins names that name none.

    Raises:
        EngineNotFound: an image is wanted, and no engine works; nothing was made.
        ImageBuildFailed, StorageFull: a step of the build failed; the log is kept, and named.
        RegistryFault: the base image cannot be pulled; or the image is made but cannot be pushed.
        PlanRejected, InvalidConfiguration, ModelNotFound, RequirementsUnsolvable, ...: as for a deployment.
        InvalidArgument: a name or label that no image can have, no registry, or ``wheels`` is no folder.
    """
    now = datetime.now(timezone.utc).replace(microsecond=0)
    location = image_location(image_name, image_label or now.strftime("%Y%m%d%H%M%S"))
    if wheels is not None and not wheels.is_dir():
        raise InvalidArgument("wheels", f"{wheels} is not a folder")
    if push is None:
        push = bool(os.environ.get(REGISTRY_VARIABLE)) and not generate_dockerfile
    if push and (generate_dockerfile or host_of(location) is None):
        raise InvalidArgument("push", _nowhere(location, generate_dockerfile))
    engine = None if generate_dockerfile else find_engine()
    on_line("looking up the packages of script and server")
    contents = look(workspace, models, inference_config, base_image=base_image, wheels=wheels)
    made = Package(
        id=f"{now:%Y%m%d%H%M%S}-{secrets.token_hex(4)}",
        location=location,
        folder=workspace.path / _FOLDER,
        is_image=engine is not None,
        models=tuple(model.id for model in contents.models),
        created_at=now,
        notices=contents.notices,
    )
    made = replace(made, folder=made.folder / made.id)
    make_private_folder(made.folder)
    (made.folder / _LOG).write_text("".join(f"{text}\n" for text in made.notices), encoding="utf-8")
    try:
        made.context.mkdir(mode=0o700)
        write_context(workspace, contents, made.context, wheels, on_line)
    except OSError as error:
        shutil.rmtree(made.folder, ignore_errors=True)
        where = error.filename or made.context
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(f"no space left for the files of the package; free some at {where}") from error
        text = f"the files of the package cannot be written: {where}: {error.strerror}"
        raise StorageUnavailable(text) from error
    except BaseException:
        shutil.rmtree(made.folder, ignore_errors=True)
        raise
    on_line(f"the build context is {made.context}")
    if engine is None:
        made = replace(made, location=str(made.context))
    else:
        try:
            made = _with_image(made, engine, contents, on_line)
        except BaseException as error:
            shutil.rmtree(made.context, ignore_errors=True)
            if isinstance(error, (ImageBuildFailed, RegistryFault)):
                error.log = made.folder / _LOG
            raise
    _write_record(made)
    subject = f"package {made.id}"
    workspace.note("package.made", subject, location=made.location, models=list(made.models))
    if engine is not None and push:
        made = replace(made, digest=registries.push(engine, location, on_line))
        on_line(f"pushed to {host_of(location)}" + (f" as {made.digest}" if made.digest else ""))
        _write_record(made)
        workspace.note("package.pushed", subject, location=made.location, digest=made.digest)
    return made


def find(workspace: Workspace, id: str) -> Package:
    """Return a package that was made in this workspace.

    Raises:
        InvalidArgument: there is none with that id.
    """
    is_id = re.fullmatch(r"[0-9]{14}-[0-9a-f]{8}", id) is not None
    folder = workspace.path / _FOLDER / id
    try:
        document = json.loads((folder / _RECORD).read_text(encoding="utf-8")) if is_id else None
    except FileNotFoundError:
        document = None
    if document is None:
        raise InvalidArgument("package", f"there is no package {id!r} in workspace {workspace.name}")
    document.update(
        folder=folder,
        created_at=datetime.fromisoformat(document["created_at"]),
        models=tuple(document["models"]),
        notices=tuple(document["notices"]),
    )
    return Package(**document)


def save(made: Package, folder: Path) -> Path:
    """Copy the files of a package into a folder, which may exist and be empty; return it.

    Raises:
        DownloadTargetExists: there is something in it.
        StorageUnavailable: it cannot be written.
    """
    check_free(folder)
    try:
        shutil.copytree(made.context, folder, dirs_exist_ok=True)
    except OSError as error:
        raise StorageUnavailable(f"{folder} cannot be written: {error}") from error
    return folder


def check_free(folder: Path) -> None:
    """Raise DownloadTargetExists if there is something where a package is to be saved."""
    try:
        is_taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise StorageUnavailable(f"{folder} cannot be read: {error}") from error
    if is_taken:
        raise DownloadTargetExists(f"{folder} is there and not empty; choose another folder")


def remove_older(workspace: Workspace, older_than_s: float) -> int:
    """Remove the files and logs of packages made longer ago than that; images stay the engine's.

    Returns how many bytes that freed.
    """
    freed = 0
    before = time.time() - older_than_s
    folder = workspace.path / _FOLDER
    for one in folder.iterdir() if folder.is_dir() else ():
        # Its log is written as long as it is made; all else in it has made-up times.
        log = one / _LOG
        if not log.is_file() or log.stat().st_mtime > before:
            continue
        size_bytes = sum(path.lstat().st_size for path in one.rglob("*") if path.is_file())
        shutil.rmtree(one, ignore_errors=True)
        workspace.note("package.removed", f"package {one.name}", size_bytes=size_bytes)
        freed += size_bytes
    return freed


def pull(made: Package) -> str:
    """Return the name under which the engine of this machine has the image.

    Raises:
        EngineNotFound: no engine works.
        ImageBuildFailed: the package has only files, or the image was removed since and is in no registry.
        RegistryFault: it was removed and cannot be pulled.
    """
    if not made.is_image:
        raise ImageBuildFailed(
            f"the package has no image; build one with: docker build -t NAME {made.context}"
        )
    engine = find_engine()
    if engine.has(made.location):
        return made.location
    if made.digest is None:
        raise ImageBuildFailed(f"the image {made.location} was removed; make the package again")
    registries.pull(engine, made.location, lambda line: None)
    return made.location


def image_location(name: str | None, label: str) -> str:
    """Return ``name:label``; ``MOORAGE_REGISTRY`` comes before a name without a registry or folder.

    Raises:
        InvalidArgument: one of them breaks `NAME_RULE` or `LABEL_RULE`.
    """
    part = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
    chosen = DEFAULT_NAME if name is None else name
    if "/" not in chosen:
        chosen = f"{os.environ.get(REGISTRY_VARIABLE) or 'localhost'}/{chosen}"
    if (
        re.fullmatch(rf"(?:[a-zA-Z0-9.-]+(?::[0-9]+)?/)?{part}(?:/{part})*", chosen) is None
        or len(chosen) > 255
    ):
        raise InvalidArgument("image_name", f"{chosen!r} is not the name of an image: {NAME_RULE}")
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", label) is None:
        raise InvalidArgument("image_label", f"{label!r} is not a label: {LABEL_RULE}")
    return f"{chosen}:{label}"


def _nowhere(location: str, is_files: bool) -> str:
    if is_files:
        return "there is no image to push: only its files are asked for"
    advice = f"call the image registry.example.org/team/name, or set {REGISTRY_VARIABLE}"
    return f"{location} names no registry; {advice}"


def _with_image(made: Package, engine: Engine, contents: Contents, on_line: OnLine) -> Package:
    registries.fetch(engine, contents.base, contents.recipe.images, on_line)
    with tempfile.TemporaryDirectory(prefix="moorage-build-") as folder:  # 0700: addresses may hold passwords
        secrets = {}
        if contents.lock is not None and contents.lock.options:
            secrets["pip.conf"] = Path(folder, "pip.conf")
            secrets["pip.conf"].write_text(pip_configuration(contents.lock.options), encoding="utf-8")
        log = made.folder / _LOG
        image_id = engine.build(made.context, [made.location], epoch(), log, on_line, secrets=secrets)
    size = engine.size_bytes(made.location)
    shown = "" if size is None else f", {size / 1e6:,.0f} MB"
    on_line(f"the image is {made.location}{shown}")
    return replace(made, engine=engine.name, image_id=image_id, size_bytes=size)


def pip_configuration(options: Sequence[str]) -> str:
    """Return the file for pip that says what lines such as ``--index-url ...`` say."""
    values: dict[str, list[str]] = {}
    for line in options:
        name, _space, value = line.partition(" ")
        name = {"-i": "index-url", "-f": "find-links"}.get(name, name.removeprefix("--"))
        values.setdefault(name, []).append(value or "true")
    lines = [f"{name} =\n    " + "\n    ".join(found) for name, found in values.items()]
    return "\n".join(["[global]", *lines, ""])


def _write_record(made: Package) -> None:
    document: dict[str, object] = {
        **asdict(made),
        "folder": str(made.folder),
        "created_at": made.created_at.isoformat(timespec="seconds"),
    }
    (made.folder / _RECORD).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
