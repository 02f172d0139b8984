"""Going back to what served before, and forward again."""

import signal
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage import events, models, services
from moorage.errors import EntryScriptError, InvalidArgument, RevisionNotFound, ServiceNotFound
from moorage.services.retention import KEPT_REVISIONS, kept_revisions
from moorage.services.revisions import Revision, choose

BROKEN = "def init(): raise ValueError('no model')\ndef run(data): return data"

KILLED = """
import os, signal, sys
from moorage import services
from moorage.workspace import Workspace

def die(event):
    if event.kind == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)

services.rollback(Workspace.open("test"), "svc", on_event=die)
"""


def _ask(workspace):
    return services.run(workspace, "svc", "1").json()["answer"]


@pytest.fixture
def three(workspace, model, script):
    """A service with three revisions, each with a model of its own: one, two, three."""
    services.deploy(workspace, "svc", [model("one")], script())
    services.update(workspace, "svc", models=[model("two")])
    services.update(workspace, "svc", models=[model("three")])
    return workspace


def _states(workspace):
    return {one.number: one.state for one in services.revisions(workspace, "svc")}


def test_back_and_back_and_forward(three):
    workspace = three
    assert _states(workspace) == {3: "live", 2: "kept", 1: "kept"}
    port = services.get(workspace, "svc").port
    service = services.rollback(workspace, "svc")
    assert (service.revision, service.models, service.state, service.port) == (2, ("m:2",), "Healthy", port)
    assert _ask(workspace) == "two"
    # A model that is gone from the registry is still with its revision.
    models.delete(workspace, "m:1")
    assert services.rollback(workspace, "svc").revision == 1
    assert _ask(workspace) == "one"
    assert _states(workspace) == {3: "withdrawn", 2: "withdrawn", 1: "live"}
    with pytest.raises(RevisionNotFound, match="an earlier revision"):
        services.rollback(workspace, "svc")
    with pytest.raises(InvalidArgument, match="serves already"):
        services.rollback(workspace, "svc", to=1)
    with pytest.raises(RevisionNotFound, match=r"revision 7 \(it can go to: 3, 2\)"):
        services.rollback(workspace, "svc", to=7)
    assert services.rollback(workspace, "svc", to=3).revision == 3
    assert _ask(workspace) == "three"
    kinds = [event.kind for event in events.list_events(workspace, subject="service svc")]
    assert kinds[:2] == ["service.live", "service.rolled-back"]
    assert kinds[-2:] == ["service.live", "service.deployed"]


def test_what_was_given_up_is_passed_over_later(three, script):
    services.rollback(three, "svc")
    assert services.update(three, "svc", models=["m:3"]).revision == 4
    assert services.rollback(three, "svc").revision == 2
    with pytest.raises(EntryScriptError):
        services.update(three, "svc", inference_config=script(BROKEN, "broken.py"))
    assert _states(three)[5] == "failed"
    assert services.rollback(three, "svc").revision == 1


@pytest.mark.parametrize("moment", ["starting", "live"])
def test_a_rollback_killed_on_its_way_is_finished_by_the_same_command(three, home, moment):
    code = subprocess.run([sys.executable, "-c", KILLED, moment], timeout=60, check=False).returncode
    assert code == -signal.SIGKILL
    assert _ask(three) in ("two", "three")
    service = services.rollback(three, "svc")
    assert service.revision == (2 if moment == "starting" else 1)
    assert _ask(three) == ("two" if moment == "starting" else "one")


def test_only_revisions_that_served_count_as_kept(workspace, model, script):
    services.deploy(workspace, "svc", [model("one")], script())
    for _ in range(6):
        with pytest.raises(EntryScriptError):
            services.update(workspace, "svc", inference_config=script(BROKEN, "broken.py"))
    services.update(workspace, "svc", inference_config=script())
    # Failures do not push out what one can go back to.
    assert _states(workspace) == {8: "live", 1: "kept"}
    folder = workspace.path / "services" / "svc" / "revisions"
    assert sorted(path.name for path in folder.iterdir()) == ["1", "8"]


def test_a_service_that_is_not_there(workspace):
    with pytest.raises(ServiceNotFound):
        services.rollback(workspace, "svc")
    with pytest.raises(ServiceNotFound):
        services.revisions(workspace, "svc")


def test_the_choice_is_the_newest_earlier_one_that_is_good(workspace):
    def one(number, state, *, served=True):
        at = workspace.created_at
        return Revision(number, state, (), at, "", at if served else None)

    kept = [
        one(5, "live"),
        one(4, "withdrawn"),
        one(3, "failed", served=False),
        one(2, "kept"),
        one(1, "kept"),
    ]
    assert choose(kept, 5) == 2
    assert choose(kept[-1:], 1) is None


@pytest.mark.slow
def test_revisions_that_were_taken_back_do_not_push_out_the_one_to_go_back_to(workspace, model, script):
    services.deploy(workspace, "svc", [model("one")], script())
    for number in range(2, 8):
        assert services.update(workspace, "svc").revision == number
        assert services.rollback(workspace, "svc").revision == 1
    states = _states(workspace)
    assert states == {7: "withdrawn", 6: "withdrawn", 5: "withdrawn", 4: "withdrawn", 1: "live"}


@given(
    st.dictionaries(st.integers(1, 40), st.booleans(), min_size=1).flatmap(
        lambda served: st.tuples(st.just(served), st.sampled_from(sorted(served)))
    )
)
def test_the_way_back_is_always_kept(case):
    withdrawn, live = {number for number, is_withdrawn in case[0].items() if is_withdrawn}, case[1]
    served = sorted(case[0])
    kept = kept_revisions(served, withdrawn, live)
    before = [number for number in served if number < live and number not in withdrawn]
    assert kept <= set(served)
    assert len(kept) == min(KEPT_REVISIONS, len(served))
    assert {live, *before[-1:]} <= kept
    if not withdrawn and live == served[-1]:
        assert kept == set(served[-KEPT_REVISIONS:])
