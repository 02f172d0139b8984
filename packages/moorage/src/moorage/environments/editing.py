"""Editing a conda environment file.

The document is a mapping with ``name``, ``channels`` and ``dependencies``; the pip packages are one entry of
``dependencies``, ``{"pip": [...]}``, where lines that begin with ``-`` are options of pip.
"""

import copy
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name

from moorage.errors import InvalidArgument, InvalidCondaFile

__all__ = ["CondaEditor"]

_DEFAULT: dict[str, Any] = {
    "name": "project_environment",
    "dependencies": ["python=3.8.13", {"pip": ["azureml-defaults"]}],
    "channels": ["anaconda", "conda-forge"],
}
_DEFAULT_FILE = "conda_dependencies.yml"
_TENSORFLOW = "2.2.0"
_CORE_TYPES = ("cpu", "gpu")


class CondaEditor:
    """A conda file; without a path it starts with Python, ``azureml-defaults`` and two channels.

    Raises:
        FileNotFoundError: there is no such file.
        InvalidCondaFile: the file is not a conda environment file.
    """

    def __init__(self, path: str | Path | None = None, document: dict[str, Any] | None = None) -> None:
        if document is not None:
            self._document = _checked(copy.deepcopy(document), "the given structure")
        elif path is not None:
            self._document = _read(Path(path))
        else:
            self._document = copy.deepcopy(_DEFAULT)

    def fill(
        self,
        *,
        python_version: str,
        conda_packages: Sequence[str] = (),
        pip_packages: Sequence[str] | None = None,
        pip_index_url: str | None = None,
    ) -> None:
        """Set the Python, add packages and the index of pip. ``pip_packages`` None: those that are there."""
        self.set_python_version(python_version)
        if pip_packages is not None:
            self.set_pip_requirements([])
            for package in pip_packages:
                self.add_pip_package(package)
        for package in conda_packages:
            self.add_conda_package(package)
        if pip_index_url:
            self.set_pip_index_url(pip_index_url)

    # --- conda packages and channels ---

    def add_conda_package(self, conda_package: str) -> None:
        """Append a specification; another one of the same package stays."""
        if conda_package not in self._conda():
            self._place_before_pip(conda_package)

    def remove_conda_package(self, conda_package: str) -> None:
        """Remove this very specification, if it is there."""
        self._dependencies()[:] = [entry for entry in self._dependencies() if entry != conda_package]

    def add_channel(self, channel: str) -> None:
        """Append a channel, unless it is there."""
        channels = self._document.setdefault("channels", [])
        if channel not in channels:
            channels.append(channel)

    def remove_channel(self, channel: str) -> None:
        """Remove a channel, if it is there."""
        self._document["channels"] = [known for known in self.conda_channels if known != channel]

    def get_python_version(self) -> str | None:
        """Return what stands behind ``python=``, or None."""
        for entry in self._conda():
            if _conda_name(entry) == "python":
                return entry[len("python") :].strip().lstrip("=<>!~ ") or None
        return None

    def set_python_version(self, version: str) -> None:
        """Replace the Python version, or put it first."""
        entries = self._dependencies()
        for index, entry in enumerate(entries):
            if isinstance(entry, str) and _conda_name(entry) == "python":
                entries[index] = f"python={version}"
                return
        entries.insert(0, f"python={version}")

    # --- pip packages and options ---

    def add_pip_package(self, pip_package: str) -> None:
        """Append a requirement; an entry of the same package goes."""
        self.remove_pip_package(pip_package)
        self._pip().append(pip_package)

    def remove_pip_package(self, pip_package: str) -> None:
        """Remove the entry of the same package, whatever its version, if it is there."""
        name = canonicalize_name(_pip_name(pip_package))
        self._pip()[:] = [
            line for line in self._pip() if _is_option(line) or canonicalize_name(_pip_name(line)) != name
        ]

    def set_pip_requirements(self, pip_requirements: list[str]) -> None:
        """Replace everything that pip gets, options included."""
        self._pip()[:] = list(pip_requirements)

    def set_pip_option(self, pip_option: str) -> None:
        """Add an option line in front of the packages, unless it is there."""
        options = list(self.pip_options)
        if pip_option not in options:
            self._pip()[:] = [*options, pip_option, *self.pip_packages]

    def remove_pip_option(self, pip_option: str) -> None:
        """Remove the option line, or every line of the option when only its name is given."""
        self._pip()[:] = [
            line
            for line in self._pip()
            if not (_is_option(line) and (line == pip_option or _option_name(line) == pip_option))
        ]

    def set_pip_index_url(self, index_url: str) -> None:
        """Replace the index that pip asks; takes an address or the whole ``--index-url`` line."""
        line = index_url if _is_option(index_url) else f"--index-url {index_url}"
        for name in {_option_name(line), "-i"} if _option_name(line) == "--index-url" else ():
            self.remove_pip_option(name)
        self.set_pip_option(line)

    # --- shortcuts for frameworks ---

    def add_tensorflow_pip_package(self, core_type: str = "cpu", version: str | None = None) -> None:
        """Add TensorFlow for pip; ``core_type`` is ``cpu`` or ``gpu``."""
        self.add_pip_package(f"{_with_core('tensorflow', core_type)}=={version or _TENSORFLOW}")

    def add_tensorflow_conda_package(self, core_type: str = "cpu", version: str | None = None) -> None:
        """Add TensorFlow for conda; ``core_type`` is ``cpu`` or ``gpu``."""
        self.add_conda_package(f"{_with_core('tensorflow', core_type)}={version or _TENSORFLOW}")

    def add_cntk_package(self, core_type: str = "cpu") -> None:
        """Add CNTK for pip; ``core_type`` is ``cpu`` or ``gpu``."""
        self.add_pip_package(_with_core("cntk", core_type))

    # --- reading and writing ---

    @property
    def conda_channels(self) -> Iterator[str]:
        """The channels, first the one that is asked first."""
        return iter(list(self._document.get("channels") or ()))

    @property
    def conda_packages(self) -> Iterator[str]:
        """The conda specifications, Python included."""
        return iter(self._conda())

    @property
    def pip_packages(self) -> Iterator[str]:
        """The requirements for pip, without options."""
        return iter([line for line in self._pip() if not _is_option(line)])

    @property
    def pip_options(self) -> Iterator[str]:
        """The option lines for pip."""
        return iter([line for line in self._pip() if _is_option(line)])

    def as_dict(self) -> dict[str, Any]:
        """Return a copy of the document."""
        return copy.deepcopy(self._document)

    def serialize_to_string(self) -> str:
        """Return the document as YAML."""
        return yaml.safe_dump(self._document, sort_keys=False, default_flow_style=False)

    def save(self, path: str | None = None) -> str:
        """Write the document and return the path; None: ``conda_dependencies.yml`` in the current folder.

        Raises:
            InvalidArgument: the folder does not exist.
        """
        target = Path(_DEFAULT_FILE if path is None else path)
        if target.is_dir():
            target /= _DEFAULT_FILE
        if not target.parent.is_dir():
            raise InvalidArgument(
                "conda file", f"cannot save to {target}: the folder {target.parent} does not exist"
            )
        target.write_text(self.serialize_to_string(), encoding="utf-8")
        return str(target)

    @staticmethod
    def merge_requirements(requirements: list[str]) -> list[str]:
        """Join the conditions on one package: ``["a==1", "a", "b>1", "b<3"]`` -> ``["a==1", "b>1,<3"]``."""
        merged: dict[str, list[str]] = {}
        for requirement in requirements:
            name = _pip_name(requirement)
            conditions = merged.setdefault(name, [])
            condition = requirement.strip()[len(name) :].strip()
            if condition and condition not in conditions:
                conditions.append(condition)
        return [name + ",".join(conditions) for name, conditions in merged.items()]

    def _dependencies(self) -> list[Any]:
        entries: list[Any] = self._document.setdefault("dependencies", [])
        return entries

    def _conda(self) -> list[str]:
        return [entry for entry in self._dependencies() if isinstance(entry, str)]

    def _pip(self) -> list[str]:
        for entry in self._dependencies():
            if isinstance(entry, dict) and "pip" in entry:
                lines: list[str] = entry["pip"]
                return lines
        self._dependencies().append({"pip": []})
        return self._pip()

    def _place_before_pip(self, entry: str) -> None:
        entries = self._dependencies()
        at = next((i for i, known in enumerate(entries) if isinstance(known, dict)), len(entries))
        entries.insert(at, entry)

    def __repr__(self) -> str:
        return self.serialize_to_string()


