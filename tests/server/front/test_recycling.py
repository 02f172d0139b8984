"""A script that leaks: its scorer is replaced at a limit, and no request fails."""

import sys
import threading
import time

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory of a process is read from /proc")

LEAKS = """
import os
kept = []
def init(): pass
def run(data):
    kept.append(b"x" * 3_000_000)
    return os.getpid()
"""
LARGE = """
import os
def init():
    global kept
    kept = b"x" * 100_000_000
def run(data):
    return os.getpid()
"""


@pytest.mark.parametrize("settings", [{}, {"worker_count": 2}, {"preload": True}])
def test_a_leaking_scorer_is_replaced_without_a_lost_request(servers, settings):
    server = servers.start(LEAKS, max_scorer_memory_bytes=60_000_000, **settings)
    pids, failures, done = set(), [], threading.Event()

    def ask():
        while not done.wait(0.02):
            answer = server.post_json({"a": 1})
            if answer.status == 200:
                pids.add(answer.json())
            else:
                failures.append(answer.status)
            if len(pids) > settings.get("worker_count", 1) + 1:
                done.set()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    is_done = done.wait(60)
    done.set()
    for thread in threads:
        thread.join()
    assert is_done, server.log
    assert failures == []
    assert "more than the 57 MB allowed, and is replaced" in server.log


def test_a_script_that_is_too_large_from_the_beginning_goes_on(servers):
    server = servers.start(LARGE, max_scorer_memory_bytes=10_000_000)
    first = server.post_json({"a": 1}).json()
    server.wait_for_log("and is replaced", within_s=30)
    deadline = time.monotonic() + 30
    while (second := server.post_json({"a": 1}).json()) == first:
        assert time.monotonic() < deadline
    # Another one would be as large: it is not replaced again and again.
    time.sleep(2)
    assert server.post_json({"a": 1}).json() == second
    assert server.log.count("and is replaced") == 1
