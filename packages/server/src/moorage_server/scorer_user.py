"""Who a scorer runs as. Started by root, a service gives its script a user of its own where that is possible.

Possible means: root has the rights to change the user and to watch over processes of another one, and that
user can reach the interpreter and the files of the service. Reasons: ``docs/decisions/0032-*.md``.
"""

import hashlib
import json
import logging
import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import moorage_runtime
from moorage_server import confined
from moorage_server.errors import InvalidSettings
from moorage_server.settings import ServiceSettings

logger = logging.getLogger(__name__)

AUTOMATIC = "auto"
# Numbers that no distribution gives to people or packages; systemd has them for its dynamic users.
LOWEST_UID, HIGHEST_UID = 61184, 65519
# Numbers of capabilities (linux/capability.h), by name.
NEEDED = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "KILL": 5, "SETGID": 6, "SETUID": 7, "SYS_PTRACE": 19}
_PROBE_TIMEOUT_S = 60


class NotPossible(Exception):
    """Scorers cannot run as another user here; the text says why."""


@dataclass(frozen=True, slots=True)
class ScorerUser:
    """The user of the scorers of one service; ``home`` is a folder of its own, None: it has none."""

    uid: int
    gid: int
    name: str
    home: Path | None = None

    @property
    def variables(self) -> dict[str, str]:
        """Return what tells programs who they are; inherited values are those of another user."""
        home = {} if self.home is None else {"HOME": str(self.home)}
        return {"USER": self.name, "LOGNAME": self.name, **home}


def take(settings: ServiceSettings) -> ScorerUser | None:
    """Return the user for the scorers, with the files of the service handed to it; None: the server's own.

    Raises:
        InvalidSettings: a user is named, and cannot be taken.
    """
    if settings.user is None:
        return None
    is_automatic = settings.user == AUTOMATIC
    if os.geteuid() != 0 and is_automatic:
        return None
    try:
        user = choose(settings)
        if user.uid == os.geteuid():
            return None
        _check_rights()
        python = interpreter_path(settings.python)
        _check_way(user, [python, runtime_folder()])
        if user.home is not None:
            hand_over(settings, user, user.home)
        _probe(user, [python, runtime_folder(), *_files(settings)])
    except (NotPossible, OSError, subprocess.SubprocessError) as error:
        if not is_automatic:
            raise InvalidSettings(f"scorers cannot run as {settings.user}: {error}") from error
        logger.warning("the script runs as root, not as a user of its own: %s", error)
        return None
    return user


def choose(settings: ServiceSettings) -> ScorerUser:
    """Return the user that the settings ask for; raises `NotPossible` if there is none of this name."""
    wanted = settings.user or AUTOMATIC
    home = None if settings.user_home is None else Path(settings.user_home)
    if wanted == AUTOMATIC:
        uid = automatic_uid(str(Path(settings.app_root).parent.parent), _uids())
        return ScorerUser(uid, uid, f"scorer-{uid}", home)
    try:
        entry = pwd.getpwuid(int(wanted)) if wanted.isdecimal() else pwd.getpwnam(wanted)
    except KeyError:
        if not wanted.isdecimal():
            raise NotPossible("this machine has no user of that name") from None
        return ScorerUser(int(wanted), int(wanted), f"scorer-{wanted}", home)
    return ScorerUser(entry.pw_uid, entry.pw_gid, entry.pw_name, home)


def automatic_uid(service: str, taken: set[int]) -> int:
    """Return a number that is always the same for a service and belongs to nobody of the machine."""
    count = HIGHEST_UID - LOWEST_UID + 1
    first = int.from_bytes(hashlib.sha256(service.encode()).digest()[:8], "big")
    numbers = (LOWEST_UID + (first + step) % count for step in range(count))
    return next((uid for uid in numbers if uid not in taken), LOWEST_UID + first % count)


def first_barrier(path: Path, uid: int, gid: int) -> Path | None:
    """Return the folder on the way to ``path``, links followed, that keeps this user out; None: none does."""
    for way in {path.absolute(), path.resolve()}:
        for folder in reversed(way.parents):
            status = folder.stat()
            bit = (
                stat.S_IXUSR
                if status.st_uid == uid
                else stat.S_IXGRP
                if status.st_gid == gid
                else stat.S_IXOTH
            )
            if not status.st_mode & bit:
                return folder
    return None


