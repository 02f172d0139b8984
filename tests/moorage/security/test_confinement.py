"""What the processes of a service cannot do and cannot take."""

import os
import sys

import pytest

from moorage import errors, services
from moorage.deployments import LocalConfig

LOOK = """
import os, resource
def init(): pass
def run(data):
    if data.isdigit():
        return len(bytearray(int(data)))
    status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
    return {
        "no_new_privileges": status.get("NoNewPrivs", "").strip(),
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "files": resource.getrlimit(resource.RLIMIT_NOFILE),
        "data": resource.getrlimit(resource.RLIMIT_DATA),
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
    }
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these are Linux's own")


@pytest.mark.parametrize("preload", [False, True])
def test_a_scorer_has_what_the_deployment_gives_it_and_no_more(workspace, model, script, preload):
    config = LocalConfig(
        memory_limit_bytes=2_000_000_000, open_files_limit=99, niceness=5, worker_count=2, preload=preload
    )
    services.deploy(workspace, "limited", [model], script(LOOK), config)
    seen = services.run(workspace, "limited", "look").json()
    assert seen["no_new_privileges"] == "1"
    assert seen["core"] == [0, 0]
    assert seen["files"] == [99, 99]
    assert seen["data"] == [2_000_000_000, 2_000_000_000]
    assert seen["nice"] == max(5, os.getpriority(os.PRIO_PROCESS, 0))
    assert services.run(workspace, "limited", "1000").json() == 1000
    # What is too much costs the one request; the scorer and the machine go on.
    assert services.run(workspace, "limited", "4000000000").status == 500
    assert services.run(workspace, "limited", "1000").json() == 1000
    assert services.get(workspace, "limited").restarts == 0


def test_without_limits_only_privileges_are_gone(workspace, model, script):
    services.deploy(workspace, "free", [model], script(LOOK))
    seen = services.run(workspace, "free", "look").json()
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert (seen["no_new_privileges"], seen["core"], seen["nice"]) == ("1", [0, 0], own)


@pytest.mark.parametrize("wrong", [{"niceness": -1}, {"memory_limit_bytes": -1}, {"rate_limit_per_s": -0.5}])
def test_limits_that_are_none_are_refused(wrong):
    with pytest.raises(errors.InvalidConfiguration, match=next(iter(wrong))):
        LocalConfig(**wrong)
