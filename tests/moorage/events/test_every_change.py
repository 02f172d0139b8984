"""Whatever changes a workspace is in the audit log, and a new way to change it has to be."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import moorage
from moorage import datasets, events, models, runs, services, upkeep
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
    "vault.py::remove": "the keys of a service that is deleted, which is an event",
}


# What changes a row, or a run that MLflow keeps; and what writes an event.
WRITES = re.compile(
    r"database\.write\(\)|\.client\.(create|set|delete|log|update|restore|rename)_|Vault\([^)]*\)\.change\("
)
RECORDS = {"record", "note", "note_run", "note_logged", "_note_experiment", "_noted", "_note_creation"}

# Every public function that takes a workspace (or what was opened of one), and the events it may record.
CHANGES = {
    "Workspace.create": ["workspace.created"],
    "Workspace.open_or_create_default": ["workspace.created"],
    "Workspace.update": ["workspace.migrated"],
    "Workspace.note": [],  # whatever it is told
    "models.register": ["model.registered"],
    "models.update": ["model.changed"],
    "models.delete": ["model.deleted"],
    "models.remove_unused_blobs": ["workspace.collected"],
    "environments.register": ["environment.registered"],
    "datasets.register": ["dataset.registered", "dataset.changed"],
    "datasets.change": ["dataset.changed"],
    "datasets.unregister": ["dataset.unregistered"],
    "datasets.datastore.upload": ["datastore.uploaded"],
    "datasets.links.link": ["model.linked"],
    "packaging.package": ["package.made", "package.pushed"],
    "packaging.remove_older": ["package.removed"],
    "profiling.profile": ["profile.kept"],
    "runs.Tracking.experiment": ["experiment.created"],
    "runs.Tracking.set_experiment_tags": ["experiment.changed"],
    "runs.Tracking.delete_experiment": ["experiment.deleted"],
    "runs.Tracking.start": ["run.started"],
    "runs.Tracking.finish": ["run.ended", "run.changed"],
    "runs.Tracking.change": ["run.changed"],
    "runs.Tracking.note_run": [],  # whatever it is told
    "runs.Tracking.note_logged": ["run.logged"],
    "runs.upload_file": ["run.file-kept"],
    "runs.log_metric": ["run.logged"],
    "runs.log_value": ["run.logged"],
    "services.deploy": ["service.deployed", "service.live", "service.failed", "service.keys-set"],
    "services.update": ["service.updated", "service.changed", "service.canary", "service.mirror"],
    "services.reload": ["service.updated"],
    "services.promote": ["service.promoted"],
    "services.rollback": ["service.rolled-back"],
    "services.start": ["service.live", "service.fell-back"],
    "services.stop": ["service.stopped"],
    "services.up": ["service.brought-back"],
    "services.down": ["service.taken-down"],
    "services.delete": ["service.deleted"],
    "services.get_keys": ["service.keys-set"],
    "services.regen_key": ["service.key-replaced"],
    "services.get_token": ["service.token-issued", "workspace.signing-key-made"],
    "services.rotate_signing_key": ["workspace.signing-key-announced", "workspace.signing-key-replaced"],
    "upkeep.backup": ["workspace.backed-up"],
    "upkeep.restore": ["workspace.restored"],
    "upkeep.migrate": ["workspace.migrated"],
    "upkeep.remove_unused_blobs": ["workspace.collected"],
}
LOOKS = {
    *(f"Workspace.{name}" for name in ("open", "list_all", "close")),
    *(f"models.{name}" for name in ("get", "get_by_id", "list_models", "download", "scan_model")),
    *(f"environments.{name}" for name in ("get", "list_environments")),
    *(f"datasets.{name}" for name in ("get", "get_by_id", "list_datasets", "save")),
    *(f"datasets.datastore.{name}" for name in ("find", "download")),
    *(f"datasets.links.{name}" for name in ("links_of", "models_with")),
    *(f"packaging.{name}" for name in ("find",)),
    *(f"profiling.{name}" for name in ("get", "list_profiles", "requests_of")),
    *(f"runs.Tracking.{name}" for name in ("experiment_of", "experiments", "run", "runs")),
    *(f"runs.{name}" for name in ("open_tracking", "newest", "run_of", "list_files", "download_files")),
    *(f"runs.{name}" for name in ("read_logs", "save_logs", "read_metrics")),
    *(f"services.{name}" for name in ("get", "get_logs", "list_services", "make_plan", "run", "revisions")),
    *(f"services.{name}" for name in ("mirror_findings", "models_in_use")),
    "upkeep.check",
}


def kinds(workspace: Workspace) -> list[str]:
    return [event.kind for event in events.list_events(workspace)]


def writers() -> list[tuple[str, bool]]:
    """Return every function that changes rows or runs, and whether it records an event."""
    found = []
    texts = {path: path.read_text() for path in sorted(SOURCES.rglob("*.py"))}
    for path, text in texts.items():
        for node in ast.walk(ast.parse(text if WRITES.search(text) else "")):
            if isinstance(node, ast.FunctionDef) and WRITES.search(ast.unparse(node)):
                calls = {
                    ast.unparse(n.func).rpartition(".")[2] for n in ast.walk(node) if isinstance(n, ast.Call)
                }
                name = f"{path.relative_to(SOURCES).as_posix()}::{node.name}"
                found.append((name, bool(calls & RECORDS)))
    return found


def public_functions() -> Iterator[str]:
    """Give the name of every public function and method whose first argument is a workspace or tracking."""
    for folder in (
        "models",
        "environments",
        "datasets",
        "packaging",
        "profiling",
        "runs",
        "services",
        "upkeep",
    ):
        package = importlib.import_module(f"moorage.{folder}")
        for name in package.__all__:
            if inspect.isfunction(getattr(package, name)):
                yield from _of_a_workspace(f"{folder}.{name}", getattr(package, name))
    for module in (datastore, links):
        for name, one in vars(module).items():
            if inspect.isfunction(one) and one.__module__ == module.__name__ and name[0] != "_":
                yield from _of_a_workspace(f"datasets.{module.__name__.rpartition('.')[2]}.{name}", one)
    for prefix, kind in (("Workspace", Workspace), ("runs.Tracking", runs.Tracking)):
        for name, one in vars(kind).items():
            if name[0] != "_" and (inspect.isfunction(one) or isinstance(one, classmethod)):
                yield f"{prefix}.{name}"


def _of_a_workspace(name: str, function: object) -> Iterator[str]:
    parameters = list(inspect.signature(function).parameters)  # type: ignore[arg-type]
    # Of all workspaces, or of one that is made.
    if parameters[:1] in (["workspace"], ["tracking"]) or name in CHANGES:
        yield name


def test_every_public_function_is_known_as_one_that_changes_or_one_that_looks() -> None:
    found = set(public_functions())
    assert found - CHANGES.keys() - LOOKS == set()
    assert (CHANGES.keys() | LOOKS) - found == set()
    assert not CHANGES.keys() & LOOKS


def test_the_page_has_every_kind_of_event() -> None:
    page = (SOURCES.parents[3] / "docs" / "share-a-workspace.md").read_text()
    table = set(re.findall(r"`([a-z]+\.[a-z-]+)`", page[page.index("## Who changed what") :]))
    assert table == {kind for found in CHANGES.values() for kind in found}
    written = set()
    for path in SOURCES.rglob("*.py"):
        for literal in re.findall(r'(?:record|note)\(\s*(?:\w+, )?"([a-z]+\.[a-z-]+)"', path.read_text()):
            written.add(literal)
    assert len(written) >= 20
    assert written <= table


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
        ("workspace.created", "workspace"),
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
    (event, _created) = events.list_events(workspace)
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
    assert [event.kind for event in found] == [
        "workspace.migrated",
        "workspace.migrated",
        "workspace.backed-up",
        "workspace.collected",
        "workspace.created",
    ]
    assert found[3].details == {"contents": 1, "freed_bytes": 7}
    assert found[2].details["to"] == str(tmp_path / "backup.tar")
    with upkeep.restore(tmp_path / "backup.tar", "again", home=tmp_path / "home2") as restored:
        assert kinds(restored)[0] == "workspace.restored"
        assert kinds(restored).count("workspace.created") == 1  # that of the backup


def test_keys_and_tokens_but_never_what_they_are(workspace: Workspace) -> None:
    keys.keep_keys(workspace, "svc", "given-key-1234567890", None)
    keys.keep_keys(workspace, "svc", "given-key-1234567890", None)  # the same
    keys.keep_keys(workspace, "svc", None, "other-key-1234567890")
    keys.replace_key(workspace, "svc", "primary", "third-key-1234567890")
    signing.rotate(workspace, lambda: None, revoke=False)
    assert kinds(workspace) == [
        "workspace.signing-key-replaced",
        "workspace.signing-key-announced",
        "service.key-replaced",
        "service.keys-set",
        "service.keys-set",
        "workspace.created",
    ]
    assert [
        event.details.get("keys") for event in events.list_events(workspace, kind="service.keys-set")
    ] == [
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
