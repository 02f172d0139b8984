"""Putting packages of channels into a folder, and what is left to do once pip's are there too."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from moorage.environments.channels import process
from moorage.environments.channels.packages import CondaPackage

ACTIVATION = "etc/conda/activate.d"
_ACTIVATION_TIMEOUT_S = 60.0
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What a shell sets of its own accord.
_OF_THE_SHELL = {"PWD", "OLDPWD", "SHLVL", "_", "HOME", "PATH"}

Tell = Callable[[str], None]


def install_packages(
    packages: Sequence[CondaPackage], folder: Path, final: Path, tell: Tell, log: Path | None = None
) -> None:
    """Install the packages of a lock into ``folder``, with the path of ``final`` in their files.

    Raises:
        EnvironmentBuildFailed: one cannot be fetched, or is not the file that was locked; the text names it.
        StorageFull: the disk is full.
    """
    request = {
        "command": "install",
        "packages": [package.to_document() for package in packages],
        "prefix": str(folder),
        "final": str(final),
    }
    answer = process.ask(request, tell)
    if "fault" in answer:
        fault = answer["fault"]
        tell(f"error: {fault.get('said') or fault.get('reason')}")
        raise process.package_fault(fault, log)
    for package in packages:
        if (folder / "bin" / f".{package.name}-post-link.sh").exists():
            tell(f"warning: {package.name} has a script to run after it is installed, which is not run")
    for record in (folder / "conda-meta").glob("*.json"):
        record.chmod(0o644)  # services may run as another user


def settle(folder: Path, final: Path, tell: Tell) -> dict[str, str]:
    """Finish an environment that will be at ``final``; return the variables that its packages ask for.

    Scripts that pip installed name the folder that they were installed into. The variables are those that
    activating a conda environment sets (``GDAL_DATA``, ...), without ``PATH``.
    """
    _move_scripts(folder, final)
    return {"CONDA_PREFIX": str(final), **_activation(folder, final, tell)}


def path_with(folder: str, path: str) -> str:
    """Return a ``PATH`` on which the programs of an environment come first."""
    return os.pathsep.join([f"{folder}/bin", path or _SYSTEM_PATH])


def _move_scripts(folder: Path, final: Path) -> None:
    old, new = str(folder).encode(), str(final).encode()
    for script in (folder / "bin").iterdir():
        if script.is_symlink() or not script.is_file():
            continue
        with script.open("rb") as file:
            head = file.read(1024)
            if not head.startswith(b"#!") or old not in head:
                continue
            content = head + file.read()
        # A new file: the old one may be a link to one that others share.
        aside = script.with_name(f".{script.name}.new")
        aside.write_bytes(content.replace(old, new))
        aside.chmod(script.stat().st_mode & 0o777)
        aside.replace(script)


def _activation(folder: Path, final: Path, tell: Tell) -> dict[str, str]:
    """Run the scripts that packages have for a shell that enters their environment; return what they set."""
    scripts = sorted((folder / ACTIVATION).glob("*.sh"))
    if not scripts:
        return {}
    shell = shutil.which("bash") or "/bin/sh"
    with tempfile.TemporaryDirectory(prefix="moorage-activate-") as home:
        before = {
            "PATH": path_with(str(folder), _SYSTEM_PATH),
            "CONDA_PREFIX": str(folder),
            "CONDA_DEFAULT_ENV": str(folder),
            "HOME": home,
        }
        source = "".join(f'. "{ACTIVATION}/{script.name}" >&2 || true\n' for script in scripts)
        command = [shell, "-c", f"{source}env -0"]
        try:
            found = subprocess.run(  # noqa: S603 - packages that were locked with hashes
                command,
                env=before,
                cwd=folder,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=_ACTIVATION_TIMEOUT_S,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            tell(f"warning: the scripts in {ACTIVATION} cannot be run, and what they set is missing: {error}")
            return {}
    after = dict(
        entry.split("=", 1) for entry in found.stdout.decode(errors="replace").split("\0") if "=" in entry
    )
    kept = {name: value for name, value in after.items() if before.get(name) != value}
    moved = {name: value.replace(str(folder), str(final)) for name, value in sorted(kept.items())}
    return {name: value for name, value in moved.items() if name not in _OF_THE_SHELL}
