"""A new revision beside the one that serves: a canary with a share of the requests, or a mirror."""

import pytest

from moorage import events, services
from moorage.deployments import LocalConfig
from moorage.errors import EntryScriptError, InvalidArgument, NoCandidate, RevisionNotFound
from moorage_server.supervision.failures import Failure

FAILS_UNDER_REQUESTS = """
def init(): pass
def run(data): raise RuntimeError("not like this")
"""
CANNOT_BE_LOADED = "def init(): raise ValueError('no such weights')\ndef run(data): return 1\n"


@pytest.fixture
def begun(workspace, model, script):
    """Revision 1 serves, with two versions of its model registered."""
    services.deploy(workspace, "svc", [model("one")], script())
    model("two")
    return workspace


def answers(workspace, count):
    return [services.run(workspace, "svc", "1").json()["answer"] for _ in range(count)]


def states(workspace):
    return {one.number: one.state for one in services.revisions(workspace, "svc")}


def kinds(workspace):
    return [event.kind for event in events.list_events(workspace, subject="service svc")]


def test_a_canary_is_promoted(begun, wait_for):
    service = services.update(begun, "svc", models=["m:2"], canary=20)
    assert (service.revision, service.models, service.state) == (1, ("m:1",), "Healthy")
    seen = service.candidate
    assert (seen.revision, seen.kind, seen.state, seen.share_percent) == (2, "canary", "serving", 20)
    assert seen.ends_at is not None
    assert states(begun) == {2: "canary", 1: "live"}
    assert sorted(answers(begun, 100)) == ["one"] * 80 + ["two"] * 20
    wait_for(lambda: services.get(begun, "svc").candidate.answered == 20)
    # Nothing is to be started, and the canary goes on.
    assert services.start(begun, "svc").candidate.is_active
    service = services.promote(begun, "svc")
    assert (service.revision, service.models, service.candidate) == (2, ("m:2",), None)
    assert answers(begun, 5) == ["two"] * 5
    assert states(begun) == {2: "live", 1: "kept"}
    assert {"service.canary", "service.promoted"} <= set(kinds(begun))
    with pytest.raises(NoCandidate, match="has no canary or mirror"):
        services.promote(begun, "svc")
    assert services.rollback(begun, "svc").revision == 1


@pytest.mark.slow
def test_a_canary_takes_over_when_its_time_is_over(begun, wait_for):
    services.update(begun, "svc", models=["m:2"], canary=50, canary_for_s=1)
    wait_for(lambda: services.get(begun, "svc").revision == 2)
    assert services.get(begun, "svc").models == ("m:2",)
    # Promoting what has taken over already is no mistake, and what follows knows of it.
    assert services.promote(begun, "svc").revision == 2
    assert states(begun) == {2: "live", 1: "kept"}
    assert services.rollback(begun, "svc").revision == 1
    assert answers(begun, 3) == ["one"] * 3


@pytest.mark.slow
def test_a_canary_that_fails_more_often_is_taken_back(begun, script, wait_for):
    services.update(begun, "svc", inference_config=script(FAILS_UNDER_REQUESTS, "bad.py"), canary=50)
    wait_for(lambda: services.run(begun, "svc", "1") and not services.get(begun, "svc").candidate.is_active)
    service = services.get(begun, "svc")
    assert (service.revision, service.state) == (1, "Healthy")
    assert "answers were errors" in service.error.message
    (bad, _) = services.revisions(begun, "svc")
    assert (bad.state, bad.fault.stage) == ("failed", "canary")
    with pytest.raises(NoCandidate, match="answers were errors"):
        services.promote(begun, "svc")
    # It went back already: a rollback by hand goes no further.
    assert services.rollback(begun, "svc").revision == 1
    assert services.revisions(begun, "svc")[0].fault == bad.fault
    assert services.update(begun, "svc", models=["m:2"]).revision == 3
    assert states(begun) == {3: "live", 1: "kept"}


@pytest.mark.slow
def test_a_canary_is_ended_by_a_rollback(begun, wait_for):
    services.update(begun, "svc", models=["m:2"], canary=99)
    service = services.rollback(begun, "svc")
    assert (service.revision, service.candidate, service.state) == (1, None, "Healthy")
    wait_for(lambda: set(answers(begun, 10)) == {"one"})
    (ended, _) = services.revisions(begun, "svc")
    assert (ended.state, "was ended by" in ended.fault.message) == ("failed", True)
    assert services.models_in_use(begun) == {"m:1": ("svc",)}


@pytest.mark.slow
def test_what_cannot_be_loaded_takes_no_part(begun, script):
    with pytest.raises(EntryScriptError, match="no such weights"):
        services.update(begun, "svc", inference_config=script(CANNOT_BE_LOADED, "bad.py"), canary=10)
    assert answers(begun, 1) == ["one"]
    (bad, _) = services.revisions(begun, "svc")
    assert (bad.state, bad.fault.stage) == ("failed", "init")
    assert services.get(begun, "svc").candidate is None


