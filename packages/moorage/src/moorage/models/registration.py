"""Registering: store the files, then give them a version number in one transaction."""

import getpass
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone

from sqlalchemy import Connection, select

from moorage.errors import BlobNotFound, InvalidArgument, StorageUnavailable
from moorage.models.model import (
    LABEL_LENGTH,
    Model,
    ModelFile,
    ResourceConfiguration,
    check_model_name,
    checked_labels,
    checked_text,
)
from moorage.models.rows import insert_all, insert_labels, model_values
from moorage.models.source import SourceFile, find_files
from moorage.storage import Blobs, Database
from moorage.storage.statements import insert_missing, next_number
from moorage.storage.tables import blobs as blob_rows
from moorage.storage.tables import model_files, model_names, model_properties, model_tags, models
from moorage.workspace import Workspace

SMALL_BYTES = 8 * 1024 * 1024
WRITERS = 4
"""Small files are stored by that many threads: most of their time is waiting for the disk to confirm."""
ATTEMPTS = 10


def register(
    workspace: Workspace,
    path: str | os.PathLike[str],
    name: str,
    *,
    tags: Mapping[str, object] | None = None,
    properties: Mapping[str, object] | None = None,
    description: str | None = None,
    framework: str | None = None,
    framework_version: str | None = None,
    resources: ResourceConfiguration | None = None,
    run_id: str | None = None,
    experiment_name: str | None = None,
    sample_input_dataset_id: str | None = None,
    sample_output_dataset_id: str | None = None,
    child_paths: Sequence[str] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Model:
    """Register a file or a folder as the next version of ``name``: 1, 2, 3, ..., none ever used again.

    ``on_progress`` gets (bytes done, bytes in all). What fails leaves no version behind; killed at any point
    it leaves at most unused file contents, which `remove_unused_blobs` removes.

    Raises:
        InvalidName, InvalidArgument: nothing was read.
        ModelPathNotFound, EmptyModelFolder, ModelPathNotAllowed: see `find_files`.
        ModelChanged: a file changed while it was read.
        StorageFull, StorageUnavailable: nothing was registered.
    """
    if framework_version is not None and framework is None:
        raise InvalidArgument("framework_version", "is given without a framework; name the framework too")
    draft = Model(
        name=check_model_name(name),
        version=0,
        created_at=datetime.now(timezone.utc),
        created_by=_user(),
        description=checked_text("description", description),
        tags=checked_labels("tags", tags),
        properties=checked_labels("properties", properties),
        framework=checked_text("framework", framework, LABEL_LENGTH),
        framework_version=checked_text("framework_version", framework_version, LABEL_LENGTH),
        resources=resources,
        run_id=checked_text("run_id", run_id, LABEL_LENGTH),
        experiment_name=checked_text("experiment_name", experiment_name, LABEL_LENGTH),
        sample_input_dataset_id=checked_text(
            "sample_input_dataset_id", sample_input_dataset_id, LABEL_LENGTH
        ),
        sample_output_dataset_id=checked_text(
            "sample_output_dataset_id", sample_output_dataset_id, LABEL_LENGTH
        ),
    )
    sources = find_files(path, child_paths)
    from moorage.models.libraries import installed_libraries  # slow to import, and only needed here

    draft = replace(draft, libraries=installed_libraries())
    for _attempt in range(ATTEMPTS):
        files = _store(workspace, sources, _total(sources, on_progress))
        try:
            return _insert(workspace, replace(draft, files=files))
        except BlobNotFound:
            continue  # another process removed the last model with that content meanwhile
    raise StorageUnavailable(
        f"the files of {name} vanished from the store {ATTEMPTS} times while they were registered; "
        "is something else cleaning it?"
    )


def _store(
    workspace: Workspace, sources: Sequence[SourceFile], advance: Callable[[int], None]
) -> tuple[ModelFile, ...]:
    known = _known_sizes(workspace.database, {source.size_bytes for source in sources})
    store = workspace.blobs

    def put(source: SourceFile) -> ModelFile:
        blob = store.put_file(source.file, probably_stored=source.size_bytes in known, on_progress=advance)
        return ModelFile(source.path, blob.sha256, blob.size_bytes)

    small = [source for source in sources if source.size_bytes < SMALL_BYTES]
    large = [source for source in sources if source.size_bytes >= SMALL_BYTES]
    stored = [put(source) for source in large]
    if len(small) < WRITERS:
        stored += [put(source) for source in small]
    else:
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="register") as writers:
            try:
                stored += writers.map(put, small)
            except BaseException:
                writers.shutdown(wait=True, cancel_futures=True)
                raise
    return tuple(sorted(stored, key=lambda file: file.path))


def _insert(workspace: Workspace, model: Model) -> Model:
    with workspace.database.write() as connection:
        version = next_number(connection, model_names, {"name": model.name}, counter="last_version")
        model = replace(model, version=version)
        sizes = {file.sha256: file.size_bytes for file in model.files}
        _insert_blobs(connection, sizes, model.created_at)
        inserted = connection.execute(models.insert().values(model_values(model)))
        row_id = inserted.inserted_primary_key[0]  # type: ignore[index]
        insert_all(
            connection,
            model_files,
            (
                {
                    "model_id": row_id,
                    "path": file.path,
                    "sha256": file.sha256,
                    "size_bytes": file.size_bytes,
                }
                for file in model.files
            ),
        )
        insert_labels(connection, model_tags, row_id, model.tags)
        insert_labels(connection, model_properties, row_id, model.properties)
        # Last, with the blobs' rows ours: nobody can remove a content from here to the commit.
        _check_stored(workspace.blobs, sizes)
    return model


def _insert_blobs(connection: Connection, sizes: Mapping[str, int], at: datetime) -> None:
    # In one order for all, so that two registrations with the same files cannot wait for each other.
    rows = [{"sha256": sha256, "size_bytes": sizes[sha256], "stored_at": at} for sha256 in sorted(sizes)]
    insert_missing(connection, blob_rows, rows, key="sha256")


def _check_stored(store: Blobs, sizes: Mapping[str, int]) -> None:
    for sha256, size_bytes in sizes.items():
        if store.size(sha256) != size_bytes:
            raise BlobNotFound(f"sha256:{sha256} is no longer in the store")


def _known_sizes(database: Database, sizes: Iterable[int]) -> set[int]:
    """Return those of ``sizes`` that some stored content has: such a file is likely to be stored already."""
    wanted = list(sizes)
    with database.read() as connection:
        found: set[int] = set()
        for start in range(0, len(wanted), 500):
            column = blob_rows.c.size_bytes
            batch = select(column).where(column.in_(wanted[start : start + 500])).distinct()
            found.update(connection.execute(batch).scalars())
        return found


def _total(
    sources: Sequence[SourceFile], on_progress: Callable[[int, int], None] | None
) -> Callable[[int], None]:
    """Return a function that adds up bytes (from any thread) and reports them with their total."""
    total = sum(source.size_bytes for source in sources)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if on_progress is not None:
            on_progress(done, total)

    return advance


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in many containers
        return str(os.getuid())
