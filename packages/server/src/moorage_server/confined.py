"""Give up rights for good, then become another program: ``python -I -S confined.py JSON COMMAND...``

The front starts scorers this way when they run as a user of their own: only the process itself may lower its
limits once it belongs to somebody else, and nothing of the user's environment may run before the change. With
``"probe": [paths]`` it prints the first path that the user cannot read, and ends. Standard library only.
"""

import ctypes
import json
import os
import resource
import sys

PR_SET_NO_NEW_PRIVS = 38
# The dynamic linker would load what these name into this process, too, which is still privileged.
HIDDEN = "MOORAGE_HIDDEN_"
LOADED_AT_START = ("LD_", "GLIBC_TUNABLES")


def main(arguments: list[str]) -> int:
    order = json.loads(arguments[0])
    for name, value in order["limits"].items():
        kind = getattr(resource, name)
        highest = resource.getrlimit(kind)[1]
        bound = value if highest == resource.RLIM_INFINITY else min(value, highest)
        resource.setrlimit(kind, (bound, bound))
    if order["cpus"]:
        os.sched_setaffinity(0, order["cpus"])
    if order["niceness"]:
        os.setpriority(os.PRIO_PROCESS, 0, max(os.getpriority(os.PRIO_PROCESS, 0), order["niceness"]))
    os.setgroups([])
    os.setresgid(order["gid"], order["gid"], order["gid"])
    os.setresuid(order["uid"], order["uid"], order["uid"])
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if "probe" in order:
        print(next((path for path in order["probe"] if not os.access(path, os.R_OK)), ""), end="")
        return 0
    os.execvpe(arguments[1], arguments[1:], uncovered(dict(os.environ)))  # noqa: S606


def covered(variables: dict[str, str]) -> dict[str, str]:
    """Return the variables with which this program is started, so that it becomes one with ``variables``."""
    return {HIDDEN + n if n.startswith(LOADED_AT_START) else n: v for n, v in variables.items()}


def uncovered(variables: dict[str, str]) -> dict[str, str]:
    """Take :func:`covered` back."""
    return {n.removeprefix(HIDDEN): v for n, v in variables.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
