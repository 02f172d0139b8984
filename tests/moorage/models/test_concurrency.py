"""Many processes at once, and processes that are killed in the middle."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from moorage import models
from moorage.errors import ModelInUse, ModelNotFound
from moorage.workspace import Workspace

# Children start from a process that has imported everything, but is not this one.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["moorage.models"])


def _register_some(start_together, home: Path, path: Path, times: int, database_url: str) -> None:
    start_together.wait(60)
    with Workspace.create("shared", home=home, exist_ok=True, database_url=database_url) as workspace:
        for _ in range(times):
            models.register(workspace, path, "m", tags={"pid": os.getpid()})


def _register_and_delete(start_together, home: Path, path: Path, times: int) -> None:
    start_together.wait(60)
    with Workspace.open("shared", home=home) as workspace:
        for _ in range(times):
            models.delete(workspace, models.register(workspace, path, "m"))


def _run(function, count: int, *arguments: object) -> None:
    start_together = processes.Barrier(count)
    children = [processes.Process(target=function, args=(start_together, *arguments)) for _ in range(count)]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
        if child.is_alive():
            child.kill()
    assert [child.exitcode for child in children] == [0] * count


def test_eight_processes_register_one_name_in_a_new_workspace(
    home: Path, model_file: Path, database_url: str
) -> None:
    _run(_register_some, 8, home, model_file, 5, database_url)
    with Workspace.open("shared") as workspace:
        found = models.list_models(workspace)
        assert [model.version for model in found] == list(range(40, 0, -1))
        assert len({model.tags["pid"] for model in found}) == 8
        assert len(list(workspace.blobs.list())) == 1
        workspace.blobs.verify(found[0].files[0].sha256)


def test_a_content_that_some_delete_and_others_register_is_never_lost(
    home: Path, model_file: Path, database_url: str
) -> None:
    with Workspace.create("shared", database_url=database_url) as workspace:
        for _ in range(3):
            _run(_register_and_delete, 4, home, model_file, 5)
            kept = models.register(workspace, model_file, "m")
            workspace.blobs.verify(kept.files[0].sha256)
            models.delete(workspace, kept)
        assert models.list_models(workspace) == []
        assert models.register(workspace, model_file, "m").version == 3 * (4 * 5 + 1) + 1


def test_many_threads_share_a_workspace(registry: Workspace, model_file: Path) -> None:
    def register_and_read(number: int) -> int:
        model = models.register(registry, model_file, "m", tags={"number": number})
        assert models.get(registry, "m", model.version).tags == {"number": str(number)}
        return model.version

    with ThreadPoolExecutor(24) as threads:
        versions = list(threads.map(register_and_read, range(72)))
    assert sorted(versions) == list(range(1, 73))


REGISTER = """
import sys
from moorage import models
from moorage.workspace import Workspace
with Workspace.open("test") as workspace:
    print("ready", flush=True)
    model = models.register(workspace, sys.argv[1], "m", on_progress=lambda *_: print("step", flush=True))
    print(model.id, flush=True)
"""


@pytest.mark.parametrize("steps", [0, 1, 3, 8, 12])
def test_a_registration_that_is_killed_leaves_no_half_version(
    workspace: Workspace, tmp_path: Path, steps: int
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "large.bin").write_bytes(os.urandom(1 << 20) * 24)
    for number in range(6):
        (folder / f"{number}.bin").write_bytes(os.urandom(1000))
    assert models.list_models(workspace) == []  # the database is there

    child = subprocess.Popen(
        [sys.executable, "-u", "-c", REGISTER, folder], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    for _ in range(steps + 1):
        assert child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.stdout.close()
    child.wait(30)

    for model in models.list_models(workspace):  # all or nothing: a version that is there is complete
        for file in model.files:
            workspace.blobs.verify(file.sha256)
    for blob in workspace.blobs.list():
        workspace.blobs.verify(blob.sha256)
    before = len(models.list_models(workspace))

    subprocess.run([sys.executable, "-c", REGISTER, folder], check=True, stdout=subprocess.DEVNULL)
    model = models.get(workspace, "m")
    assert (model.version, len(model.files)) == (before + 1, 7)
    for file in model.files:
        workspace.blobs.verify(file.sha256)

    # What is left over is only waste: an hour later it is gone.
    long_ago = time.time() - 3600
    for left in (workspace.path / "blobs" / "incoming").iterdir():
        os.utime(left, (long_ago, long_ago))
    models.remove_unused_blobs(workspace, grace_s=-1)
    stored = [path for path in (workspace.path / "blobs").rglob("*") if path.is_file()]
    assert len(stored) == len({file.sha256 for file in model.files})


def test_a_model_is_deleted_or_deployed_but_never_both(workspace: Workspace, model_file: Path) -> None:
    from sqlalchemy.exc import IntegrityError

    from moorage.storage.tables import service_models

    model = models.register(workspace, model_file, "m")
    row = {"service_name": "svc", "model_name": "m", "model_version": 1}
    with workspace.database.write() as connection:
        connection.execute(service_models.insert().values(row))
    with pytest.raises(ModelInUse):
        models.delete(workspace, model)
    with workspace.database.write() as connection:
        connection.execute(service_models.delete())
    models.delete(workspace, model)
    with pytest.raises(IntegrityError), workspace.database.write() as connection:
        connection.execute(service_models.insert().values(row))
    with pytest.raises(ModelNotFound):
        models.get(workspace, "m")
