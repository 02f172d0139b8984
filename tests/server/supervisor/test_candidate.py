"""A second revision beside the one that serves: judged, taken over or taken back, through all accidents."""

import json
import signal
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_server.supervision import lock
from moorage_server.supervision.candidate_records import Candidate, CandidateStatus, Counts
from moorage_server.supervision.judging import FEWEST_ANSWERS, is_fit, is_slow, is_worse, verdict
from moorage_server.supervision.records import Desired, InvalidDesired


def canary(**fields):
    values = {"kind": "canary", "share_percent": 10, "for_s": 600.0, "trial_requests": 100, **fields}
    return Candidate(2, "revisions/2/service.json", **{"max_error_share": 0.5, **values})


@pytest.fixture
def begun(service):
    """Generation 1 serves; with ``beside``, generation 2 takes part."""
    service.want(1)
    service.start()
    service.wait_live(1)

    def beside(state="serving", **fields):
        service.write(2)
        service.want(1, candidate=canary(**fields))
        service.wait_until(lambda s: s.candidate is not None)
        if state is not None:
            service.ask("/candidate/starting/2")
            service.ask(f"/candidate/{state}/2/0/0/0/0")
            wanted = "rejected" if state == "failed" else state
            service.wait_until(lambda s: s.candidate.state == wanted)
        return service

    return beside


def instruction(service, number=1):
    path = service.folder / "revisions" / str(number) / "candidate.json"
    return json.loads(path.read_text()) if path.exists() else None


def test_the_front_that_serves_is_told(begun):
    service = begun()
    told = instruction(service)
    assert (told["generation"], told["beside"], told["kind"], told["share_percent"]) == (2, 1, "canary", 10)
    assert told["settings"] == str(service.folder / "revisions/2/service.json")
    candidate = service.status().candidate
    assert candidate.ends_at is not None
    # Taken back by whoever asked for it.
    service.want(1)
    service.wait_until(lambda s: s.candidate is None)
    assert instruction(service) is None


def test_a_canary_whose_time_is_over_takes_over(begun):
    service = begun(for_s=0.5)
    status = service.wait_live(2)
    assert (status.candidate.state, status.of(1).state in ("draining", "stopped")) == ("promoted", True)
    assert instruction(service) is None
    # Another supervisor knows, although the wish says something else.
    lock.signal_supervisor(service.folder, signal.SIGTERM)
    service.process.communicate(timeout=30)
    service.start()
    status = service.wait_live(2)
    assert status.candidate.state == "promoted"
    assert service.ask()["generation"] == 2
    # It is on trial now, and the way back is open.
    service.ask("/report/40/40")
    assert service.wait_live(1).of(2).error.stage == "trial"


def test_a_canary_that_cannot_take_over_leaves_all_as_it_was(begun):
    service = begun(None, for_s=0.5)
    service.write(2, fails=True)
    service.ask("/candidate/serving/2/0/0/0/0")
    status = service.wait_until(lambda s: s.candidate.state == "rejected")
    assert (status.generation, status.candidate.error.stage) == (1, "init")
    assert service.ask()["generation"] == 1


def test_a_canary_that_is_worse_is_taken_back(begun):
    service = begun()
    service.ask("/candidate/serving/2/19/19/171/0")
    service.ask("/candidate/serving/2/20/10/180/2")
    status = service.wait_until(lambda s: s.candidate.state == "rejected")
    assert status.candidate.error.message == (
        "10 of its 20 answers were errors, and 2 of 180 of the revision beside it"
    )
    assert instruction(service) is None
    # Late news change nothing, and neither does another supervisor.
    service.ask("/candidate/serving/2/100/10/180/2")
    lock.signal_supervisor(service.folder, signal.SIGTERM)
    service.process.communicate(timeout=30)
    service.start()
    assert service.wait_live(1).candidate.state == "rejected"
    assert instruction(service) is None
    service.want(3, candidate=None)
    assert service.wait_live(3).candidate is None


def test_a_canary_that_hangs_is_taken_back(begun):
    service = begun()
    service.ask("/candidate/serving/2/3/0/171/0/0/16/1000")
    service.ask("/candidate/serving/2/3/0/180/0/0/17/1000")
    status = service.wait_until(lambda s: s.candidate.state == "rejected")
    assert status.candidate.error.message == (
        "17 of its 20 requests took more than 1000 ms, 17 of them have not ended"
    )
    assert instruction(service) is None


def test_a_canary_that_hangs_does_not_take_over(begun):
    service = begun(for_s=0.5)
    service.ask("/candidate/serving/2/2/0/171/0/0/3/1000")
    status = service.wait_until(lambda s: s.candidate.state == "rejected")
    assert status.generation == 1
    assert status.candidate.error.message.startswith("3 of its 5 requests took more than 1000 ms")


