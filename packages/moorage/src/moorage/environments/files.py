"""Files that say which packages are wanted: conda files, requirements, projects, and locks of other tools."""

import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from moorage.environments.conda import CondaSpecification, read_conda_file
from moorage.environments.environment import Environment
from moorage.environments.folder import read_folder
from moorage.environments.locking import run_uv
from moorage.environments.tool import uv_path
from moorage.environments.wanted import Wanted, translate
from moorage.errors import InvalidConfiguration

_OTHER_LOCKS = {
    "poetry.lock": "poetry export --without-hashes -o requirements.txt",
    "pdm.lock": "pdm export --without-hashes -o requirements.txt",
    "Pipfile.lock": "pipenv requirements > requirements.txt",
    "Pipfile": "pipenv requirements > requirements.txt",
    "conda-lock.yml": "conda-lock render --kind env",
}


def read_wanted(path: Path) -> Wanted:
    """Return what a file or folder asks for.

    A folder with ``azureml_environment.json``; a conda file (``.yml``); ``pyproject.toml`` (its dependencies
    and ``requires-python``); ``uv.lock`` beside its project; ``pylock.toml``; all else are requirements.

    Raises:
        InvalidConfiguration: it cannot be read, or is the lock of a tool that we cannot read.
    """
    if path.is_dir():
        found = read_folder(path)
        return translate(found.conda, found.pip_requirements)
    if path.name in _OTHER_LOCKS:
        advice = f"let its own tool write a file that it can be read from: {_OTHER_LOCKS[path.name]}"
        raise InvalidConfiguration(f"{path.name} is not read here; {advice}")
    if path.suffix.lower() in (".yml", ".yaml"):
        return translate(read_conda_file(path))
    if path.name == "uv.lock":
        return translate(_python_of(_toml(path), path), _exported(path))
    if path.suffix == ".toml":
        document = _toml(path)
        if path.name.startswith("pylock."):
            return translate(_python_of(document, path), _locked(document, path))
        project = document.get("project")
        if not isinstance(project, Mapping):
            raise InvalidConfiguration(f"{path} has no table [project], which lists dependencies")
        return translate(_python_of(project, path), _texts(project, "dependencies", path))
    return translate(None, _text(path).splitlines())


def read_environment(path: Path, name: str) -> Environment:
    """Return what a file or folder asks for as an environment of that name; see `read_wanted`.

    Raises:
        InvalidConfiguration: see `read_wanted`.
    """
    if path.is_dir():
        return replace(read_folder(path), name=name)
    if path.suffix.lower() in (".yml", ".yaml") and path.name not in _OTHER_LOCKS:
        return Environment(name, conda=read_conda_file(path))
    wanted = read_wanted(path)
    if path.suffix != ".toml" and path.name != "uv.lock":
        # As it was written: what is left out, and why, is said when it is built.
        lines = (line.strip() for line in _text(path).splitlines())
        return Environment(name, pip_requirements=tuple(x for x in lines if x and not x.startswith("#")))
    python = wanted.python
    if python is None:
        return Environment(name, pip_requirements=(*wanted.options, *wanted.requirements))
    package = f"python{python if python[0] in '<>=!' else f'={python}'}"
    pip = (*wanted.options, *wanted.requirements)
    return Environment(name, conda=CondaSpecification(packages=(package,), pip=pip))


def _python_of(document: Mapping[str, Any], path: Path) -> CondaSpecification | None:
    wanted = document.get("requires-python")
    if wanted is None:
        return None
    if not isinstance(wanted, str):
        raise InvalidConfiguration(f"{path}: requires-python must be a text")
    return CondaSpecification(packages=(f"python{wanted.replace(' ', '')}",))


def _texts(document: Mapping[str, Any], key: str, path: Path) -> list[str]:
    value = document.get(key, [])
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        raise InvalidConfiguration(f"{path}: {key} must be a list of texts")
    return value


def _locked(document: Mapping[str, Any], path: Path) -> Iterator[str]:
    """Yield the packages of a ``pylock.toml`` (PEP 751) with their exact versions."""
    packages = document.get("packages")
    if not isinstance(packages, list) or not all(isinstance(one, Mapping) for one in packages):
        raise InvalidConfiguration(f"{path} has no tables [[packages]]")
    for one in packages:
        name, version, marker = one.get("name"), one.get("version"), one.get("marker")
        if {"vcs", "directory"} & set(one) or not name or not version:
            advice = "build a wheel of it, and name that"
            raise InvalidConfiguration(f"{path}: {name} is no package with a version; {advice}")
        yield f"{name}=={version}" + (f" ; {marker}" if marker else "")


def _exported(path: Path) -> list[str]:
    """Return the lines that uv makes of its own lock, which is beside the project that it is for."""
    folder = path.absolute().parent
    if not (folder / "pyproject.toml").is_file():
        raise InvalidConfiguration(f"{path} belongs to a pyproject.toml, and there is none beside it")
    command = [uv_path(), "export", "--frozen", "--no-hashes", "--no-emit-project", "--no-header", "--quiet"]
    answer = run_uv([*command, "--no-annotate", "--no-default-groups"], cwd=str(folder))
    if answer.returncode != 0:
        raise InvalidConfiguration(f"{path} cannot be read: {' '.join(answer.stderr.split())}")
    return answer.stdout.splitlines()


def _toml(path: Path) -> dict[str, Any]:
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        found: dict[str, Any] = toml.loads(_text(path))
    except ValueError as error:
        raise InvalidConfiguration(f"{path} is no TOML: {error}") from error
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = re.sub(r"^\[Errno \d+\] ", "", str(error))
        raise InvalidConfiguration(f"{path} cannot be read: {reason}") from error
