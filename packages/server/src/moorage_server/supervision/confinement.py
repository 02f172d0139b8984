"""What the processes of a service give up for good, so that a script cannot have it."""

import contextlib
import ctypes
import resource
import sys

from .files import CONTAINER_SETTINGS

PR_SET_NO_NEW_PRIVS = 38


def renounce(settings: str) -> None:
    """For this process and all that it starts: no new privileges, no dumps of memory to disk.

    Programs that change the user (sudo, ping with the set-user-id bit) run without doing so. An engine of
    containers needs such a program where it is not root, and denies it to what it runs: where ``settings``
    are those of a container, it may be used.
    """
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux" and not settings.endswith(f"/{CONTAINER_SETTINGS}"):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
