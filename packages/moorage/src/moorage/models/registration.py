"""Registering: store the files, then give them a version number in one transaction."""

import getpass
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone

from moorage.errors import BlobNotFound, InvalidArgument, StorageUnavailable
from moorage.models.frameworks import usual_spelling
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
from moorage.models.scan_policy import Finding, Policy, enforce, policy_of_environment
from moorage.models.source import SourceFile, find_files
from moorage.storage.audit import record
from moorage.storage.contents import count_on, put_files
from moorage.storage.statements import next_number
from moorage.storage.tables import model_files, model_names, model_properties, model_tags, models
from moorage.workspace import Workspace

logger = logging.getLogger(__name__)
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
    scan: Policy | None = None,
    on_finding: Callable[[Finding], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Model:
    """Register a file or a folder as the next version of ``name``: 1, 2, 3, ..., none ever used again.

    ``on_progress`` gets (bytes done, bytes in all). What fails leaves no version behind; killed at any point
    it leaves at most unused file contents, which `remove_unused_blobs` removes.
    ``scan`` looks for code that would run when the files are loaded (default: ``$MOORAGE_MODEL_SCAN``, else
    not at all) and tells ``on_finding`` (default: the log) what it finds.

    Raises:
        DangerousModel: the scan found something and the policy is ``refuse``.
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
        created_by=user_name(),
        description=checked_text("description", description),
        tags=checked_labels("tags", tags),
        properties=checked_labels("properties", properties),
        framework=usual_spelling(checked_text("framework", framework, LABEL_LENGTH)),
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
    policy = scan or policy_of_environment()
    if policy is not None:
        _scan(name, sources, policy, on_finding or _log_finding)
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


def _scan(
    name: str, sources: Sequence[SourceFile], policy: Policy, on_finding: Callable[[Finding], None]
) -> None:
    from moorage.models.scanning import scan_files  # needs an extra

    findings = scan_files([(source.path, source.file) for source in sources])
    for finding in enforce(name, findings, policy):
        on_finding(finding)


def _log_finding(finding: Finding) -> None:
    logger.warning("%s: %s: %s", finding.danger, finding.path, finding.what)


def _store(
    workspace: Workspace, sources: Sequence[SourceFile], advance: Callable[[int], None]
) -> tuple[ModelFile, ...]:
    files = [(source.file, source.size_bytes) for source in sources]
    stored = put_files(workspace.database, workspace.blobs, files, advance)
    kept = [
        ModelFile(source.path, blob.sha256, blob.size_bytes)
        for source, blob in zip(sources, stored, strict=True)
    ]
    return tuple(sorted(kept, key=lambda file: file.path))


def _insert(workspace: Workspace, model: Model) -> Model:
    with workspace.database.write() as connection:
        version = next_number(connection, model_names, {"name": model.name}, counter="last_version")
        model = replace(model, version=version)
        sizes = {file.sha256: file.size_bytes for file in model.files}
        count_on(connection, workspace.blobs, sizes, model.created_at)
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
        size_bytes = sum(file.size_bytes for file in model.files)
        record(connection, "model.registered", f"model {model.id}", size_bytes=size_bytes)
    return model


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


def user_name() -> str:
    """Return the name of who runs this process, the number of a user without one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in many containers
        return str(os.getuid())
