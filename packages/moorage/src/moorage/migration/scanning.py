"""A folder full of files: which of them are read, as what, and what becomes of unreadable ones."""

import codecs
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

from moorage.errors import InvalidArgument
from moorage.migration.documents import scan_document
from moorage.migration.findings import Finding, Judgement, Report, Verdict, merged
from moorage.migration.notebooks import scan_notebook
from moorage.migration.project import Project
from moorage.migration.python_code import scan_python
from moorage.migration.sources import Source

__all__ = ["LARGEST_BYTES", "scan"]

LARGEST_BYTES = 64 * 1024 * 1024
"""Larger files are not read, but said; the pictures in a notebook can be that large."""
LARGEST_DOCUMENT_BYTES = 2 * 1024 * 1024
"""Larger JSON and YAML files are data."""

SKIPPED_FOLDERS = frozenset(
    {
        ".eggs",
        ".git",
        ".hg",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".terraform",
        ".tox",
        "__pycache__",
        "node_modules",
        "site-packages",
    }
)
_SHELL_SUFFIXES = frozenset({".sh", ".bash", ".zsh", ".ksh", ".ps1", ".psm1", ".cmd", ".bat", ".mk"})
_DOCUMENT_SUFFIXES = frozenset({".yml", ".yaml", ".json"})
_SHELL_NAMES = re.compile(
    r"(?i)(?:GNU)?makefile|dockerfile(?:\..+)?|.+\.dockerfile|jenkinsfile|justfile|procfile"
)
_REQUIREMENTS = re.compile(r"(?i).*(?:requirements|constraints).*\.(?:txt|in)")
_NAMES = (
    b"azureml",
    b"inference_schema",
    b"inference-schema",
    b"azure.ai",
    b"azure-ai",
    b"mltable",
    b"entryscript",
    b"computetype",
    b"workspace_name",
    b"aml-",
)
_COMMAND = re.compile(rb"az(?:\.cmd|\.exe)?[\"',\s\\`^]+(?:ml|extension|configure)\b")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)

OnProgress = Callable[[int], None]


def scan(path: Path, *, on_progress: OnProgress | None = None) -> Report:
    """Read a file, or all files of a folder that may use the old SDK or command line.

    Changes nothing and runs nothing, and does not follow links. ``on_progress`` is told, after each file, how
    many were read.

    Raises:
        InvalidArgument: ``path`` does not exist, or is a device or the like.
    """
    if not path.exists():
        raise InvalidArgument("PATH", f"{path} does not exist")
    if not (path.is_dir() or path.is_file()):
        raise InvalidArgument("PATH", f"{path} is neither a file nor a folder")
    root = path if path.is_dir() else path.parent
    findings: list[Finding] = []
    project, count = Project(root), 0
    for file in [path] if path.is_file() else _files(path, findings, root):
        count += 1
        findings += scan_file(file, PurePath(file.relative_to(root)), project)
        if on_progress is not None:
            on_progress(count)
    return Report(count, tuple(merged(findings)))


def scan_file(file: Path, shown: PurePath, project: Project) -> list[Finding]:
    """Return the uses in one file."""
    kind = kind_of(file)
    if kind is None:
        return []
    try:
        size = file.stat().st_size
        if size > (LARGEST_DOCUMENT_BYTES if kind == "document" else LARGEST_BYTES):
            return [] if kind == "document" else _too_large(file, shown, size)
        content = file.read_bytes()
    except OSError as error:
        return _not_read(shown, f"It cannot be read: {error.strerror}.")
    has_mark = content.startswith(tuple(mark for mark, _ in _MARKS[1:]))
    if not has_mark and (b"\0" in content[:8192] or not _mentions(content)):
        return []
    text, doubt = _decoded(content)
    if has_mark and not _mentions(text.encode()):
        return []
    source = Source(shown, text, project)
    if kind == "notebook":
        scan_notebook(source)
    elif kind == "python":
        scan_python(source)
    elif kind == "document":
        scan_document(source, file.name)
    else:
        source.add_commands(text)
    if doubt and source.findings:
        source.findings += _not_read(shown, doubt)
    return source.findings


def _mentions(content: bytes) -> bool:
    """Tell whether a file may use what is looked for: most do not, and need not be parsed."""
    folded = content.lower()
    return any(name in folded for name in _NAMES) or _COMMAND.search(folded) is not None


def kind_of(file: Path) -> str | None:
    """Return as what a file is read: notebook, python, document or shell; None: not at all."""
    suffix = file.suffix.lower()
    if suffix == ".ipynb":
        return "notebook"
    if suffix in {".py", ".pyw"}:
        return "python"
    if suffix in _DOCUMENT_SUFFIXES or _REQUIREMENTS.fullmatch(file.name):
        return "document"
    if suffix in _SHELL_SUFFIXES or _SHELL_NAMES.fullmatch(file.name):
        return "shell"
    return _kind_of_script(file) if not suffix else None


def _kind_of_script(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            first = opened.read(128).partition(b"\n")[0]
    except OSError:
        return None
    if not first.startswith(b"#!"):
        return None
    return "python" if b"python" in first else "shell" if re.search(rb"\b(?:ba|z|k|da)?sh\b", first) else None


def _files(folder: Path, findings: list[Finding], root: Path) -> Iterator[Path]:
    """Yield the files below a folder in the order of their names."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        findings += _not_read(PurePath(folder.relative_to(root)), f"It cannot be read: {error.strerror}.")
        return
    for entry in entries:
        if entry.is_symlink():
            continue
        if entry.is_dir():
            inner = Path(entry.path)
            if entry.name not in SKIPPED_FOLDERS and not _is_environment(inner):
                yield from _files(inner, findings, root)
        elif entry.is_file():
            yield Path(entry.path)


def _is_environment(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").is_file() or (folder / "conda-meta").is_dir()


def _decoded(content: bytes) -> tuple[str, str]:
    """Return a file's text, and what to say if it is not certain."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace"), ""
    declared = _CODING.search(b"\n".join(content.split(b"\n", 2)[:2]))
    names = [declared.group(1).decode("ascii", "replace")] if declared else []
    for name in (*names, "utf-8"):
        try:
            return content.decode(name), ""
        except (LookupError, UnicodeDecodeError):
            continue
    return content.decode("latin-1"), "It is not UTF-8 text; it was read as Latin-1, names may be wrong."


def _too_large(file: Path, shown: PurePath, size: int) -> list[Finding]:
    overlap = b""
    with file.open("rb") as opened:
        while piece := opened.read(1024 * 1024):
            if _mentions(overlap + piece):
                limit = LARGEST_BYTES // 1024**2
                return _not_read(
                    shown, f"It has {size / 1e6:.0f} MB; up to {limit} MiB are read. Clear the outputs."
                )
            overlap = piece[-64:]
    return []


def _not_read(shown: PurePath, text: str) -> list[Finding]:
    judgement = Judgement(Verdict.NOT_READ, text)
    return [Finding(path=shown, line=1, cell=None, code="", names=(), judgement=judgement)]
