"""No process loads a model file that was changed after it was deployed, whoever starts the process."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from moorage import services
from moorage.deployments import LocalConfig
from moorage.targets import open_target
from moorage.targets.contract import Place
from moorage_server.model_files import REMEMBERED, ModelFileChanged, ModelFiles

PIDS = """
import os
def init():
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.txt")) as file:
        file.read()
def run(data):
    return os.getpid()
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kills processes by what /proc says of them")
SAYS = "model.txt of model m:1 was changed after it was deployed"


def live(workspace):
    return json.loads((workspace.path / "services" / "svc" / "status.json").read_text())["generations"][-1]


def corrupt(file):
    """Change one byte; size and time of writing stay."""
    times = file.stat()
    file.chmod(0o600)
    file.write_bytes(b"X" + file.read_bytes()[1:])
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("preload", [False, True])
def test_a_scorer_does_not_come_back_with_another_model_and_the_others_serve_on(
    workspace, model, script, wait_for, preload
):
    config = LocalConfig(worker_count=2, preload=preload)
    services.deploy(workspace, "svc", [model("one")], script(PIDS), config)
    (file,) = (workspace.path / "services" / "svc" / "revisions" / "1").rglob("model.txt")
    before = file.read_bytes()
    corrupt(file)
    victim = services.run(workspace, "svc", "1").json()
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: SAYS in services.get_logs(workspace, "svc"))
    answers = {services.run(workspace, "svc", "1").json() for _ in range(20)}
    assert len(answers) == 1
    assert victim not in answers
    assert services.get(workspace, "svc").state == "Healthy"
    file.write_bytes(before)
    wait_for(lambda: "ready" in services.get_logs(workspace, "svc").rpartition("again")[2], timeout_s=60)
    assert services.run(workspace, "svc", "1").status == 200


def test_a_front_does_not_come_back_with_another_model_and_says_why(workspace, model, script, wait_for):
    services.deploy(workspace, "svc", [model("one")], script(PIDS))
    (file,) = (workspace.path / "services" / "svc" / "revisions" / "1").rglob("model.txt")
    before = file.read_bytes()
    corrupt(file)
    os.kill(live(workspace)["pid"], signal.SIGKILL)
    wait_for(lambda: SAYS in ((live(workspace)["error"] or {}).get("message") or ""))
    assert live(workspace)["error"]["stage"] == "model"
    file.write_bytes(before)
    wait_for(lambda: services.get(workspace, "svc").state == "Healthy", timeout_s=60)
    # As after a restart of the machine, by `moor up`, which only wakes a supervisor.
    place = Place(workspace.path, workspace.name, "svc")
    open_target("local").rest(place)
    corrupt(file)
    open_target("local").wake(place)
    wait_for(lambda: SAYS in ((live(workspace)["error"] or {}).get("message") or ""))
    file.write_bytes(before)
    assert services.start(workspace, "svc").state == "Healthy"


@pytest.fixture
def files(tmp_path):
    path = tmp_path / "app" / "azureml-models" / "m" / "1" / "a.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    (tmp_path / "revision.json").write_text(json.dumps({"models": {"m:1": {"a.bin": digest}}}))
    return ModelFiles(tmp_path / "revision.json", tmp_path / "app"), path


def test_only_what_may_have_changed_is_read_again(files, tmp_path, monkeypatch):
    checked, path = files
    read = []
    original = os.readv
    monkeypatch.setattr(os, "readv", lambda *arguments: (read.append(1), original(*arguments))[1])
    checked.check()
    count = len(read)
    assert count > 0
    checked.check()
    assert len(read) == count
    path.touch()
    checked.check()
    assert len(read) > count
    count = len(read)
    checked.check(is_thorough=True)
    assert len(read) > count
    # What is remembered is not believed of another file, and is not needed.
    (tmp_path / REMEMBERED).write_text("{]")
    checked.check()
    checked.remember()
    assert set(json.loads((tmp_path / REMEMBERED).read_text())) == {"m:1/a.bin"}


@pytest.mark.parametrize("damage", ["other", "longer", "gone", "link", "folder", "list"])
def test_every_damage_is_named(files, tmp_path, damage):
    checked, path = files
    checked.check()
    if damage == "other":
        corrupt(path)
    elif damage == "longer":
        path.write_bytes(b"abcd")
    elif damage == "list":
        (tmp_path / "revision.json").unlink()
    else:
        path.unlink()
        if damage == "link":
            (tmp_path / "same").write_bytes(b"abc")
            path.symlink_to(tmp_path / "same")
        elif damage == "folder":
            path.mkdir()
    named = "revision.json" if damage == "list" else "a.bin of model m:1"
    with pytest.raises(ModelFileChanged, match=named):
        checked.check()


def test_a_service_without_models_needs_no_check(tmp_path):
    (tmp_path / "revision.json").write_text('{"models": {}}')
    ModelFiles(tmp_path / "revision.json", tmp_path).check()
    ModelFiles(tmp_path / "revision.json", tmp_path).remember()
    assert [path.name for path in Path(tmp_path).iterdir()] == ["revision.json"]
