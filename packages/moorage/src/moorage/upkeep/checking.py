"""Is everything there that should be, and is it what it was?"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select, text

from moorage.errors import BlobCorrupt, MoorageError
from moorage.storage.tables import service_revisions, services
from moorage.targets import Place, open_target
from moorage.upkeep.contents import used_digests
from moorage.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Finding:
    """``error``: something is lost or wrong; ``warning``: something is in the way, or costs space."""

    severity: Literal["error", "warning"]
    where: str
    message: str
    help: str = ""


def check(
    workspace: Workspace, *, reads_contents: bool = True, say: Callable[[str], None] = lambda text: None
) -> list[Finding]:
    """Return everything that is not as it should be.

    The database's own check, each content that something uses (read to its end unless ``reads_contents`` is
    False), contents that nothing uses, and the files of the revisions that services run.
    """
    findings = _check_database(workspace)
    with workspace.database.read() as connection:
        used = used_digests(connection)
        live = [
            (row.name, row.target, row.live_revision)
            for row in connection.execute(select(services)).all()
            if row.live_revision is not None
        ]
        columns = service_revisions.c
        known = connection.execute(select(columns.service_name, columns.number)).all()
        revisions = {(row.service_name, row.number) for row in known}
    say(f"{len(used)} contents, {len(live)} services")
    for sha256, size_bytes in used.items():
        try:
            if reads_contents:
                workspace.blobs.verify(sha256)
            elif workspace.blobs.size(sha256) != size_bytes:
                raise BlobCorrupt(sha256, "it is missing, or has another size")
        except BlobCorrupt as error:
            text_ = "register the original file again, or restore a backup"
            findings.append(Finding("error", f"sha256:{sha256}", error.problem, text_))
    unused = [blob for blob in workspace.blobs.list() if blob.sha256 not in used]
    if unused:
        size_bytes = sum(blob.size_bytes for blob in unused)
        message = f"{len(unused)} contents with {size_bytes} bytes are not used by anything"
        findings.append(Finding("warning", "contents", message, "moor workspace gc removes them"))
    for name, target, number in live:
        findings += _check_service(workspace, name, target, number, (name, number) in revisions)
    return findings


def _check_database(workspace: Workspace) -> list[Finding]:
    if not workspace.database.is_sqlite:
        return []
    try:
        with workspace.database.read() as connection:
            said = connection.execute(text("PRAGMA integrity_check")).scalars().all()
            broken = connection.execute(text("PRAGMA foreign_key_check")).all()
    except (sqlite3.DatabaseError, MoorageError) as error:
        return [Finding("error", "database", str(error), "restore a backup: moor workspace restore")]
    found = [line for line in said if line != "ok"] + [f"{row[0]}: refers to nothing" for row in broken]
    return [Finding("error", "database", line, "restore a backup: moor workspace restore") for line in found]


def _check_service(
    workspace: Workspace, name: str, target: str, number: int, is_known: bool
) -> list[Finding]:
    where = f"service {name}"
    again = f"moor service update -n {name} makes another"
    if not is_known:
        return [Finding("error", where, f"what revision {number} was made of is not known any more", again)]
    try:
        observed = open_target(target).observe(Place(workspace.path, workspace.name, name))
    except MoorageError:
        return []
    if not observed.exists:
        return [Finding("warning", where, "runs on another machine, or its folder is gone", again)]
    if number not in observed.prepared:
        return [Finding("error", where, f"the files of revision {number} are gone", again)]
    return []
