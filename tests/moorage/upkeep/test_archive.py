"""A backup is one file from which everything comes back."""

import io
import json
import tarfile

import pytest

from moorage import environments, events, models, services, upkeep
from moorage.deployments import InferenceConfig
from moorage.errors import BlobCorrupt, WorkspaceExists, WorkspaceUnusable
from moorage.workspace import Workspace

SCRIPT = """
import os
def init():
    global answer
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "part1")) as file:
        answer = file.read()[:1]
def run(data):
    return answer
"""


def test_everything_comes_back(filled, tmp_path, database_url):
    upkeep.backup(filled, tmp_path / "all.tar")
    assert (tmp_path / "all.tar").stat().st_mode & 0o77 == 0
    with upkeep.restore(tmp_path / "all.tar", "again", database_url=database_url) as again:
        assert models.list_models(again) == models.list_models(filled)
        assert environments.list_environments(again) == environments.list_environments(filled)
        assert events.list_events(again)[0].kind == "workspace.restored"
        assert upkeep.check(again) == []
        assert models.register(again, tmp_path / "model", "m").version == 4
        models.download(again, models.get(again, "m", 1), tmp_path / "down")
    assert (tmp_path / "down" / "model" / "part3").read_bytes() == b"3" * 3000


def test_services_start_from_a_backup(filled, home, tmp_path):
    script = tmp_path / "score.py"
    script.write_text(SCRIPT)
    services.deploy(filled, "svc", ["m:2"], InferenceConfig(entry_script=script))
    try:
        upkeep.backup(filled, tmp_path / "all.tar")
        script.unlink()
        with upkeep.restore(tmp_path / "all.tar", "again") as again:
            try:
                services.delete(filled, "svc")
                assert [o.problem for o in services.up(home, workspace_name="again")] == [None]
                assert services.get(again, "svc").state == "Healthy"
                assert services.run(again, "svc", "1").json() == "1"
                assert services.update(again, "svc").revision == 2
            finally:
                services.delete(again, "svc")
    finally:
        if services.list_services(filled):
            services.delete(filled, "svc")


def test_a_backup_replaces_nothing(filled, tmp_path):
    upkeep.backup(filled, tmp_path / "all.tar")
    with pytest.raises(WorkspaceUnusable, match="exists already"):
        upkeep.backup(filled, tmp_path / "all.tar")
    with pytest.raises(WorkspaceExists):
        upkeep.restore(tmp_path / "all.tar", "test")
    with pytest.raises(WorkspaceUnusable, match="cannot be written"):
        upkeep.backup(filled, tmp_path / "nowhere" / "all.tar")


def _changed(source, target, change):
    """Copy a tar file; ``change`` gets name and content of each member and returns them, or None."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old:
            result = change(member.name, old.extractfile(member).read())
            if result is not None:
                info = tarfile.TarInfo(result[0])
                info.size = len(result[1])
                new.addfile(info, io.BytesIO(result[1]))


def test_damaged_and_hostile_files_are_refused_and_leave_nothing(filled, tmp_path):
    good, bad = tmp_path / "all.tar", tmp_path / "bad.tar"
    upkeep.backup(filled, good)
    is_blob = lambda name: name.startswith("blobs/")  # noqa: E731
    changes = [
        (lambda n, c: (n, b"x" + c[1:] if is_blob(n) and c else c), BlobCorrupt),
        (lambda n, c: None if is_blob(n) else (n, c), BlobCorrupt),
        (lambda n, c: None if n == "rows/models.jsonl" else (n, c), Exception),
        (lambda n, c: (n, c) if n != "rows/events.jsonl" else (n, b""), WorkspaceUnusable),
        (
            lambda n, c: ("services/svc/revisions/../../../../evil", c) if is_blob(n) else (n, c),
            WorkspaceUnusable,
        ),
        (lambda n, c: ("/etc/evil", c) if is_blob(n) else (n, c), WorkspaceUnusable),
        (
            lambda n, c: (n, json.dumps({"format": 99}).encode()) if n.endswith("backup.json") else (n, c),
            WorkspaceUnusable,
        ),
    ]
    for change, error in changes:
        _changed(good, bad, change)
        with pytest.raises(error):
            upkeep.restore(bad, "again")
        assert [workspace.name for workspace in Workspace.list_all()] == ["test"]
    bad.write_bytes(good.read_bytes()[:5000])
    with pytest.raises(WorkspaceUnusable):
        upkeep.restore(bad, "again")
    bad.write_bytes(b"no tar at all")
    with pytest.raises(WorkspaceUnusable, match="is not a backup"):
        upkeep.restore(bad, "again")
    assert not (tmp_path / "evil").exists()


def test_a_check_names_what_is_wrong(filled):
    sha256 = models.get(filled, "m", 2).files[0].sha256
    blob = filled.path / "blobs" / "sha256" / sha256[:2] / sha256
    content = blob.read_bytes()
    blob.write_bytes(b"x" + content[1:])
    assert [(f.severity, f.where) for f in upkeep.check(filled)] == [("error", f"sha256:{sha256}")]
    assert upkeep.check(filled, reads_contents=False) == []
    blob.unlink()
    assert len(upkeep.check(filled, reads_contents=False)) == 1
    blob.write_bytes(content)
    other = filled.path / "unused"
    other.write_text("nobody needs this")
    filled.blobs.put_file(other)
    findings = upkeep.check(filled)
    assert [finding.severity for finding in findings] == ["warning"]
    assert upkeep.remove_unused_blobs(filled, grace_s=0) == 17
    assert upkeep.check(filled) == []
