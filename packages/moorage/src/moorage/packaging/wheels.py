"""Wheels of our own distributions, made from what is installed, also from a checkout."""

import base64
import hashlib
import importlib
import importlib.metadata
import zipfile
from collections.abc import Iterator
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold
_LEFT_OUT = {"__pycache__"}


def write_wheel(distribution: str, package: str, folder: Path) -> Path:
    """Write the wheel of a pure Python distribution to ``folder``; equal files give equal wheels.

    ``package`` is its only import name; console scripts are left out.
    """
    metadata = importlib.metadata.metadata(distribution)
    version = str(metadata["Version"])
    root = Path(str(importlib.import_module(package).__file__)).parent
    info = f"{package}-{version}.dist-info"
    path = folder / f"{package}-{version}-py3-none-any.whl"
    record: list[str] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:

        def add(name: str, content: bytes) -> None:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            record.append(f"{name},sha256={digest},{len(content)}\n")

        for file in _files(root):
            add(f"{package}/{file.relative_to(root).as_posix()}", file.read_bytes())
        needs = importlib.metadata.requires(distribution) or []
        lines = [f"Name: {metadata['Name']}", f"Version: {version}", *(f"Requires-Dist: {n}" for n in needs)]
        add(f"{info}/METADATA", ("Metadata-Version: 2.1\n" + "\n".join(lines) + "\n").encode())
        add(f"{info}/WHEEL", b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        record.append(f"{info}/RECORD,,\n")
        wheel.writestr(zipfile.ZipInfo(f"{info}/RECORD", EPOCH), "".join(record))
    return path


def requirements_of(distribution: str, *, without: str) -> list[str]:
    """Return what a distribution needs, without its extras and without ``without``."""
    needs = importlib.metadata.requires(distribution) or []
    return [line for line in needs if "extra ==" not in line and not line.startswith(without)]


def _files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        # What a compiler made here is no part of a wheel for any machine; all works without it.
        if path.is_file() and not _LEFT_OUT & set(path.parts) and path.suffix not in (".pyc", ".so"):
            yield path