def test_another_update_takes_the_place_of_a_canary(at_once, begun):
    services.update(begun, "svc", models=["m:2"], canary=10)
    assert services.update(begun, "svc", models=["m:2"]).revision == 3
    assert services.get(begun, "svc").candidate is None
    assert states(begun) == {3: "live", 1: "kept"}


def test_stopping_ends_a_canary(at_once, begun):
    services.update(begun, "svc", models=["m:2"], canary=10)
    assert services.stop(begun, "svc").state == "Stopped"
    assert services.start(begun, "svc").candidate is None
    (ended, _) = services.revisions(begun, "svc")
    assert ended.fault.message == "the service was stopped"


def test_a_promotion_that_was_cut_short_is_finished(at_once, begun, monkeypatch):
    services.update(begun, "svc", models=["m:2"], canary=10)
    went_live = "moorage.services.rows.went_live"
    with monkeypatch.context() as patch:
        # Killed: what would clean up does not run.
        patch.setattr(went_live, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr("moorage.services.work.Work.go_back", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            services.promote(begun, "svc")
    assert services.promote(begun, "svc").revision == 2
    assert states(begun) == {2: "live", 1: "kept"}


def test_a_canary_that_took_over_and_lost_its_trial_is_marked(at_once, begun):
    services.update(begun, "svc", models=["m:2"], canary=10)
    folder = begun.path / "services" / "svc"
    at_once.decide(folder, "promoted")
    candidate = at_once.status(folder).candidate
    at_once.write(folder, 1, {2: Failure("trial", "30 of its first 40 requests failed")}, candidate)
    service = services.get(begun, "svc")
    assert (service.revision, service.state, service.error.stage) == (1, "Healthy", "trial")
    with pytest.raises(RevisionNotFound):
        services.rollback(begun, "svc")
    (lost, live) = services.revisions(begun, "svc")
    assert (lost.state, lost.fault.stage, live.state) == ("failed", "trial", "live")
    assert services.models_in_use(begun) == {"m:1": ("svc",)}


def test_a_failed_rollback_is_marked(at_once, begun, script):
    services.update(begun, "svc", models=["m:2"])
    kept = begun.path / "services" / "svc" / "revisions" / "1" / "app" / "score.py"
    kept.write_text("BAD")
    with pytest.raises(EntryScriptError):
        services.rollback(begun, "svc")
    (live, failed) = services.revisions(begun, "svc")
    assert (live.state, live.fault, failed.state, failed.fault.stage) == ("live", None, "failed", "init")
    # It is passed over from then on.
    with pytest.raises(RevisionNotFound):
        services.rollback(begun, "svc")
    services.update(begun, "svc", models=["m:1"])
    services.rollback(begun, "svc")
    (left, live, _) = services.revisions(begun, "svc")
    assert (left.state, "rolled back to revision 2" in left.fault.message) == ("withdrawn", True)
    assert (live.state, live.fault) == ("live", None)


def test_a_mirror_reports_what_differs(begun, wait_for):
    service = services.update(begun, "svc", models=["m:2"], mirror=100)
    assert (service.revision, service.candidate.kind) == (1, "mirror")
    assert states(begun) == {2: "mirror", 1: "live"}
    assert services.mirror_findings(begun, "svc")["sent"] == 0
    assert answers(begun, 4) == ["one"] * 4
    wait_for(lambda: services.mirror_findings(begun, "svc")["different"] == 4)
    found = services.mirror_findings(begun, "svc")
    assert (found["state"], found["reasons"]) == ("serving", {"$.answer": 4})
    assert found["pairs"][0]["difference"] == '$.answer: "one" and "two"'
    assert services.promote(begun, "svc").models == ("m:2",)
    with pytest.raises(NoCandidate, match="has no mirror"):
        services.mirror_findings(begun, "svc")


def test_shares_and_times_make_sense(at_once, begun):
    for wrong in (
        {"canary": 0},
        {"canary": 100},
        {"canary": True},
        {"canary": 10, "mirror": 10},
        {"canary": 10, "canary_for_s": 0},
        {"mirror": 101},
        {"mirror": 1, "mirror_tolerance": -1},
    ):
        with pytest.raises(InvalidArgument, match=r"canary|mirror"):
            services.update(begun, "svc", **wrong)
    with pytest.raises(InvalidArgument, match="another address"):
        services.update(begun, "svc", deployment_config=LocalConfig(port=1), canary=10)
    services.stop(begun, "svc")
    with pytest.raises(InvalidArgument, match="start it first"):
        services.update(begun, "svc", canary=10)
