"""The place for everything that Moorage keeps, and what the system lets services do."""

import fcntl
import os
import shutil
import socket
import tempfile
from pathlib import Path

from moorage.diagnosis.check import Check
from moorage.workspace import home_folder

LITTLE_SPACE_BYTES = 2_000_000_000
NO_SPACE_BYTES = 200_000_000
FEW_FILES = 1024
SERVE_PORT = 5001
"""The default port of `moor serve`."""


def check_home() -> Check:
    """Try what is done in the home folder: write, lock, and run programs."""
    home = home_folder()
    enables = "models, environments, services: everything is kept there"
    choose = "choose another folder with MOORAGE_HOME"
    place = _existing(home)
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return Check("home", "fault", f"{home}: {place} cannot be written", enables, choose)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return Check("home", "fault", f"{home}: {error.strerror}", enables, choose)
    if os.statvfs(place).f_flag & getattr(os, "ST_NOEXEC", 0):
        found = f"{home}: programs there may not be run (noexec)"
        return Check("home", "warning", found, enables, f"environments would not start; {choose}")
    return Check("home", "ok", str(home) if home.is_dir() else f"{home}, made on first use", enables)


def check_disk() -> Check:
    """Look at the free space of the home folder's disk."""
    enables = "registering models, building environments"
    free = shutil.disk_usage(_existing(home_folder())).free
    found = f"{free / 1e9:.1f} GB free"
    if free >= LITTLE_SPACE_BYTES:
        return Check("disk", "ok", found, enables)
    help = "make room; moor environment gc removes environments that nobody uses"
    return Check("disk", "fault" if free < NO_SPACE_BYTES else "warning", found, enables, help)


def check_ports() -> Check:
    """Try to listen on this machine."""
    enables = "services and moor serve"
    try:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
    except OSError as error:
        found = f"nothing can listen at 127.0.0.1: {error.strerror}"
        return Check("ports", "fault", found, enables, "look at the firewall or the sandbox of this user")
    if _is_taken(SERVE_PORT):
        found = f"free ones can be had; {SERVE_PORT}, the default of moor serve, is taken"
        return Check("ports", "warning", found, enables, "give moor serve another one with --port")
    return Check("ports", "ok", f"free ones can be had, {SERVE_PORT} too", enables)


def check_open_files() -> Check:
    """Look at how many files a process may have open: every connection is one."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enables = "connections of a service"
    if soft != resource.RLIM_INFINITY and soft < FEW_FILES:
        more = hard == resource.RLIM_INFINITY or hard > soft
        help = "ulimit -n 4096" if more else "raise the limit of this user"
        return Check("open files", "warning", f"{soft} per process", enables, help)
    return Check("open files", "ok", f"{soft} per process", enables)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _existing(path: Path) -> Path:
    """Return the path, or the nearest folder above it that is there."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
