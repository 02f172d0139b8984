"""Canaries and mirrors under load, promoted, ended and killed."""

import os
import signal
from typing import Any

from moorage import services
from moorage_server.supervision import files, lock

from .load import THREADS
from .stage import Report, Stage
from .under_load import under_load

WORSE = """
import random
def init(): pass
def run(data):
    if random.random() < 0.5:
        raise RuntimeError("one in two")
    return 1
"""
CRASHES = """
import os, time
def init(): pass
def run(data):
    if os.urandom(1)[0] < 32:
        os._exit(5)
    time.sleep(0.2)
    return 1
"""


def canary(stage: Stage) -> Report:
    """Begin, then promote or end; in between kill the supervisor, the front, or a scorer of the canary."""

    def inject(number: int) -> int:
        wanted = f"m:{2 - number % 2}"
        live = services.get(stage.workspace, "svc").revision
        services.update(stage.workspace, "svc", models=[wanted], canary=30, canary_for_s=None)
        may_fail = (_nobody, _kill_supervisor, _kill_front, _kill_scorer)[number % 4](stage)
        stage.until(lambda: _candidate(stage)["state"] == "serving", "the canary serves")
        stage.until(lambda: _candidate(stage)["counts"]["count"] >= 20, "the canary has answered")
        if number % 3 == 2:
            service = services.rollback(stage.workspace, "svc")
            assert service.revision == live, "the rollback went somewhere else"
        else:
            service = services.promote(stage.workspace, "svc")
            assert service.models == (wanted,), "the canary is not what serves"
        assert service.candidate is None
        return may_fail

    return under_load(stage, "canary", inject)


def bad_canary(stage: Stage) -> Report:
    """One that fails every second request is taken back by itself; its own failures are all there are."""
    script = stage.script(WORSE, "worse.py")

    def inject(_number: int) -> int:
        before = services.get(stage.workspace, "svc").revision
        services.update(stage.workspace, "svc", inference_config=script, canary=20, canary_for_s=None)
        stage.until(lambda: _candidate(stage)["state"] == "rejected", "the canary is taken back")
        service = services.get(stage.workspace, "svc")
        assert service.revision == before, "something else serves"
        # And what it had been given when it was judged.
        return int(_candidate(stage)["counts"]["failed"]) + 10

    return under_load(stage, "canary that fails", inject)


def bad_mirror(stage: Stage) -> Report:
    """One that is slow and crashes costs nobody anything."""
    script = stage.script(CRASHES, "crashes.py")

    def inject(_number: int) -> int:
        services.update(stage.workspace, "svc", inference_config=script, mirror=100)
        found = stage.until(lambda: _dropped(stage), "the mirror drops copies")
        services.rollback(stage.workspace, "svc")
        assert found["sent"] + found["dropped"] > 0
        return 0

    return under_load(stage, "mirror that crashes", inject)


def _candidate(stage: Stage) -> dict[str, Any]:
    return (files.read_json(stage.folder() / files.STATUS) or {})["candidate"]


def _dropped(stage: Stage) -> dict[str, Any] | None:
    found = services.mirror_findings(stage.workspace, "svc")
    return found if found["dropped"] > 10 and found["different"] > 0 else None


def _nobody(_stage: Stage) -> int:
    return 0


def _kill_supervisor(stage: Stage) -> int:
    stage.until(lambda: lock.keeper_pid(stage.folder()), "a keeper")
    before = stage.until(lambda: lock.supervisor_pid(stage.folder()), "a supervisor")
    os.kill(before, signal.SIGKILL)
    stage.until(lambda: lock.supervisor_pid(stage.folder()) not in (None, 0, before), "another supervisor")
    stage.until_healthy()
    return 0


def _kill_front(stage: Stage) -> int:
    victim = stage.until(lambda: stage.generation()["pid"], "a front")
    os.kill(victim, signal.SIGKILL)
    stage.until(lambda: stage.generation()["pid"] not in (None, victim), "another front")
    stage.until_healthy()
    return THREADS


def _kill_scorer(stage: Stage) -> int:
    victims = stage.until(lambda: _candidate(stage)["pids"], "a scorer of the canary")
    os.kill(victims[0], signal.SIGKILL)
    stage.until(lambda: _candidate(stage)["pids"] not in ([], victims), "another scorer")
    # What it was given: the one that it was running.
    return 1


FAULTS = (canary, bad_canary, bad_mirror)
