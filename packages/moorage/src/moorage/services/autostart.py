"""A systemd user unit that brings the services back when the machine starts."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from moorage.errors import InvalidArgument, StorageUnavailable
from moorage.workspace import home_folder

UNIT_NAME = "moorage.service"
# A start waits for the slowest init(); a stop for the longest request.
START_TIMEOUT_S, STOP_TIMEOUT_S = 1800, 300
_VERIFY_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as it stands in ``path``; ``problems`` is what systemd says about it, None if it is not here."""

    path: Path
    text: str
    problems: tuple[str, ...] | None


def write_unit(home: Path | str | None = None, *, folder: Path | None = None) -> Unit:
    """Write the unit for the services below ``home`` and let systemd check it.

    ``folder``: where units are; default: ``systemd/user`` in the user's configuration.

    Raises:
        InvalidArgument: a path has a character that a unit cannot hold.
        StorageUnavailable: it cannot be written.
    """
    text = unit_text(home_folder(home), Path(sys.executable))
    place = folder or unit_folder()
    path = place / UNIT_NAME
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        place.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise StorageUnavailable(f"the unit {path} cannot be written: {error.strerror}") from error
    return Unit(path, text, verify(path))


def unit_folder() -> Path:
    configuration = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(configuration).expanduser() / "systemd" / "user"


def unit_text(home: Path, python: Path) -> str:
    """Return the unit: one shot at the start, the supervisors stay; at the end all requests are finished."""
    command = f"{_quoted(python)} -m moorage.cli"
    return f"""\
# Written by: moor service autostart
[Unit]
Description=Services deployed with Moorage in {_specifiers(_checked(home))}
After=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
Environment={_quoted(Path(f"MOORAGE_HOME={_checked(home)}"))}
ExecStart={command} up
ExecStop={command} down
TimeoutStartSec={START_TIMEOUT_S}
TimeoutStopSec={STOP_TIMEOUT_S}

[Install]
WantedBy=default.target
"""


def verify(path: Path) -> tuple[str, ...] | None:
    """Return what ``systemd-analyze`` finds wrong with a unit, None where there is no such program."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as runtime:
        try:
            result = subprocess.run(  # noqa: S603 - a program of the system
                [program, "--user", "--no-pager", "--man=no", "verify", str(path)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                # Without a session there is no such folder, and it refuses to look.
                env={**os.environ, "XDG_RUNTIME_DIR": os.environ.get("XDG_RUNTIME_DIR") or runtime},
                timeout=_VERIFY_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    lines = [line.strip() for line in result.stderr.splitlines()]
    # It also speaks of other units of the machine.
    return tuple(line for line in lines if path.name in line)


def _quoted(value: Path) -> str:
    return (
        '"' + _specifiers(_checked(value)).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$") + '"'
    )


def _specifiers(text: str) -> str:
    return text.replace("%", "%%")


def _checked(path: Path) -> str:
    text = str(path)
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise InvalidArgument("path", f"{text!r} has a character that a systemd unit cannot hold")
    return text
