"""A scorer as a template: it loads the script once and is forked for every socket that it is handed."""

import gc
import os
import signal
import warnings
from typing import List

from . import processes
from .connection import Connection

_children: List[int] = []


def serve_or_fork(connection: Connection) -> bool:
    """Wait for the first messages; fork a child for every socket that comes with ``ADOPT``.

    Returns:
        True in a child, whose ``connection`` is the adopted one now; False in the process that was
        started, once it has requests of its own or its connection is over.
    """
    is_prepared = False
    while not connection.pending and connection.is_open:
        adopted = connection.receive_adoption()
        if adopted is None:
            continue
        if not is_prepared:
            # What is there now stays shared between the children: the collector does not touch it.
            gc.collect()
            getattr(gc, "freeze", int)()  # from Python 3.7 on
            is_prepared = True
        if _fork() == 0:
            connection.adopt(adopted)
            return True
        adopted.close()
        _reap()
    return False


def _fork() -> int:
    """Fork; 0 in the child."""
    template = os.getpid()
    with warnings.catch_warnings():
        # Threads of the script do not exist in the child: the documentation of preloading says so.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        _children.append(pid)
        return pid
    del _children[:]
    processes.die_with_parent()
    if os.getppid() != template:  # it died before the line above
        os.kill(os.getpid(), signal.SIGKILL)
    return 0


def _reap() -> None:
    """Collect children that have ended; the front learns it from their sockets."""
    for pid in list(_children):
        try:
            if os.waitpid(pid, os.WNOHANG)[0]:
                _children.remove(pid)
        except ChildProcessError:
            _children.remove(pid)
