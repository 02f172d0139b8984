"""Locks that vanish with the process that holds them, however it ends.

``flock`` on an open file is released by the kernel, so a held ``supervisor.lock`` means that the
supervisor lives. Its pid is only written into the file to send signals; nobody trusts a pid alone.
"""

import fcntl
import os
import signal
import time
from pathlib import Path

from .files import KEEPER_LOCK, SUPERVISOR_LOCK


class FileLock:
    """An exclusive ``flock`` on ``path``; whoever acquires it closes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, *, wait_s: float = 0.0) -> bool:
        """Take the lock and write this process's pid into it; False if another holds it after ``wait_s``."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(descriptor)
                    return False
                time.sleep(0.01)
            else:
                # A lock file that was deleted meanwhile (its folder was) guards nothing.
                if not _is_same_file(descriptor, self.path):
                    os.close(descriptor)
                    return False
                break
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back; harmless if it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def holder(path: Path) -> int | None:
    """Return the pid written by the process that holds the lock ``path``, or None if nobody does.

    0 stands for a holder that has not written its pid yet.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(descriptor, 32, 0).strip()
        return int(text) if text.isdigit() else 0
    finally:
        os.close(descriptor)  # also gives the shared lock back
    return None


def supervisor_pid(service_dir: Path) -> int | None:
    """Return the pid of the living supervisor of ``service_dir``, None if there is none."""
    return holder(service_dir / SUPERVISOR_LOCK)


def keeper_pid(service_dir: Path) -> int | None:
    """Return the pid of the living keeper of ``service_dir``, None if there is none."""
    return holder(service_dir / KEEPER_LOCK)


def signal_supervisor(service_dir: Path, number: signal.Signals) -> bool:
    """Send a signal to the living supervisor of ``service_dir``; False if there is none."""
    return _signal_holder(service_dir / SUPERVISOR_LOCK, number)


def kill_keeper(service_dir: Path) -> bool:
    """End the living keeper of ``service_dir``, at once; False if there is none."""
    return _signal_holder(service_dir / KEEPER_LOCK, signal.SIGKILL)


def _signal_holder(path: Path, number: signal.Signals) -> bool:
    pid = holder(path)
    if not pid:
        return False
    if not hasattr(os, "pidfd_open"):
        return _kill(pid, number)
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        # The handle names one process for good. If the lock is still held by that pid now, then
        # the handle is the holder's, and not that of a program which got its number since.
        if holder(path) != pid:
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def _kill(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    here = os.fstat(descriptor)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
