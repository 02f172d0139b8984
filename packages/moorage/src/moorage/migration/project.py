"""The programs of a folder that import each other: what a function of one gives, another goes on with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from moorage.migration import python_code
from moorage.migration.values import Value

__all__ = ["Known", "Project"]

LARGEST_BYTES = 1024 * 1024
"""Larger programs are generated ones; nobody gets a workspace from them."""


@dataclass
class Known:
    """What the functions and classes of programs take, give and hold, by full names."""

    taken: dict[tuple[str, str | int], Value] = field(default_factory=dict)
    """Function and parameter (its name or position)."""
    given: dict[str, Value] = field(default_factory=dict)
    held: dict[tuple[str, str], Value] = field(default_factory=dict)
    """Class and attribute; an empty one marks the name as that of a class."""


class Project:
    """Finds the programs below ``root`` (None: there are none) that another one imports."""

    def __init__(self, root: Path | None) -> None:
        self.known = Known()
        self._root = root
        self._names: dict[Path, Mapping[str, Value]] = {}

    def names_of(self, importer: PurePath, module: str, level: int) -> Mapping[str, Value] | None:
        """Return what the names of an imported module are; None if it is not one of the folder."""
        if self._root is None:
            return None
        here = importer.parent
        for _ in range(level - 1):
            here = here.parent
        parts = module.split(".") if module else []
        for folder in (here,) if level else (here, PurePath()):
            inner = folder.joinpath(*parts)
            places = [inner / "__init__.py", *([inner.with_name(f"{parts[-1]}.py")] if parts else [])]
            found = next((names for names in map(self._read, places) if names is not None), None)
            if found is not None:
                return found
        return None

    def _read(self, place: PurePath) -> Mapping[str, Value] | None:
        path = (self._root or Path()) / place
        if path in self._names:
            return self._names[path]
        try:
            if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST_BYTES:
                return None
            text = path.read_bytes().decode("utf-8", "replace")
        except (OSError, ValueError):
            return None
        self._names[path] = {}  # programs may import each other
        self._names[path] = python_code.names_in(place, text, self)
        return self._names[path]
