"""What may change does, what may not does not; a model in use stays."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from moorage import models
from moorage.errors import InvalidArgument, ModelInUse, ModelNotFound, PropertyExists
from moorage.models import Model, ResourceConfiguration
from moorage.workspace import Workspace


@pytest.fixture
def model(registry: Workspace, model_file: Path) -> Model:
    return models.register(registry, model_file, "m", tags={"a": "1", "b": "2"}, properties={"p": "1"})


def test_tags_are_added_replaced_and_removed(registry: Workspace, model: Model) -> None:
    changed = models.update(registry, model, add_tags={"b": "3", "c": "4"}, remove_tags=["a", "nothing"])
    assert changed.tags == {"b": "3", "c": "4"}
    assert models.update(registry, model, tags={"only": 1}).tags == {"only": "1"}
    assert models.update(registry, model, tags={}).tags == {}
    assert models.get_by_id(registry, model.id).tags == {}


def test_none_changes_nothing(registry: Workspace, model: Model) -> None:
    assert models.update(registry, model.id) == model


def test_description_and_resources_are_replaced(registry: Workspace, model: Model) -> None:
    resources = ResourceConfiguration(cpu_cores=2.0)
    changed = models.update(registry, model, description="new", resources=resources)
    assert (changed.description, changed.resources, changed.tags) == ("new", resources, model.tags)
    assert models.get(registry, "m") == changed


def test_properties_are_set_once(registry: Workspace, model: Model) -> None:
    assert models.update(registry, model, add_properties={"q": 2}).properties == {"p": "1", "q": "2"}
    with pytest.raises(PropertyExists, match=r"m:1 has the property 'q' already \('2'\)"):
        models.update(registry, model, add_properties={"r": 1, "q": 3}, description="not this either")
    after = models.get(registry, "m")
    assert (after.properties, after.description) == ({"p": "1", "q": "2"}, None)


def test_a_wrong_tag_changes_nothing(registry: Workspace, model: Model) -> None:
    with pytest.raises(InvalidArgument):
        models.update(registry, model, description="new", add_tags={"": "x"})
    assert models.get(registry, "m") == model


def test_only_the_named_version_changes(registry: Workspace, model: Model, model_file: Path) -> None:
    second = models.register(registry, model_file, "m")
    models.update(registry, model, description="first")
    assert models.get(registry, "m", 2) == second


def test_a_deleted_version_is_gone_with_its_files(registry: Workspace, model: Model) -> None:
    models.delete(registry, model)
    assert models.list_models(registry) == []
    assert list(registry.blobs.list()) == []
    for act in (models.delete, models.update):
        with pytest.raises(ModelNotFound, match="m:1 is not registered"):
            act(registry, model)


def test_deleting_keeps_the_files_that_others_have(
    registry: Workspace, model: Model, model_file: Path
) -> None:
    other = models.register(registry, model_file, "other")
    models.delete(registry, "m:1")
    registry.blobs.verify(other.files[0].sha256)
    models.delete(registry, "other:1")
    assert list(registry.blobs.list()) == []


def test_a_model_in_use_is_not_deleted(registry: Workspace, model: Model, model_file: Path) -> None:
    unused = models.register(registry, model_file, "m")
    with registry.database.write() as connection:
        for service in ("svc-b", "svc-a"):
            connection.execute(
                text("INSERT INTO service_models VALUES (:service, 'm', 1)"), {"service": service}
            )
    with pytest.raises(
        ModelInUse, match=r"model m:1 is used by services svc-a, svc-b; delete the service or"
    ):
        models.delete(registry, model)
    assert models.get(registry, "m", 1) == model
    models.delete(registry, unused)


def test_killed_registrations_are_cleaned_up_and_nothing_else(
    registry: Workspace, model: Model, make_folder: Callable[[str, dict[str, bytes]], Path]
) -> None:
    left = make_folder("left", {"a": b"orphan", "b": b"another"})
    for path in left.iterdir():
        registry.blobs.put_file(path)
    assert models.remove_unused_blobs(registry) == 0  # too young: may belong to a running registration
    assert models.remove_unused_blobs(registry, grace_s=-1) == len(b"orphan") + len(b"another")
    assert [blob.sha256 for blob in registry.blobs.list()] == [model.files[0].sha256]
    assert models.remove_unused_blobs(registry, grace_s=-1) == 0
