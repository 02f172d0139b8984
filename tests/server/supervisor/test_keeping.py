"""Supervisor and keeper: whoever of the two is killed, the front goes on and the other one is replaced."""

import os
import shutil
import signal
import sys
import threading

import pytest

from moorage_server.supervision import files, lock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="keepers need Linux")


@pytest.fixture
def kept(service):
    """A service of one generation with a keeper."""
    service.want(1, children=True)
    service.start()
    service.wait_live(1)
    service.wait_for(lambda: lock.keeper_pid(service.folder), what="the keeper")
    return service


def test_no_request_is_lost_when_the_supervisor_is_killed_again_and_again(kept):
    front = kept.status().of(1).pid
    port = kept.status().port
    failures, count, done = [], [0], threading.Event()

    def client():
        while not done.wait(0.005):
            try:
                assert kept.ask(port=port)["pid"] == front
                count[0] += 1
            except (OSError, ValueError, AssertionError) as error:
                failures.append(repr(error))

    thread = threading.Thread(target=client)
    thread.start()
    try:
        for _ in range(3):
            before = lock.supervisor_pid(kept.folder)
            kept.kill_supervisor()
            kept.wait_until(lambda s, before=before: s.pid != before and s.state == "running")
    finally:
        done.set()
        thread.join()
    assert failures == []
    assert count[0] > 3
    assert kept.status().of(1).restarts == 0
    assert "took over from a supervisor that was killed" in kept.log()


def test_a_supervisor_that_took_over_does_all_that_the_first_one_did(kept, is_alive):
    first = kept.status().of(1)
    kept.kill_supervisor()
    kept.wait_until(lambda s: s.state == "running")
    # What fronts print still reaches the log; a dead front is started again; updates work; so does stopping.
    os.kill(first.pid, signal.SIGKILL)
    second = kept.wait_until(lambda s: s.state == "running" and s.of(1).pid not in (None, first.pid)).of(1)
    assert not any(is_alive(pid) for pid in first.scorer_pids)
    assert second.restarts == 1
    kept.kill_supervisor()
    kept.wait_until(lambda s: s.state == "running")
    port = kept.status().port
    kept.want(2)
    assert kept.wait_live(2).port == port
    kept.wait_until(lambda s: s.of(1).state == "stopped")
    assert kept.log().count("front of generation 1 speaks") == 2
    lock.signal_supervisor(kept.folder, signal.SIGTERM)
    kept.wait_for(lambda: lock.supervisor_pid(kept.folder) is None, what="the end")
    kept.wait_for(lambda: lock.keeper_pid(kept.folder) is None, what="the keeper's end")
    assert kept.status().state == "stopped"
    assert kept.processes() == []


def test_a_killed_keeper_is_replaced_and_knows_everything_again(kept):
    front = kept.ask()["pid"]
    before = lock.keeper_pid(kept.folder)
    lock.kill_keeper(kept.folder)
    kept.wait_for(lambda: lock.keeper_pid(kept.folder) not in (None, 0, before), what="another keeper")
    kept.kill_supervisor()
    kept.wait_until(lambda s: s.state == "running")
    assert kept.ask()["pid"] == front


def test_a_drain_that_was_under_way_is_finished(kept):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(kept.ask("/sleep/1.5")))
    thread.start()
    kept.want(2)
    kept.wait_until(lambda s: s.of(1) and s.of(1).state == "draining" and s.generation == 2)
    kept.kill_supervisor()
    status = kept.wait_until(lambda s: s.generation == 2 and s.state == "running")
    thread.join()
    assert status.of(2).restarts == 0
    assert [answer["generation"] for answer in answers] in ([1], [2])
    kept.wait_until(lambda s: s.of(1) is None or s.of(1).state == "stopped")


def test_an_update_that_was_under_way_is_made_afresh(kept):
    kept.want(2, delay_s=2)
    kept.wait_until(lambda s: s.of(2) and s.of(2).state == "starting")
    kept.kill_supervisor()
    assert kept.wait_until(lambda s: s.state == "running").generation == 1
    kept.wait_live(2)


def test_nothing_is_started_again_that_should_be_stopped(kept):
    desired = files.read_json(kept.folder / files.DESIRED)
    files.write_json(kept.folder / files.DESIRED, {**desired, "running": False})
    kept.kill_supervisor()
    kept.wait_for(lambda: lock.keeper_pid(kept.folder) is None, what="the keeper's end")
    kept.wait_for(lambda: lock.supervisor_pid(kept.folder) is None, what="no supervisor")
    kept.wait_for(lambda: kept.status().of(1).pid not in kept.processes(), what="the front's end")


def test_a_service_whose_folder_was_removed_ends(kept):
    front = kept.status().of(1).pid
    shutil.rmtree(kept.folder)
    kept.wait_for(lambda: kept.process.poll() is not None, what="the supervisor's end")
    assert front not in kept.processes()