@pytest.mark.parametrize(
    ("counts", "slow", "fit"),
    [
        (Counts(20, 0, 0, 0, 2, 0), False, True),
        (Counts(20, 0, 0, 0, 3, 0), True, False),
        (Counts(0, 0, 0, 0, 0, 20), True, False),
        (Counts(19, 0, 0, 0, 19, 0), False, False),  # too few to take back, too slow to take over
        (Counts(0, 0, 0, 0, 0, 1), False, False),
        (Counts(4, 0, 0, 0, 1, 1), False, True),
        (Counts(1000, 0, 0, 0, 0, 100), False, True),
        (Counts(), False, True),
    ],
)
def test_what_slow_is(counts, slow, fit):
    assert (is_slow(counts), is_fit(counts)) == (slow, fit)
    assert (verdict(counts) is not None) is slow


def test_errors_are_named_before_time():
    assert "were errors" in verdict(Counts(40, 20, 100, 0, 20, 0)).message


def test_what_hangs_is_not_carried_over():
    assert Counts(1, 0, 2, 0, 1, 5, 100) + Counts(1, 1, 0, 0, 0, 2, 50) == Counts(2, 1, 2, 0, 1, 2, 50)


def test_a_script_that_cannot_be_loaded_is_taken_back(begun):
    status = begun("failed").status()
    assert (status.candidate.state, status.generation) == ("rejected", 1)


@pytest.mark.skipif(sys.platform != "linux", reason="keepers need Linux")
def test_it_goes_on_after_supervisor_and_front_were_killed(begun):
    service = begun()
    service.ask("/candidate/serving/2/10/1/90/1")
    before = service.wait_until(lambda s: s.candidate.counts.count == 10).candidate
    service.wait_for(lambda: lock.keeper_pid(service.folder), what="the keeper")
    service.kill_supervisor()
    service.wait_live(1)
    service.ask("/candidate/serving/2/12/1/95/1")
    status = service.wait_until(lambda s: s.candidate.counts.count == 12)
    assert status.candidate.ends_at == before.ends_at
    # Another front counts from the beginning.
    with pytest.raises((OSError, ValueError)):
        service.ask("/die")
    service.wait_until(lambda s: s.of(1).restarts == 1 and s.state == "running")
    assert instruction(service)["generation"] == 2
    service.ask("/candidate/starting/2")
    service.ask("/candidate/serving/2/3/0/5/0")
    status = service.wait_until(lambda s: s.candidate.counts.count == 15)
    assert status.candidate.counts == Counts(15, 1, 100, 1)


def test_a_mirror_never_takes_over_and_is_never_judged(begun):
    service = begun(kind="mirror", share_percent=100, for_s=0.1)
    service.ask("/candidate/serving/2/500/500/500/0")
    status = service.wait_until(lambda s: s.candidate.counts.count == 500)
    assert (status.candidate.state, status.candidate.ends_at) == ("serving", None)
    service.want(2)
    assert service.wait_live(2).candidate is None
    assert instruction(service) is None


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (Counts(19, 19, 100, 0), False),  # too few
        (Counts(20, 1, 180, 0), False),  # one may happen
        (Counts(20, 2, 180, 0), True),
        (Counts(20, 3, 180, 9), False),  # the clients send errors
        (Counts(1000, 60, 9000, 90), False),  # worse, but not by five of a hundred
        (Counts(1000, 80, 9000, 90), True),
        (Counts(30, 30, 0, 0), True),  # nothing to compare with: a share of 100
        (Counts(30, 30, 30, 30), False),
        (Counts(100, 0, 100, 100), False),
    ],
)
def test_worse_is_worse_than_the_one_beside_and_not_by_chance(counts, expected):
    assert is_worse(counts) is expected


number = st.integers(0, 10**6)


@given(number, number, number, number)
def test_no_counts_are_too_odd_to_be_judged(count, failed, live_count, live_failed):
    counts = Counts(count, min(count, failed), live_count, min(live_count, live_failed))
    worse = is_worse(counts)
    assert not (worse and counts.failed == 0)
    assert not (worse and count < FEWEST_ANSWERS)
    assert is_fit(counts) or 0 < count < FEWEST_ANSWERS


def test_a_wish_with_a_candidate_survives_its_file():
    desired = Desired(1, "revisions/1/service.json", candidate=canary())
    assert Desired.from_json(json.loads(json.dumps(desired.to_json()))) == desired
    status = CandidateStatus(2, "mirror", 100, "serving", counts=Counts(1, 2, 3, 4), pids=(7,))
    assert CandidateStatus.from_json(json.loads(json.dumps(status.to_json()))) == status
    assert CandidateStatus.from_json({"generation": 2}) is None


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"share_percent": 0},
        {"share_percent": True},
        {"settings": "../../x"},
        {"for_s": "10m"},
        {"generation": "2"},
        {"more": 1},
    ],
)
def test_a_candidate_that_makes_no_sense_is_refused(change):
    value = Desired(1, "s", candidate=canary()).to_json()
    with pytest.raises(InvalidDesired, match=r"candidate|path"):
        Desired.from_json({**value, "candidate": {**value["candidate"], **change}})
    with pytest.raises(InvalidDesired):
        Desired.from_json({**value, "candidate": 7})
