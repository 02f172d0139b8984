"""All checks, in the order in which they are read."""

from collections.abc import Iterator

from moorage.diagnosis import machine, programs
from moorage.diagnosis.check import Check
from moorage.diagnosis.workspaces import check_workspace


def diagnose(workspace_name: str | None = None) -> Iterator[Check]:
    """Look at every part and yield what was found; nothing is changed. Takes two or three seconds."""
    yield programs.check_python()
    yield programs.check_moorage()
    yield programs.check_uv()
    yield machine.check_home()
    yield machine.check_disk()
    yield machine.check_ports()
    yield machine.check_open_files()
    yield check_workspace(workspace_name)
    yield programs.check_pythons()
    yield programs.check_engine()
    yield programs.check_kubectl()
    yield from programs.check_packages()
