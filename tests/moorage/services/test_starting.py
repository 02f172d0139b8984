"""Stopping, starting, and bringing everything back after the machine was started again."""

import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from moorage import events, services
from moorage.errors import InvalidArgument
from moorage.services import autostart
from moorage.services.locks import operation
from moorage_server.supervision import lock, orphans

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc to look for processes")


def _lose_everything(folder):
    """Let all processes of a service vanish, as when the machine loses its power."""
    deadline = time.monotonic() + 30
    lock.signal_supervisor(folder, signal.SIGSTOP)
    lock.kill_keeper(folder)
    lock.signal_supervisor(folder, signal.SIGKILL)
    while lock.supervisor_pid(folder) is not None or lock.keeper_pid(folder) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    orphans.kill_marked(orphans.mark(folder))


def _texts(outcomes):
    return {outcome.service: (outcome.text, outcome.problem) for outcome in outcomes}


def test_everything_comes_back_as_it_was(workspace, home, model, script):
    first = services.deploy(workspace, "first", [model("one")], script())
    services.deploy(workspace, "second", ["m:1"], script())
    services.deploy(workspace, "third", ["m:1"], script())
    services.stop(workspace, "third")
    for name in ("first", "second"):
        _lose_everything(workspace.path / "services" / name)
    states = {service.name: service.state for service in services.list_services(workspace)}
    assert states == {"first": "Stopped", "second": "Stopped", "third": "Stopped"}
    assert "moor up" in services.get(workspace, "first").error.message
    assert services.get(workspace, "third").error is None

    expected = {"first": ("started", None), "second": ("started", None), "third": ("left stopped", None)}
    assert _texts(services.up(home)) == expected
    again = services.get(workspace, "first")
    assert (again.state, again.port, again.revision) == ("Healthy", first.port, 1)
    assert services.run(workspace, "second", "1").json()["answer"] == "one"
    assert services.get(workspace, "third").state == "Stopped"
    assert _texts(services.up(home))["first"] == ("runs", None)
    assert services.start(workspace, "third").state == "Healthy"


def test_down_ends_all_and_up_brings_it_back(workspace, home, model, script):
    services.deploy(workspace, "svc", [model("one")], script())
    folder = workspace.path / "services" / "svc"
    assert _texts(services.down(home)) == {"svc": ("stopped", None)}
    assert orphans.marked(orphans.mark(folder)) == []
    assert lock.keeper_pid(folder) is None
    assert services.down(home) == []
    assert events.list_events(workspace)[0].kind == "service.taken-down"
    # Not even the database is needed.
    (workspace.path / "registry.db").rename(workspace.path / "elsewhere.db")
    assert _texts(services.up(home)) == {"svc": ("started", None)}
    assert not (workspace.path / "registry.db").exists()
    (workspace.path / "elsewhere.db").rename(workspace.path / "registry.db")
    assert services.run(workspace, "svc", "1").json()["answer"] == "one"


def test_what_cannot_start_is_named_and_does_not_keep_the_others_from_it(workspace, home, model, script):
    for name in ("bad", "good"):
        services.deploy(workspace, name, [model("one")], script())
    services.down(home)
    shutil.rmtree(workspace.path / "services" / "bad" / "revisions" / "1" / "app")
    found = _texts(services.up(home, timeout_s=60))
    assert found["good"] == ("started", None)
    (back,) = events.list_events(workspace, kind="service.brought-back")
    assert back.subject == "service good"
    assert found["bad"][1]
    # Only what failed is tried again, and what is being changed is left to whoever does that.
    services.stop(workspace, "good")
    with operation(workspace, "good"):
        assert _texts(services.up(home, timeout_s=1))["good"] == ("left stopped", None)


def test_a_service_that_never_served_is_not_started(workspace, home):
    with pytest.raises(Exception, match="svc"):
        services.stop(workspace, "svc")
    assert services.up(home) == []


def test_the_unit_says_what_to_start(tmp_path):
    unit = autostart.write_unit(tmp_path / "100% of it", folder=tmp_path / "units")
    assert unit.text == (tmp_path / "units" / "moorage.service").read_text()
    assert f'ExecStart="{sys.executable}" -m moorage.cli up' in unit.text
    assert f'Environment="MOORAGE_HOME={tmp_path}/100%% of it"' in unit.text
    assert unit.problems in (None, ())


def test_a_unit_is_refused_that_would_say_something_else():
    with pytest.raises(InvalidArgument, match="cannot hold"):
        autostart.unit_text(Path("/home/x\nExecStart=/bin/evil"), Path(sys.executable))


def test_systemd_finds_what_is_wrong_with_a_unit(tmp_path):
    path = tmp_path / "moorage.service"
    path.write_text("[Service]\nType=oneshot\nExecStart=relative/path\n")
    problems = autostart.verify(path)
    if problems is None:
        pytest.skip("systemd-analyze is not installed")
    assert problems
