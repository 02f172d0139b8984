"""Conda environment files: the packages that a model wants, as a value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moorage.errors import InvalidConfiguration

# Lines in the pip list that tell pip how to install, not what.
_PIP_OPTION = re.compile(r"\s*(-|#|$)")

# python=3.8, python==3.8.13, python=3.7=h0371630_0 (with a build), python>=3.6, channel::python=3.8
_PYTHON = re.compile(r"(?:.*::)?python\s*(?:={1,2}\s*)?([0-9][^\s=]*|[<>!~]=?[^=].*)(?:=.*)?")


@dataclass(frozen=True, slots=True)
class CondaSpecification:
    """The content of a conda file: ``packages`` are conda's (``python=3.8``), ``pip`` are lines for pip."""

    name: str | None = None
    channels: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """Return what a conda YAML file of this content holds."""
        dependencies: list[Any] = list(self.packages)
        if self.pip:
            dependencies.append({"pip": list(self.pip)})
        document: dict[str, Any] = {"name": self.name} if self.name else {}
        if self.channels:
            document["channels"] = list(self.channels)
        return {**document, "dependencies": dependencies}

    @classmethod
    def from_document(cls, document: object, where: str = "the conda definition") -> "CondaSpecification":
        """Read the content of a conda file; ``where`` begins the messages.

        Raises:
            InvalidConfiguration: it is not a mapping of that form.
        """
        if not isinstance(document, Mapping):
            raise InvalidConfiguration(f"{where} must be a mapping with a list 'dependencies'")
        entries = document.get("dependencies")
        if not isinstance(entries, (list, tuple)):
            raise InvalidConfiguration(f"{where}: 'dependencies' must be a list of packages")
        packages: list[str] = []
        pip: list[str] = []
        for entry in entries:
            if isinstance(entry, str):
                packages.append(entry)
            elif isinstance(entry, Mapping) and set(entry) == {"pip"}:
                pip += _texts(entry["pip"], f"{where}: 'pip'")
            else:
                raise InvalidConfiguration(
                    f"{where}: {entry!r} in 'dependencies' is neither a package nor a list 'pip'"
                )
        name = document.get("name")
        return cls(
            name=None if name is None else str(name),
            channels=tuple(_texts(document.get("channels"), f"{where}: 'channels'")),
            packages=tuple(packages),
            pip=tuple(pip),
        )

    @property
    def python(self) -> str | None:
        """The wanted Python as conda writes it (``3.8``, ``>=3.6``), None if the file names none."""
        for package in self.packages:
            match = _PYTHON.fullmatch(package.strip())
            if match:
                return match.group(1)
        return None


def read_conda_file(path: Path | str) -> CondaSpecification:
    """Read a conda YAML file.

    Raises:
        InvalidConfiguration: missing, no YAML (the text has the line), or not of the form of a conda file.
    """
    import yaml  # not needed by most commands

    place = Path(path)
    try:
        document = yaml.safe_load(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidConfiguration(f"the conda file {place} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(f"the conda file {place} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "no YAML"
        raise InvalidConfiguration(f"the conda file {place}{line}: {reason}") from error
    return CondaSpecification.from_document(document, f"the conda file {place}")


def requirement_lines(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines of a pip list or file that name packages: no options, comments and blanks."""
    found = (re.split(r"\s+#|^#", line)[0].strip() for line in lines if not _PIP_OPTION.match(line))
    return tuple(line for line in found if line)


def _texts(value: object, where: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, (list, tuple)) or not all(isinstance(entry, str) for entry in value):
        raise InvalidConfiguration(f"{where} must be a list of texts")
    return list(value)
