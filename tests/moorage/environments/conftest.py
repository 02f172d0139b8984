"""A package index of one's own: two small wheels in a folder, so that no test needs a network."""

import zipfile
from pathlib import Path

import pytest

from moorage.environments.store import Store


def write_wheel(folder: Path, name: str, version: str, requires: tuple[str, ...] = ()) -> None:
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: MIT\n"
    metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", f"version = {version!r}\n")
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def wheels(tmp_path: Path) -> list[str]:
    """Lines for pip that make a folder the only index: boat 1.0 and 2.0 (needs mast<2), mast 1.0 and 2.0."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for version in ("1.0", "2.0"):
        write_wheel(folder, "mast", version)
        write_wheel(folder, "boat", version, ("mast<2",) if version == "2.0" else ("mast",))
    return ["--no-index", f"--find-links {folder}"]


@pytest.fixture
def store(home: Path) -> Store:
    return Store.of(home)
