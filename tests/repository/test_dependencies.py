"""The dependencies in pyproject.toml, in the lock and on the page that explains them are the same."""

import re
import sys
from pathlib import Path

import pytest
from packaging.markers import Marker, default_environment
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


def locked(root: Path, environment: dict[str, str]) -> dict[str, list[str]]:
    """Return the version of each package that the lock installs in an environment."""
    versions: dict[str, list[str]] = {}
    for name, version, marker in re.findall(
        r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\\n]+))?",
        (root / "requirements/dev.txt").read_text(),
        re.MULTILINE,
    ):
        if not marker or Marker(marker.strip()).evaluate(environment):
            versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


@pytest.mark.parametrize("name", [*PACKAGES, "Development"])
def test_each_dependency_has_a_reason_and_no_other_is_explained(root: Path, name: str) -> None:
    requirements = development(root) if name == "Development" else declared(root, PACKAGES[name])
    wanted = {canonicalize_name(requirement.name) for requirement in requirements}
    assert explained(root).get(name, set()) == wanted


def test_the_runtime_needs_nothing(root: Path) -> None:
    assert declared(root, PACKAGES["moorage-runtime"]) == []


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13", "3.14"])
def test_the_lock_fulfils_every_declaration(root: Path, python: str) -> None:
    environment = {
        **{name: str(value) for name, value in default_environment().items()},
        "python_version": python,
        "python_full_version": f"{python}.0",
        "extra": "",
    }
    versions = locked(root, environment)
    requirements = development(root) + [r for folder in PACKAGES.values() for r in declared(root, folder)]
    for requirement in requirements:
        applies = requirement.marker is None or requirement.marker.evaluate(environment)
        if requirement.name in PACKAGES or not applies:
            continue
        found = versions.get(canonicalize_name(requirement.name), [])
        assert len(found) == 1, f"{requirement.name} is {found} in requirements/dev.txt: run make lock"
        assert requirement.specifier.contains(found[0], prereleases=True), (
            f"requirements/dev.txt has {requirement.name} {found[0]}, wanted is {requirement}: run make lock"
        )


def test_the_lock_has_hashes_and_no_addresses(root: Path) -> None:
    lock = (root / "requirements/dev.txt").read_text()
    blocks = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert len(blocks) > 50
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in lock
    assert not re.search(r"^\s*--(index|extra-index|find-links)", lock, re.MULTILINE)