def _read(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8") as file:
        try:
            return _checked(yaml.safe_load(file), str(path))
        except yaml.YAMLError as error:
            raise InvalidCondaFile(f"{path} is not YAML: {error}") from error


def _checked(document: Any, origin: str) -> dict[str, Any]:
    """Return the document if its parts have the types that every method here relies on."""
    if not isinstance(document, dict):
        raise InvalidCondaFile(f"{origin} is not a conda file: a mapping with 'dependencies' is expected")
    for key in ("dependencies", "channels"):
        if document.get(key) is None:
            document[key] = []
        if not isinstance(document[key], list):
            raise InvalidCondaFile(f"{origin}: '{key}' must be a list")
    for entry in document["dependencies"]:
        if isinstance(entry, dict):
            entry["pip"] = entry.get("pip") or []
            if not isinstance(entry["pip"], list):
                raise InvalidCondaFile(f"{origin}: 'pip' must be a list of requirements")
        elif not isinstance(entry, str):
            raise InvalidCondaFile(f"{origin}: {entry!r} is not a package; quote it")
    return document


def _is_option(line: str) -> bool:
    return line.lstrip().startswith("-")


def _option_name(line: str) -> str:
    return re.split(r"[\s=]", line.strip(), maxsplit=1)[0]


def _pip_name(requirement: str) -> str:
    """Return the package's name with its extras left out; a path or address stands for itself."""
    match = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*(?=\s*(?:[\[=<>!~;@,]|$))", requirement.strip())
    return match.group() if match else requirement.strip()


def _conda_name(specification: str) -> str:
    return re.split(r"[\s=<>!~\[]", specification.strip(), maxsplit=1)[0].rpartition("::")[2].lower()


def _with_core(package: str, core_type: str) -> str:
    if core_type not in _CORE_TYPES:
        raise InvalidArgument("core_type", f"is 'cpu' or 'gpu', not {core_type!r}")
    return package if core_type == "cpu" else f"{package}-gpu"
