"""The dependencies in pyproject.toml, in the lock and on the page that explains them are the same."""

import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest and coverage bring it along

PACKAGES = {
    "moorage-runtime": "packages/runtime",
    "moorage-server": "packages/server",
    "moorage": "packages/moorage",
    "moorage-azureml": "packages/azureml",
}


def declared(root: Path, folder: str) -> list[Requirement]:
    project = tomllib.loads((root / folder / "pyproject.toml").read_text())["project"]
    texts = [*project["dependencies"]]
    for extra in project.get("optional-dependencies", {}).values():
        texts += extra
    return [Requirement(text) for text in texts]


def development(root: Path) -> list[Requirement]:
    groups = tomllib.loads((root / "pyproject.toml").read_text())["dependency-groups"]
    return [Requirement(text) for text in groups["dev"]]


def explained(root: Path) -> dict[str, set[str]]:
    """Return the names under each heading of the page, each of which needs a reason."""
    sections: dict[str, set[str]] = {}
    heading = ""
    for line in (root / "docs" / "dependencies.md").read_text().splitlines():
        if line.startswith("## "):
            heading = line[3:].strip()
            sections[heading] = set()
        elif found := re.match(r"- `([^`]+)`: \w.{8,}", line):
            sections[heading].add(canonicalize_name(found.group(1)))
    return sections


def locked(root: Path) -> dict[str, list[str]]:
    """Return the versions of each package in the lock; several where they depend on the platform."""
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(
        r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", (root / "requirements/dev.txt").read_text(), re.MULTILINE
    ):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


@pytest.mark.parametrize("name", [*PACKAGES, "Development"])
def test_each_dependency_has_a_reason_and_no_other_is_explained(root: Path, name: str) -> None:
    requirements = development(root) if name == "Development" else declared(root, PACKAGES[name])
    wanted = {canonicalize_name(requirement.name) for requirement in requirements}
    assert explained(root).get(name, set()) == wanted


def test_the_runtime_needs_nothing(root: Path) -> None:
    assert declared(root, PACKAGES["moorage-runtime"]) == []


def test_the_lock_fulfils_every_declaration(root: Path) -> None:
    versions = locked(root)
    requirements = development(root) + [r for folder in PACKAGES.values() for r in declared(root, folder)]
    for requirement in requirements:
        if requirement.name in PACKAGES:
            continue
        found = versions.get(canonicalize_name(requirement.name), [])
        assert found, f"{requirement.name} is not in requirements/dev.txt: run make lock"
        assert all(requirement.specifier.contains(version) for version in found), (
            f"requirements/dev.txt has {requirement.name} {found}, wanted is {requirement}: run make lock"
        )


def test_the_lock_has_hashes_and_no_addresses(root: Path) -> None:
    lock = (root / "requirements/dev.txt").read_text()
    blocks = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert len(blocks) > 50
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in lock
    assert not re.search(r"^\s*--(index|extra-index|find-links)", lock, re.MULTILINE)
