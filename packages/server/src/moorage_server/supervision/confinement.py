"""What the processes of a service give up for good, so that a script cannot have it."""

import contextlib
import ctypes
import resource
import sys

PR_SET_NO_NEW_PRIVS = 38


def renounce() -> None:
    """For this process and all that it starts: no new privileges, no dumps of memory to disk.

    Programs that change the user (sudo, ping with the set-user-id bit) run without doing so.
    """
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
