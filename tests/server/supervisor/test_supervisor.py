"""A real supervisor process with stand-in fronts: what a service survives, and what never survives it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from moorage_server.supervision import files, lock
from moorage_server.supervision.logfile import last_lines

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc to look for processes")


def test_a_service_answers_and_its_status_says_so(service):
    service.want(1)
    service.start()
    status = service.wait_live(1)
    assert service.ask()["generation"] == 1
    assert status.port
    assert status.of(1).pid == service.ask()["pid"]
    assert status.of(1).restarts == 0


def test_an_update_replaces_the_generation_on_the_same_port(service):
    service.want(1)
    service.start()
    port = service.wait_live(1).port
    service.want(2)
    assert service.wait_live(2).port == port
    status = service.wait_until(lambda s: not s.of(1).accepts)
    assert status.of(2).accepts
    assert service.ask()["generation"] == 2
    status = service.wait_until(lambda s: s.of(1).state == "stopped")
    assert status.of(1).pid is None
    assert status.of(1).error is None


def test_no_request_is_lost_while_generations_change(service):
    service.want(1)
    service.start()
    port = service.wait_live(1).port
    answers, failures, done = [], [], threading.Event()

    def client():
        while not done.is_set():
            try:
                answers.append(service.ask(port=port)["generation"])
            except (OSError, ValueError) as error:
                failures.append(repr(error))

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in (2, 3, 4):
            service.want(number)
            service.wait_live(number)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert {1, 2, 3} <= set(answers)


def test_the_old_generation_finishes_what_it_began(service):
    service.want(1)
    service.start()
    service.wait_live(1)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(service.ask("/sleep/1.0")))
    thread.start()
    service.wait_for(lambda: b"established" in _connections(service.status().port), what="the connection")
    service.want(2)
    status = service.wait_live(2)
    assert status.of(1).state == "draining"
    thread.join()
    assert answers[0]["generation"] == 1
    service.wait_until(lambda s: s.of(1).state == "stopped")


def _connections(port):
    """Return b"established" if somebody is connected to the port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return b"established" if any(r[1].endswith(f":{port:04X}") and r[3] == "01" for r in rows) else b""


def test_a_generation_that_fails_leaves_the_running_one_alone(service):
    service.want(1)
    service.start()
    pid = service.wait_live(1).of(1).pid
    service.want(2, fails=True)
    status = service.wait_until(lambda s: s.of(2) and s.of(2).state == "failed")
    assert status.generation == 1
    assert status.state == "running"
    assert status.of(1).pid == pid
    error = status.of(2).error
    assert (error.stage, error.message, error.traceback) == ("init", "init() raised", "score.py, line 3")
    assert service.ask()["generation"] == 1


def test_a_generation_that_dies_silently_is_reported_with_its_last_words(service):
    service.want(1, exits=5)
    service.start()
    status = service.wait_until(lambda s: s.state == "failed")
    error = status.of(1).error
    assert status.generation is None
    assert "exited with 5" in error.message
    assert "a fault nobody reported" in error.traceback


def test_a_failed_service_does_not_keep_clients_waiting(service):
    service.want(1, fails=True)
    service.start()
    port = service.wait_until(lambda s: s.state == "failed").port
    with pytest.raises(ConnectionRefusedError):
        service.ask(port=port)


def test_the_next_revision_heals_a_failed_service(service):
    service.want(1, fails=True)
    service.start()
    service.wait_until(lambda s: s.state == "failed")
    service.want(2)
    service.wait_live(2)
    assert service.ask()["generation"] == 2


def test_a_dead_front_is_started_again(service, is_alive):
    service.want(1, children=True)
    service.start()
    status = service.wait_live(1)
    before = status.of(1)
    os.kill(before.pid, signal.SIGKILL)
    status = service.wait_until(lambda s: s.state == "running" and s.of(1).restarts == 1)
    assert status.of(1).pid != before.pid
    assert service.ask()["generation"] == 1
    # Nothing of the first run is left, not even the child that moved to a session of its own.
    assert not any(is_alive(pid) for pid in before.scorer_pids)


def test_a_generation_that_served_is_tried_again_after_failing_to_start(service):
    service.want(1)
    service.start()
    pid = service.wait_live(1).of(1).pid
    (service.folder / "revisions/1/fail-next").touch()
    os.kill(pid, signal.SIGKILL)
    status = service.wait_until(lambda s: s.state == "running" and s.of(1).restarts == 2)
    assert status.of(1).error is None
    assert "starts again in 0.2 s" in service.log()


def test_requests_wait_while_a_dead_front_is_replaced(service):
    service.want(1, delay_s=0.3)
    service.start()
    status = service.wait_live(1)
    os.kill(status.of(1).pid, signal.SIGKILL)
    service.wait_until(lambda s: s.state == "starting")
    assert service.ask()["generation"] == 1


def test_a_front_that_will_not_go_is_killed_with_its_children(service, is_alive):
    service.want(1, deaf=True, children=True, drain_timeout_s=0.5)
    service.start()
    old = service.wait_live(1).of(1)
    service.want(2)
    service.wait_until(lambda s: s.of(1).state == "stopped")
    assert not any(is_alive(pid) for pid in (old.pid, *old.scorer_pids))
    assert "did not end in time" in service.log()


def test_taking_an_update_back_ends_it(service):
    service.want(1)
    service.start()
    service.wait_live(1)
    service.want(2, delay_s=60)
    service.wait_until(lambda s: s.of(2) and s.of(2).state == "starting")
    service.want(1)
    status = service.wait_until(lambda s: s.of(2).state == "stopped")
    assert status.generation == 1
    assert status.of(1).restarts == 0