def hand_over(settings: ServiceSettings, user: ScorerUser, home: Path) -> None:
    """Let the user read the files of the service, write beside them, and have a folder of its own.

    Models stay root's alone to change. Links are left as they are: what they lead to is not the service's.
    """
    app = Path(settings.app_root)
    models = app / "azureml-models"
    for folder, folders, files in os.walk(app):
        # What the script made itself stays as it is, and is not looked into.
        folders[:] = [name for name in folders if os.lstat(os.path.join(folder, name)).st_uid == 0]  # noqa: PTH118
        is_model = Path(folder) == models or models in Path(folder).parents
        # With the sticky bit, files can be added, and only one's own can be removed.
        _give(folder, user.gid, 0o750 if is_model else 0o1770)
        for name in files:
            path = os.path.join(folder, name)  # noqa: PTH118 - there may be many thousands
            _give(path, user.gid, None)
    home.mkdir(mode=0o700, exist_ok=True)
    os.chown(home, user.uid, user.gid, follow_symlinks=False)
    for descriptor in (1, 2):
        # So that scripts may open /dev/stdout.
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            os.fchown(descriptor, user.uid, -1)


def interpreter_path(python: str) -> Path:
    found = shutil.which(python)
    if found is None:
        raise NotPossible(f"the interpreter {python} cannot be found")
    return Path(found)


def runtime_folder() -> Path:
    return Path(moorage_runtime.__file__).parent


def _give(path: str, gid: int, mode: int | None) -> None:
    status = os.lstat(path)
    is_shared = stat.S_ISREG(status.st_mode) and status.st_nlink > 1
    if status.st_uid != 0 or stat.S_ISLNK(status.st_mode) or is_shared:
        return  # of the script's own making, or a file that is elsewhere, too
    wanted = status.st_mode & 0o700 | (status.st_mode >> 3 & 0o050) if mode is None else mode
    if status.st_gid != gid:
        os.chown(path, -1, gid, follow_symlinks=False)
    if stat.S_IMODE(status.st_mode) != wanted:
        os.chmod(path, wanted)  # noqa: PTH101


def _check_rights() -> None:
    text = Path("/proc/self/status").read_text() if sys.platform == "linux" else ""
    held = next((int(line.split()[1], 16) for line in text.splitlines() if line.startswith("CapEff:")), 0)
    lacking = [name for name, number in NEEDED.items() if not held >> number & 1]
    if lacking:
        raise NotPossible(f"root lacks CAP_{', CAP_'.join(lacking)} here")


def _check_way(user: ScorerUser, paths: Iterable[Path]) -> None:
    for path in paths:
        barrier = first_barrier(path, user.uid, user.gid)
        if barrier is not None:
            raise NotPossible(f"{path} cannot be reached by another user, {barrier} is closed")


def _files(settings: ServiceSettings) -> list[Path]:
    named = [settings.entry_path, None if settings.model_dir is None else Path(settings.model_dir)]
    return [Path(settings.app_root), *(path for path in named if path is not None)]


def _probe(user: ScorerUser, paths: list[Path]) -> None:
    """Ask the kernel: rights may come from access lists and be taken by security modules, too."""
    order = {"probe": [str(path) for path in paths]}
    ran = subprocess.run(  # noqa: S603 - our own program
        launcher(user, {}, 0, (), **order),
        capture_output=True,
        text=True,
        timeout=_PROBE_TIMEOUT_S,
        check=False,
    )
    if ran.returncode:
        raise NotPossible(ran.stderr.strip().rpartition("\n")[2] or "the user cannot be changed")
    if ran.stdout:
        raise NotPossible(f"{ran.stdout} cannot be read by another user")


def launcher(
    user: ScorerUser, limits: dict[str, int], niceness: int, cpus: Iterable[int], **more: object
) -> list[str]:
    """Return the start of a command line that runs the rest of it as ``user``, within limits."""
    order = {
        "uid": user.uid,
        "gid": user.gid,
        "limits": limits,
        "niceness": niceness,
        "cpus": list(cpus),
        **more,
    }
    return [sys.executable, "-I", "-S", str(Path(confined.__file__)), json.dumps(order)]


def _uids() -> set[int]:
    return {entry.pw_uid for entry in pwd.getpwall()}
