"""Which files of the user go into a revision, and where they are in it.

The placement is the old one: a script alone is put into the application root under its base name; a source
folder is put there whole, under its own name.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from moorage.deployments.inference import InferenceConfig
from moorage.deployments.problems import Problem, error, warning

MODELS_FOLDER = "azureml-models"
MODEL_MAP = "model_config_map.json"
_LARGE_BYTES = 300 * 1000 * 1000
_MANY_FILES = 20_000
# Made anew by every Python; those of another one would only be in the way.
LEFT_OUT = frozenset({"__pycache__"})


@dataclass(frozen=True, slots=True)
class Source:
    """``script`` is absolute; ``folder`` is the source folder it is in, None if it is shipped alone."""

    script: Path
    folder: Path | None = None

    @property
    def folder_name(self) -> str | None:
        """Name of the source folder below the application root."""
        return None if self.folder is None else self.folder.name or "source"

    @property
    def entry_script(self) -> str:
        """Path of the script below the application root, with "/"."""
        if self.folder is None:
            return self.script.name
        return str(PurePosixPath(self.folder_name or "", *self.script.relative_to(self.folder).parts))

    def shown(self, path: Path) -> str:
        """Return how messages call a file: as the user would, from the source folder."""
        if self.folder is not None and path.is_relative_to(self.folder):
            return str(path.relative_to(self.folder))
        return path.name

    @property
    def import_folders(self) -> tuple[Path, ...]:
        """Folders whose files the script can import once it is deployed."""
        if self.folder is None:
            return ()
        return tuple(dict.fromkeys((self.folder, self.script.parent)))


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to copy: where it is, and its path below the application root."""

    path: Path
    target: PurePosixPath
    size_bytes: int


def find_source(config: InferenceConfig) -> tuple[Source | None, list[Problem]]:
    """Return where the script is, or None with the reason."""
    folder, script = config.source_path, config.entry_path
    if folder is not None and not folder.is_dir():
        return None, [error("source_directory", f"the folder {folder} does not exist")]
    if folder is not None and not script.is_relative_to(folder):
        return None, [error("entry_script", f"{script} is not in the source folder {folder}")]
    fault = _script_fault(script, "the source directory" if folder else "the current folder")
    source = Source(script, folder)
    if source.folder_name == MODELS_FOLDER:
        taken = f"a source folder cannot be called {MODELS_FOLDER}: the models are there"
        return None, [error("source_directory", taken, "rename it")]
    return (None, [fault]) if fault else (source, [])


def _script_fault(script: Path, base: str) -> Problem | None:
    if not script.is_file():
        return error("entry_script", f"the file {script} does not exist", f"the path counts from {base}")
    if script.suffix != ".py":
        return error("entry_script", f"{script} is not a Python file (.py)")
    if not os.access(script, os.R_OK):
        return error("entry_script", f"{script} cannot be read", "check its permissions")
    return None


def check_files(source: Source, excluded: Path) -> list[Problem]:
    """Warn of a source folder that is surely larger than meant, and of files that cannot be copied."""
    count = size_bytes = 0
    skipped: list[str] = []
    try:
        for file in source_files(source, excluded, skipped):
            count, size_bytes = count + 1, size_bytes + file.size_bytes
            if count > _MANY_FILES or size_bytes > _LARGE_BYTES:
                large = (
                    f"{source.folder} holds more than {_MANY_FILES:,} files or 300 MB, all copied each time"
                )
                return [warning("source_directory", large, "move data and environments out of it")]
    except OSError as fault:
        return [error("source_directory", f"{fault.filename} cannot be read: {fault.strerror}")]
    return [warning("source_directory", f"{text}, and is left out") for text in skipped[:5]]


def source_files(source: Source, excluded: Path, skipped: list[str] | None = None) -> Iterator[SourceFile]:
    """Yield every file to copy, in a stable order. ``excluded`` (our own home folder) is passed over.

    Links are followed, as the old upload did. What cannot be copied (a link to nothing or in a circle, a
    device, a socket) or would be of no use (a virtual environment) is named in ``skipped``.

    Raises:
        OSError: a folder cannot be read.
    """
    if source.folder is None:
        yield SourceFile(source.script, PurePosixPath(source.script.name), source.script.stat().st_size)
        return
    root = PurePosixPath(source.folder_name or "")
    walk = _Walk(excluded.resolve(), [] if skipped is None else skipped)
    yield from walk.files(source.folder, root, (source.folder.resolve(),))


class _Walk:
    def __init__(self, excluded: Path, skipped: list[str]) -> None:
        self._excluded = excluded
        self._skipped = skipped

    def files(self, folder: Path, target: PurePosixPath, above: tuple[Path, ...]) -> Iterator[SourceFile]:
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            path = folder / entry.name
            try:
                facts = entry.stat()
            except FileNotFoundError:
                self._skipped.append(f"{path} is a link to nothing")
                continue
            if stat.S_ISREG(facts.st_mode):
                yield SourceFile(path, target / entry.name, facts.st_size)
            elif not stat.S_ISDIR(facts.st_mode):
                self._skipped.append(f"{path} is neither a file nor a folder")
            elif entry.name not in LEFT_OUT and (real := path.resolve()) != self._excluded:
                if (path / "pyvenv.cfg").is_file():
                    # A copy of a virtual environment is of no use: it names its own place. And it is large.
                    self._skipped.append(f"{path} is a virtual environment")
                elif real in above:
                    self._skipped.append(f"{path} is a link that leads in a circle")
                else:
                    yield from self.files(path, target / entry.name, (*above, real))