def test_a_newer_update_overtakes_one_that_is_still_starting(service):
    service.want(1)
    service.start()
    service.wait_live(1)
    service.want(2, delay_s=60)
    service.wait_until(lambda s: s.of(2))
    service.want(3)
    status = service.wait_live(3)
    service.wait_until(lambda s: s.of(2).state == s.of(1).state == "stopped")
    assert status.of(2).state in ("draining", "stopped")


def test_a_wish_is_found_without_a_signal(service):
    service.want(1)
    service.start()
    service.wait_live(1)
    service.want(2, signals=False)
    service.wait_live(2)


def test_a_wish_that_makes_no_sense_changes_nothing(service):
    service.want(1)
    service.start()
    service.wait_live(1)
    (service.folder / files.DESIRED).write_text('{"generation": 2, "settings": "../../elsewhere"}')
    lock.signal_supervisor(service.folder, signal.SIGHUP)
    service.wait_for(lambda: "is not used: settings must be a path" in service.log(), what="the log line")
    assert service.ask()["generation"] == 1


def test_a_port_of_another_program_is_named(service):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        service.want(1, port=port)
        service.start()
        status = service.wait_until(lambda s: s.state == "failed")
        assert status.of(1).error.stage == "listen"
        assert f"port {port} on 127.0.0.1 is in use by another program" in status.of(1).error.message
    service.want(2, port=port)
    assert service.wait_live(2).port == port


def test_a_service_can_move_to_another_port(service):
    service.want(1)
    service.start()
    first = service.wait_live(1).port
    with socket.create_server(("127.0.0.1", 0)) as other:
        second = other.getsockname()[1]
    service.want(2, port=second)
    assert service.wait_live(2).port == second
    service.wait_until(lambda s: s.of(1).state == "stopped")
    assert service.ask(port=second)["generation"] == 2
    with pytest.raises(ConnectionRefusedError):
        service.ask(port=first)


def test_stopping_finishes_requests_and_leaves_nothing(service):
    service.want(1, children=True)
    service.start()
    port = service.wait_live(1).port
    answers = []
    thread = threading.Thread(target=lambda: answers.append(service.ask("/sleep/0.5")))
    thread.start()
    service.wait_for(lambda: _connections(port), what="the connection")
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(timeout=10) == 0
    thread.join()
    assert answers[0]["generation"] == 1
    assert service.status().state == "stopped"
    assert service.processes() == []
    assert lock.supervisor_pid(service.folder) is None


def test_stopping_does_not_wait_as_long_as_an_update_may(service, monkeypatch):
    service.want(1, deaf=True, drain_timeout_s=3600)
    service.start(longest_stop_s=0.5)
    service.wait_live(1)
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(timeout=5) == 0


def test_a_second_signal_does_not_wait(service):
    service.want(1, deaf=True, children=True, drain_timeout_s=60)
    service.start()
    service.wait_live(1)
    service.process.send_signal(signal.SIGTERM)
    service.wait_until(lambda s: s.state == "stopping")
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(timeout=5) == 0
    assert service.processes() == []


def test_killing_supervisor_and_keeper_ends_the_front_and_the_next_supervisor_carries_on(service):
    service.want(1, children=True)
    service.start()
    status = service.wait_live(1)
    service.wait_for(lambda: lock.keeper_pid(service.folder), what="the keeper")
    service.kill_supervisor_and_keeper()
    # Nobody is left to supervise: the front ends; what had left its group is ended by the next supervisor.
    service.wait_for(lambda: status.of(1).pid not in service.processes(), what="the front's end")
    left = set(service.processes())
    service.start()
    assert service.wait_live(1).port == status.port
    assert not left & set(service.processes())


def test_after_a_crash_in_an_update_that_fails_the_old_generation_serves(service):
    service.want(1)
    service.start()
    service.wait_live(1)
    service.want(2, fails=True)
    service.wait_until(lambda s: s.of(2) and s.of(2).state == "failed")
    service.kill_supervisor_and_keeper()
    service.start()
    status = service.wait_until(lambda s: s.generation == 1 and s.state == "running" and s.of(2))
    service.wait_until(lambda s: s.of(2).state == "failed")
    assert service.ask(port=status.port)["generation"] == 1


def test_a_second_supervisor_of_the_same_folder_is_refused(service, monkeypatch):
    service.want(1)
    service.start()
    service.wait_live(1)
    code = "import moorage_server.supervisor as s; s.LOCK_WAIT_S = 0.1; raise SystemExit(s.main())"
    second = subprocess.run(
        [sys.executable, "-c", code, str(service.folder)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert second.returncode == 75
    assert "already running" in second.stderr


def test_all_output_reaches_the_log(service):
    service.want(1, lines=20_000)
    service.start()
    service.wait_live(1)
    service.wait_for(lambda: "line 00019999 of many" in service.log(), what="the last line")
    lines = [line for line in service.log().splitlines() if line.startswith("line ")]
    assert lines == [f"line {index:08d} of many" for index in range(20_000)]
    assert "front of generation 1 speaks" in last_lines(service.folder / "logs/service.log", 30_000)


def test_the_detached_supervisor_outlives_its_starter(service):
    service.want(1, exits=1)
    command = [sys.executable, "-m", "moorage_server.supervisor", "--detach", str(service.folder)]
    subprocess.run(command, timeout=20, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    pid = service.wait_for(lambda: lock.supervisor_pid(service.folder), what="the daemon")
    assert os.getsid(pid) != os.getsid(0)
    lock.signal_supervisor(service.folder, signal.SIGTERM)
    service.wait_for(lambda: lock.supervisor_pid(service.folder) is None, what="the daemon's end")
    assert service.status().state == "stopped"
