"""Disks that are full or read-only, files that are damaged, clocks that go backwards."""

import contextlib
import http.client
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

from sqlalchemy import text

from moorage import models, services
from moorage.errors import BlobCorrupt, MoorageError, PlanRejected, StorageFull, WorkspaceUnusable
from moorage.workspace import Workspace

from .stage import Report, Stage

# Files of this process cannot grow beyond a limit, as on a disk that is full; no rights are needed.
FULL = """
import resource, signal, sys
from moorage import models, services
from moorage.errors import StorageFull
from moorage.workspace import Workspace
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
what, path, limit = sys.argv[1:4]
workspace = Workspace.open("chaos")
workspace.database
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    if what == "register":
        models.register(workspace, path, "large")
    else:
        services.update(workspace, "svc", models=["m:1"], inference_config=None)
except StorageFull as error:
    print(error)
    sys.exit(9)
"""


def full_disk(stage: Stage) -> Report:
    report = Report("full disk")
    large = stage.home / "large.bin"
    large.write_bytes(os.urandom(3_000_000))
    environment = {**os.environ, "MOORAGE_HOME": str(stage.home)}
    ran = subprocess.run(
        [sys.executable, "-c", FULL, "register", str(large), "1000000"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    report.injected += 1
    if ran.returncode != 9:
        report.lost.append(f"registering on a full disk: {ran.returncode} {ran.stderr[-300:]}")
    if models.list_models(stage.workspace, name="large"):
        report.lost.append("a model without its files")
    if models.register(stage.workspace, large, "large").version != 1:
        report.lost.append("the version after the failure is not 1")
    if os.geteuid() == 0:
        _full_tmpfs(stage, report)
    report.lost += stage.losses()
    return report


def _full_tmpfs(stage: Stage, report: Report) -> None:
    """Fill the disk of a running service: it answers on, says what is wrong, and recovers."""
    with _tmpfs(stage.home.parent / "small", "24m") as folder:
        if folder is None:
            report.note = "tmpfs cannot be mounted here"
            return
        report.injected += 2
        with Workspace.create("small", home=folder) as small:
            path = folder / "model.txt"
            path.write_text("one")
            models.register(small, path, "m")
            services.deploy(small, "svc", ["m"], stage.script())
            filler = folder / "filler"
            _fill(filler)
            answer = services.run(small, "svc", "1").status
            if answer != 200:
                report.lost.append(f"a service on a full disk answers {answer}")
            try:
                services.update(small, "svc")
                report.lost.append("an update on a full disk succeeded")
            except (StorageFull, PlanRejected):  # the plan looks for space before anything is made
                pass
            except MoorageError as error:
                report.lost.append(f"an update on a full disk: {type(error).__name__} {error}")
            small.close()
            if [service.name for service in services.list_services(small)] != ["svc"]:
                report.lost.append("the list on a full disk")
            try:
                services.stop(small, "svc")
            except StorageFull:
                pass
            except OSError as error:
                report.lost.append(f"stopping on a full disk: {error}")
            filler.unlink()
            if services.update(small, "svc").state != "Healthy":
                report.lost.append("no update after space was made")
            _fill(filler)
            services.delete(small, "svc")
            if (small.path / "services" / "svc").exists():
                report.lost.append("deleting on a full disk, which makes space")


def _fill(filler: Path) -> None:
    with contextlib.suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(b"x" * 4096)
            file.flush()


def read_only(stage: Stage) -> Report:
    """Nothing can be written: what runs answers on, changes are refused with a reason."""
    report = Report("read-only file system")
    if os.geteuid() != 0:
        report.note = "needs root to mount; skipped"
        return report
    with _tmpfs(stage.home.parent / "fixed", "64m") as folder:
        if folder is None:
            report.note = "tmpfs cannot be mounted here"
            return report
        report.injected = 1
        with Workspace.create("fixed", home=folder) as fixed:
            path = stage.home / "model.txt"
            models.register(fixed, path, "m")
            service = services.deploy(fixed, "svc", ["m"], stage.script())
            fixed.close()
            try:
                with _unwritable(folder) as is_fixed:
                    report.note = "" if is_fixed else "could not be made read-only"
                    if is_fixed:
                        _change_what_cannot_be_changed(fixed, path, report)
                    if not _answers(service.port):
                        report.lost.append("the service does not answer")
                    fixed.close()
                if services.run(fixed, "svc", "1").status != 200:
                    report.lost.append("the service does not answer afterwards")
            finally:
                services.delete(fixed, "svc")
    return report


def _change_what_cannot_be_changed(fixed: Workspace, path: Path, report: Report) -> None:
    for change in (lambda: models.register(fixed, path, "m"), lambda: services.update(fixed, "svc")):
        try:
            change()
            report.lost.append("a change on a read-only file system succeeded")
        except MoorageError as error:
            report.note = f"refused: {type(error).__name__}"


@contextlib.contextmanager
def _unwritable(folder: Path) -> Iterator[bool]:
    """What is open stays writable, as the log is; whatever is opened within is not."""
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    try:
        remount = ["mount", "-o", "remount,ro,bind", str(folder)]
        yield subprocess.run(remount, capture_output=True, check=False).returncode == 0
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextlib.contextmanager
def _tmpfs(folder: Path, size: str) -> Iterator[Path | None]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "moorage-chaos", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        # More than once, if something was mounted over it.
        while folder.is_mount() and subprocess.run(["umount", "-l", str(folder)], check=True):
            pass


def damaged_blob(stage: Stage) -> Report:
    """A changed and a missing content: never deployed, named, repaired by registering again."""
    report = Report("damaged files of models")
    path = stage.home / "model.txt"
    for content, damage in (("three", "flip"), ("four", "remove")):
        path.write_text(content)
        model = models.register(stage.workspace, path, "n")
        sha256 = model.files[0].sha256
        blob = stage.workspace.path / "blobs" / "sha256" / sha256[:2] / sha256
        if damage == "flip":
            blob.write_bytes(b"\0" + blob.read_bytes()[1:])
        else:
            blob.unlink()
        report.injected += 1
        try:
            services.update(stage.workspace, "svc", models=[model])
            report.lost.append(f"{model.id} was deployed though its file is damaged")
        except BlobCorrupt as error:
            if model.id not in str(error):
                report.lost.append(f"the message does not name {model.id}: {error}")
        report.lost += [loss for loss in stage.losses() if model.id not in loss]
        if models.register(stage.workspace, path, "repaired").files[0].sha256 != sha256:
            report.lost.append("registering again gave another digest")
    report.lost += stage.losses()
    return report


def truncated_database(stage: Stage) -> Report:
    """Commands say that the database is damaged; services answer on; putting it back is enough."""
    report = Report("truncated database", injected=1)
    database = stage.workspace.path / "registry.db"
    port = services.get(stage.workspace, "svc").port
    with stage.workspace.database.write() as connection:
        connection.execute(text("SELECT 1"))
    stage.workspace.close()
    copy = database.with_suffix(".copy")
    _checkpoint(database)
    shutil.copy(database, copy)
    for beside in ("-wal", "-shm"):
        database.with_name(database.name + beside).unlink(missing_ok=True)
    os.truncate(database, database.stat().st_size // 2)
    try:
        models.list_models(stage.workspace)
        services.list_services(stage.workspace)
        report.note = "the half that is left was readable"
    except WorkspaceUnusable as error:
        if "damaged" not in str(error):
            report.lost.append(f"the message does not say what is wrong: {error}")
    except MoorageError as error:
        report.lost.append(f"{type(error).__name__}: {error}")
    stage.workspace.close()
    if not _answers(port):
        report.lost.append("the service does not answer")
    for beside in ("-wal", "-shm"):
        database.with_name(database.name + beside).unlink(missing_ok=True)
    copy.replace(database)
    report.lost += stage.losses()
    return report


def _answers(port: int | None) -> bool:
    """Ask a service without its workspace."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/score", b"1")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _checkpoint(database: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def clock_set_back(stage: Stage) -> Report:
    """What was registered last is the newest, whatever the clock said then."""
    report = Report("clock set back", injected=1)
    future = datetime.now(timezone.utc) + timedelta(days=400)
    with stage.workspace.database.write() as connection:
        connection.execute(text("UPDATE models SET created_at = :at"), {"at": future.replace(tzinfo=None)})
    path = stage.home / "model.txt"
    path.write_text("after the change of the clock")
    made = models.register(stage.workspace, path, "m")
    if models.get(stage.workspace, "m").id != made.id or models.list_models(stage.workspace)[0].id != made.id:
        report.lost.append("the newest model is not the one that was registered last")
    service = services.update(stage.workspace, "svc", models=[made])
    if services.rollback(stage.workspace, "svc").revision == service.revision:
        report.lost.append("the rollback went nowhere")
    report.lost += stage.losses()
    return report


FAULTS = (full_disk, read_only, damaged_blob, truncated_database, clock_set_back)
