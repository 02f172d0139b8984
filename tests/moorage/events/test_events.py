"""The audit log: every change is in it, and nothing can be taken out."""

from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from moorage import environments, events, models
from moorage.cli.events import parse_since
from moorage.environments import Environment
from moorage.errors import InvalidArgument, ModelNotFound, OperationInProgress, PropertyExists, StorageFull
from moorage.services.locks import operation
from moorage.workspace import Workspace


@pytest.fixture
def registered(workspace, tmp_path):
    path = tmp_path / "model.txt"
    path.write_text("weights")
    return models.register(workspace, path, "m", properties={"a": "1"})


def test_every_change_of_a_model_is_an_event(workspace, registered):
    models.update(workspace, registered, add_tags={"stage": "test"}, description="better")
    models.update(workspace, registered)  # changes nothing
    with pytest.raises(PropertyExists):
        models.update(workspace, registered, add_properties={"a": "2"})
    models.delete(workspace, registered)
    found = events.list_events(workspace)
    assert [event.kind for event in found] == [
        "model.deleted",
        "model.changed",
        "model.registered",
        "workspace.created",
    ]
    assert {event.subject for event in found[:3]} == {"model m:1"}
    assert found[1].details == {"changed": ["description", "tags"]}
    assert found[2].details == {"size_bytes": 7}
    assert all(event.actor and event.origin for event in found)
    assert abs(datetime.now(timezone.utc) - found[0].at) < timedelta(minutes=5)


def test_somebody_else_can_be_named(workspace, registered):
    environments.register(workspace, Environment("e"))
    with events.acting_as("ada", "10.0.0.7"):
        models.delete(workspace, registered)
    event = events.list_events(workspace)[0]
    assert (event.actor, event.origin) == ("ada", "10.0.0.7")
    assert [event.kind for event in events.list_events(workspace, actor="ada")] == ["model.deleted"]
    assert events.list_events(workspace, subject="environment")[0].subject.startswith("environment e:")


def test_making_a_workspace_is_its_first_event(home):
    with events.acting_as("ada", "10.0.0.7"):
        made = Workspace.create("w")
    Workspace.create("w", exist_ok=True)  # is there
    with Workspace.open_or_create_default() as found:
        assert found.name == "w"
    (event,) = events.list_events(made)
    assert (event.kind, event.subject, event.actor) == ("workspace.created", "workspace", "ada")
    assert event.details == {"name": "w"}


def test_the_default_workspace_and_one_with_a_database_elsewhere_say_so_too(home, tmp_path):
    (event,) = events.list_events(Workspace.open_or_create_default())
    assert event.details == {"name": "default"}
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    with Workspace.create("here", database_url=url) as here, Workspace.create("there", database_url=url):
        assert [event.details["name"] for event in events.list_events(here)] == ["there", "here"]
    assert not (here.path / "registry.db").exists()


def test_no_workspace_is_made_without_its_first_event(home, monkeypatch):
    def full(*_: object, **_details: object) -> None:
        raise StorageFull("no space")

    monkeypatch.setattr("moorage.storage.audit.record", full)
    with pytest.raises(StorageFull):
        Workspace.create("w")
    assert list((home / "workspaces").iterdir()) == []


def test_an_event_goes_with_the_change_or_not_at_all(workspace):
    with pytest.raises(ModelNotFound):
        models.delete(workspace, "nothing:1")
    assert events.list_events(workspace, subject="model") == []


def test_filters(workspace, tmp_path):
    path = tmp_path / "model.txt"
    path.write_text("weights")
    for name in ("m", "m", "mm"):
        models.register(workspace, path, name)
    assert len(events.list_events(workspace, subject="model")) == 3
    assert [event.subject for event in events.list_events(workspace, subject="model m:2")] == ["model m:2"]
    assert len(events.list_events(workspace, kind="model")) == 3
    assert events.list_events(workspace, kind="mod") == []
    assert events.list_events(workspace, since=datetime.now(timezone.utc) + timedelta(hours=1)) == []
    first = events.list_events(workspace, limit=2)
    rest = events.list_events(workspace, kind="model", before_id=first[-1].id)
    assert [event.subject for event in (*first, *rest)] == ["model mm:1", "model m:2", "model m:1"]
    with pytest.raises(InvalidArgument):
        events.list_events(workspace, limit=-1)


@pytest.mark.parametrize("statement", ["UPDATE events SET actor = 'nobody'", "DELETE FROM events"])
def test_the_log_is_only_ever_added_to(workspace, registered, statement):
    with pytest.raises(DBAPIError, match="only ever added to"), workspace.database.write() as connection:
        connection.execute(text(statement))
    assert len(events.list_events(workspace)) == 2


def test_the_log_is_only_ever_added_to_in_postgres(home, postgres_url, tmp_path):
    path = tmp_path / "model.txt"
    path.write_text("weights")
    with Workspace.create("team", database_url=postgres_url) as team:
        models.register(team, path, "m")
        for statement in ("UPDATE events SET actor = 'x'", "DELETE FROM events", "TRUNCATE events"):
            with pytest.raises(DBAPIError, match="only ever added to"), team.database.write() as connection:
                connection.execute(text(statement))
        assert len(events.list_events(team)) == 2


def test_one_operation_at_a_time_on_a_shared_database(home, postgres_url):
    with (
        Workspace.create("here", database_url=postgres_url) as here,
        Workspace.create("there", database_url=postgres_url) as there,
    ):
        with operation(here, "svc"):
            with pytest.raises(OperationInProgress, match="another machine"), operation(there, "svc"):
                pass
            with operation(there, "other"):
                pass
        with operation(there, "svc"):
            pass


def test_since_is_a_time_or_a_span():
    now = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
    assert parse_since("2h", now) == now - timedelta(hours=2)
    assert parse_since("7d", now) == now - timedelta(days=7)
    assert parse_since("2026-06-30T10:00:00+02:00", now) == datetime(2026, 6, 30, 8, tzinfo=timezone.utc)
    for wrong in ("yesterday", "2x", "", "-1d"):
        with pytest.raises(InvalidArgument):
            parse_since(wrong, now)
