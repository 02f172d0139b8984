"""Signals as events of the supervisor's loop."""

import signal
import socket

from .loop import Supervisor


def install_signals(supervisor: Supervisor) -> socket.socket:
    """Route SIGHUP, SIGTERM, SIGINT and SIGCHLD into the loop; return the socket that wakes it."""
    receiver, sender = socket.socketpair()
    receiver.setblocking(False)
    sender.setblocking(False)
    signal.set_wakeup_fd(sender.detach(), warn_on_full_buffer=False)
    signal.signal(signal.SIGHUP, lambda *_: supervisor.reload())
    signal.signal(signal.SIGTERM, lambda *_: supervisor.stop())
    signal.signal(signal.SIGINT, lambda *_: supervisor.stop())
    # Without a handler of its own, a child's end would not write to the socket.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return receiver
