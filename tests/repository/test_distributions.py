"""The four distributions build, from the checkout and from their own archives, with one version."""

import email
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from moorage_server import fastjson

FOLDERS = ("runtime", "server", "moorage", "azureml")
PACKAGES = {
    "moorage_runtime": ("moorage_runtime",),
    "moorage_server": ("moorage_server",),
    "moorage": ("moorage",),
    "moorage_azureml": ("azureml", "inference_schema"),
}


@pytest.fixture(scope="module")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archives, and the wheels that were made from them."""
    target = tmp_path_factory.mktemp("built")
    uv = Path(sys.executable).parent / "uv"
    for folder in FOLDERS:
        # With neither --wheel nor --sdist, uv builds the wheel from the archive.
        options = ["--quiet", "--offline", "--no-build-isolation", "--python", sys.executable]
        done = subprocess.run(
            [uv, "build", *options, "--out-dir", target, root / "packages" / folder],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
    return target


def version(root: Path) -> str:
    text = (root / "packages/runtime/src/moorage_runtime/version.py").read_text()
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    assert found
    return found.group(1)


def wheel_of(built: Path, name: str, root: Path) -> zipfile.ZipFile:
    """The one wheel of a distribution; that of the server has what a compiler made, where there is one."""
    (path,) = built.glob(f"{name}-{version(root)}-*.whl")
    tag = path.stem.split("-", 2)[2]
    if name == "moorage_server" and fastjson.IS_NATIVE:
        assert tag.startswith("cp310-abi3-")
        assert "moorage_server/_numbers.abi3.so" in zipfile.ZipFile(path).namelist()
    else:
        assert tag == "py3-none-any"
    return zipfile.ZipFile(path)


@pytest.mark.parametrize("name", PACKAGES)
def test_the_wheel_has_the_one_version_the_types_and_the_licence(root: Path, built: Path, name: str) -> None:
    wheel = wheel_of(built, name, root)
    files = wheel.namelist()
    metadata = email.message_from_bytes(
        wheel.read(next(file for file in files if file.endswith(".dist-info/METADATA")))
    )
    assert metadata["Version"] == version(root)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert any(re.search(r"\.dist-info/licenses/LICENSE$", file) for file in files)
    for package in PACKAGES[name]:
        assert f"{package}/py.typed" in files


@pytest.mark.parametrize("name", PACKAGES)
def test_the_archive_holds_no_folder_of_another_distribution(root: Path, built: Path, name: str) -> None:
    with tarfile.open(built / f"{name}-{version(root)}.tar.gz") as archive:
        top = {Path(file).parts[2] for file in archive.getnames() if "/src/" in file}
    assert top == set(PACKAGES[name])


def test_the_sources_of_a_package_are_all_in_its_wheel(root: Path, built: Path) -> None:
    for folder, name in zip(FOLDERS, PACKAGES, strict=True):
        wheel = wheel_of(built, name, root)
        source = root / "packages" / folder / "src"
        tracked = subprocess.run(
            ["git", "ls-files", "."], cwd=source, capture_output=True, text=True, check=False, timeout=60
        )
        if tracked.returncode:
            pytest.skip("not a git checkout")
        missing = set(tracked.stdout.split("\n")) - {""} - set(wheel.namelist())
        assert not {file for file in missing if (source / file).exists()}


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_distribution_carries_the_licence_of_the_repository(root: Path, folder: str) -> None:
    # Copies and not links: an archive with a link that leads out of it is refused.
    path = root / "packages" / folder / "LICENSE"
    assert not path.is_symlink()
    assert path.read_bytes() == (root / "LICENSE").read_bytes()
