"""Whatever changes a workspace is in the audit log, and a new way to change it has to be."""

import ast
from pathlib import Path

import pytest

import moorage
from moorage import datasets, events, models, services, upkeep
from moorage.datasets import Dataset, LocalFile, datastore, links
from moorage.deployments import LocalConfig
from moorage.errors import DatasetNotFound
from moorage.services import keys, signing
from moorage.workspace import Workspace

SOURCES = Path(moorage.__file__).parent
# Functions that write without an event, and why.
SILENT = {
    "services/rows.py::forget_revisions": "the files of old revisions are removed by an update, which is one",
    "datasets/contents.py::keep": "calls back, in the same transaction, for what is recorded there",
    "models/unused.py::remove_if_unused": "one event for all of a collection",
    "vault.py::_change": "calls back, in the same transaction, for what is recorded there",
    "vault.py::remove": "the keys of a service that is deleted, which is an event",
}


def kinds(workspace: Workspace) -> list[str]:
    return [event.kind for event in events.list_events(workspace)]


def writers() -> list[tuple[str, bool]]:
    """Return every function that opens a transaction for writing, and whether it records an event."""
    found = []
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef):
                continue
            text = ast.unparse(node)
            if "database.write()" in text:
                calls = {
                    ast.unparse(n.func).rpartition(".")[2] for n in ast.walk(node) if isinstance(n, ast.Call)
                }
                found.append((f"{path.relative_to(SOURCES).as_posix()}::{node.name}", "record" in calls))
    return found


def test_every_function_that_writes_records_what_it_did_or_says_why_not() -> None:
    found = writers()
    assert len(found) >= 15
    assert [name for name, records in found if not records and name not in SILENT] == []
    assert set(SILENT) <= {name for name, records in found if not records}


@pytest.fixture
def dataset(workspace: Workspace, tmp_path: Path) -> Dataset:
    path = tmp_path / "a.csv"
    path.write_text("x\n1\n")
    return datasets.register(workspace, Dataset((LocalFile("a.csv", path),)), "numbers")


def test_data_sets(workspace: Workspace, dataset: Dataset, tmp_path: Path) -> None:
    datasets.register(workspace, Dataset((LocalFile("a.csv", tmp_path / "a.csv"),)), "numbers")  # the same
    datasets.change(workspace, dataset, description="numbers")
    datasets.change(workspace, dataset)
    model = models.register(workspace, tmp_path / "a.csv", "m")
    links.link(workspace, model, [("training", str(dataset.id))])
    models.delete(workspace, model)
    assert datasets.unregister(workspace, "numbers") == 1
    assert datasets.unregister(workspace, "numbers") == 0
    found = events.list_events(workspace)
    assert [(event.kind, event.subject) for event in reversed(found)] == [
        ("dataset.registered", "dataset numbers:1"),
        ("dataset.changed", "dataset numbers:1"),
        ("model.registered", "model m:1"),
        ("model.linked", "model m:1"),
        ("model.deleted", "model m:1"),
        ("dataset.unregistered", "dataset numbers"),
    ]
    with pytest.raises(DatasetNotFound):
        links.link(workspace, model, [("training", "nothing")])
    assert len(events.list_events(workspace)) == len(found)


def test_files_of_a_data_store(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    datastore.upload(workspace, datastore.DEFAULT_DATASTORE, [LocalFile("a", tmp_path / "a")])
    datastore.upload(workspace, datastore.DEFAULT_DATASTORE, [LocalFile("a", tmp_path / "a")])  # is there
    (event,) = events.list_events(workspace)
    assert (event.kind, event.subject) == ("datastore.uploaded", f"datastore {datastore.DEFAULT_DATASTORE}")
    assert event.details == {"files": 1, "size_bytes": 1}


def test_what_is_done_to_the_whole_workspace(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("weights")
    workspace.blobs.put_file(tmp_path / "model.txt")
    upkeep.remove_unused_blobs(workspace)  # too young: nothing happens
    assert upkeep.remove_unused_blobs(workspace, grace_s=0) == 7
    upkeep.backup(workspace, tmp_path / "backup.tar")
    upkeep.migrate(workspace, blobs_url=(tmp_path / "store").as_uri())
    upkeep.migrate(workspace, database_url=f"sqlite:///{tmp_path / 'other.db'}")
    found = events.list_events(workspace)
    assert [event.kind for event in found][:4] == [
        "workspace.migrated",
        "workspace.migrated",
        "workspace.backed-up",
        "workspace.collected",
    ]
    assert found[3].details == {"contents": 1, "freed_bytes": 7}
    assert found[2].details["to"] == str(tmp_path / "backup.tar")
    with upkeep.restore(tmp_path / "backup.tar", "again", home=tmp_path / "home2") as restored:
        assert kinds(restored)[0] == "workspace.restored"


def test_keys_and_tokens_but_never_what_they_are(workspace: Workspace) -> None:
    keys.keep_keys(workspace, "svc", "given-key-1234567890", None)
    keys.keep_keys(workspace, "svc", "given-key-1234567890", None)  # the same
    keys.keep_keys(workspace, "svc", None, "other-key-1234567890")
    keys.replace_key(workspace, "svc", "primary", "third-key-1234567890")
    signing.rotate(workspace, lambda: None, revoke=False)
    assert kinds(workspace) == [
        "workspace.signing-key-replaced",
        "service.key-replaced",
        "service.keys-set",
        "service.keys-set",
    ]
    assert [event.details.get("keys") for event in events.list_events(workspace)][2:] == [
        ["secondary"],
        ["primary", "secondary"],
    ]
    assert "1234567890" not in repr(events.list_events(workspace))


def test_a_token_that_was_given_out(workspace: Workspace, tmp_path: Path) -> None:
    from moorage.deployments import InferenceConfig

    (tmp_path / "score.py").write_text("def init(): pass\ndef run(data): return 1\n")
    (tmp_path / "model.txt").write_text("weights")
    models.register(workspace, tmp_path / "model.txt", "m")
    config = InferenceConfig(entry_script=tmp_path / "score.py")
    services.deploy(workspace, "svc", ["m:1"], config, LocalConfig(token_auth_enabled=True))
    try:
        with events.acting_as("ada", "10.0.0.7"):
            token = services.get_token(workspace, "svc").token
    finally:
        services.delete(workspace, "svc")
    found = {event.kind: event for event in events.list_events(workspace)}
    issued = found["service.token-issued"]
    assert (issued.subject, issued.actor, issued.origin) == ("service svc", "ada", "10.0.0.7")
    assert token not in repr(found)
