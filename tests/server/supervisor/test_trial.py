"""A new generation on trial: too many failures among its first requests, and the one before comes back."""

import signal
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_server.supervision import files, lock
from moorage_server.supervision.records import Desired, InvalidDesired, Trial
from moorage_server.supervision.steps import FEWEST_REQUESTS, is_lost

TRIAL = Trial(100, 0.5, 1, "revisions/1/service.json")


@pytest.fixture
def tried(service):
    """Generation 2 on trial after generation 1."""
    service.want(1)
    service.start()
    service.wait_live(1)
    service.want(2, trial=TRIAL)
    service.wait_live(2)
    service.wait_until(lambda s: s.of(1).state == "stopped")
    return service


def test_too_many_failures_bring_the_one_before_back(tried):
    port = tried.status().port
    tried.ask("/report/30/14")
    assert tried.ask()["generation"] == 2
    tried.ask("/report/40/25")
    status = tried.wait_live(1)
    assert status.port == port
    status = tried.wait_until(lambda s: s.of(2).state == "failed")
    assert (status.of(2).error.stage, status.of(2).error.message) == (
        "trial",
        "25 of its first 40 requests failed",
    )
    assert tried.ask()["generation"] == 1
    # What was taken back is not tried again by a successor, but a new generation is.
    lock.signal_supervisor(tried.folder, signal.SIGTERM)
    tried.process.communicate(timeout=30)
    tried.start()
    status = tried.wait_live(1)
    assert status.of(2).state == "failed"
    tried.want(3)
    tried.wait_live(3)


@pytest.mark.skipif(sys.platform != "linux", reason="keepers need Linux")
def test_a_trial_goes_on_after_the_supervisor_was_killed(tried):
    tried.wait_for(lambda: lock.keeper_pid(tried.folder), what="the keeper")
    tried.kill_supervisor()
    tried.wait_live(2)
    tried.ask("/report/20/20")
    tried.wait_live(1)


def test_there_is_no_way_back_without_the_files_of_the_one_before(tried):
    (tried.folder / TRIAL.settings).unlink()
    tried.ask("/report/20/20")
    tried.ask("/report/21/21")
    assert tried.wait_live(2).of(2).error is None


@given(st.integers(1, 1000), st.floats(0, 1), st.integers(0, 1000), st.integers(0, 1000))
def test_a_trial_is_lost_by_a_share_of_enough_requests(requests, share, count, failed):
    failed = min(failed, count)
    lost = is_lost(requests, share, count, failed)
    assert not (lost and failed == 0)
    assert not (lost and count < min(requests, FEWEST_REQUESTS))
    if count >= FEWEST_REQUESTS and failed == count and share < 1:
        assert lost


def test_a_wish_with_a_trial_survives_its_file(tmp_path):
    desired = Desired(2, "revisions/2/service.json", trial=TRIAL)
    files.write_json(tmp_path / "desired.json", desired.to_json())
    assert Desired.from_json(files.read_json(tmp_path / "desired.json")) == desired
    fallback = desired.fallback()
    assert (fallback.generation, fallback.settings, fallback.trial) == (1, TRIAL.settings, None)
    assert Desired(2, "revisions/2/service.json").fallback() is None


@pytest.mark.parametrize(
    "trial",
    [
        7,
        {},
        {"requests": 1},
        {"requests": "many", "max_error_share": 0.5, "generation": 1, "settings": "a"},
        {"requests": 1, "max_error_share": True, "generation": 1, "settings": "a"},
        {"requests": 1, "max_error_share": 0.5, "generation": 1, "settings": "../a"},
    ],
)
def test_a_trial_that_makes_no_sense_is_refused(trial):
    with pytest.raises(InvalidDesired, match=r"trial|path"):
        Desired.from_json({"generation": 2, "settings": "s", "trial": trial})
