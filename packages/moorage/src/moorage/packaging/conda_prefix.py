"""Packages of conda channels in an image: installed here, for the folder that they have there."""

import json
import os
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from moorage.environments.channels.installing import install_packages, path_with, settle
from moorage.environments.locking import Lock
from moorage.environments.wanted import Wanted
from moorage.errors import InvalidConfiguration

ARCHIVE = "environment/conda.tar"
# Where files came from on this machine: of no use in an image, and another one each time.
_OF_THIS_MACHINE = ("extracted_package_dir", "package_tarball_full_path", "link")

OnLine = Callable[[str], None]


def refuse_elsewhere(wanted: Wanted, wheels: Path | None) -> None:
    """Refuse before anything is built what cannot come into an image.

    Raises:
        InvalidConfiguration: packages of channels are wanted, and all has to come from a folder of wheels; or
            this machine is no Linux, as images are.
    """
    if not wanted.conda:
        return
    named = ", ".join(wanted.conda)
    if wheels is not None:
        raise InvalidConfiguration(
            f"the conda packages {named} come from channels, and the folder {wheels} has wheels alone; "
            "leave it out: what is from channels is in the files of a package, and is built without a network"
        )
    if sys.platform != "linux":
        raise InvalidConfiguration(
            f"the conda packages {named} are for the machine that looks them up, and images are Linux; "
            "package on Linux, or leave these packages to the base image"
        )


def write_prefix(lock: Lock, prefix: str, target: Path, at: int, on_line: OnLine) -> dict[str, str]:
    """Write the packages of channels as a tar archive and return the variables that they want to be set.

    ``prefix`` is the folder that they are for; the archive holds its last part. ``at`` is the time of all
    files: equal locks give equal archives.

    Raises:
        EnvironmentBuildFailed, StorageFull: a package cannot be had; nothing is written.
        OSError: the archive cannot be written.
    """
    final = Path(prefix)
    with tempfile.TemporaryDirectory(prefix=".conda-", dir=target.parent) as place:
        folder = Path(place, final.name)
        install_packages(lock.conda, folder, final, on_line)
        variables = settle(folder, final, on_line)
        _forget_this_machine(folder)
        with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
            for path in [folder, *sorted(folder.rglob("*"))]:
                _add(archive, path, str(path.relative_to(place)), at)
    return {**variables, "PATH": path_with(prefix, "")}


def _forget_this_machine(folder: Path) -> None:
    (folder / "CACHEDIR.TAG").unlink(missing_ok=True)
    for record in (folder / "conda-meta").glob("*.json"):
        document = json.loads(record.read_text(encoding="utf-8"))
        kept = {name: value for name, value in document.items() if name not in _OF_THIS_MACHINE}
        # The channel may be a folder here, or an address that only its own people should know.
        kept["url"] = str(kept.get("url", "")).rsplit("/", 1)[-1]
        kept["channel"] = str(kept.get("channel", "")).rstrip("/").rsplit("/", 1)[-1]
        record.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _add(archive: tarfile.TarFile, path: Path, name: str, at: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.mtime = at
    if path.is_symlink():
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, str(path.readlink()), 0o777
        archive.addfile(entry)
    elif path.is_dir():
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(entry)
    else:
        entry.size = path.stat().st_size
        entry.mode = 0o755 if os.access(path, os.X_OK) else 0o644
        with path.open("rb") as file:
            archive.addfile(entry, file)
