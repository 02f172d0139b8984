"""Which files a path or pattern means, here and in a data store."""

import glob
import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from moorage.datasets.dataset import LocalFile
from moorage.errors import DatasetFileNotFound, InvalidArgument

LONGEST_PATH_BYTES = 2000


def checked_path(path: str) -> str:
    """Return a path inside a data store in its one form, without ``./`` and outer slashes.

    Raises:
        InvalidArgument: it leaves the store, or is too long.
    """
    parts = PurePosixPath(path.replace(os.sep, "/").strip("/")).parts
    if ".." in parts:
        raise InvalidArgument("path_on_datastore", f"{path!r} leaves the data store; '..' is not allowed")
    if "\0" in path or len(path.encode()) > LONGEST_PATH_BYTES:
        raise InvalidArgument(
            "path_on_datastore", f"{path[:60]!r}... is no path of at most {LONGEST_PATH_BYTES} bytes"
        )
    return "/".join(parts)


def find_local(pattern: str | os.PathLike[str]) -> tuple[Path, list[LocalFile]]:
    """Return the files that a file, folder or pattern (``**`` goes down) means, and the folder they are in.

    The paths of the files are relative to that folder. Hidden files are left out, unless one is named.

    Raises:
        DatasetFileNotFound: there is none.
    """
    text = os.path.expanduser(os.fspath(pattern))  # noqa: PTH111
    place = Path(text).absolute()
    if place.is_file():
        return place.parent, [LocalFile(place.name, place)]
    if place.is_dir():
        base, wanted = place, "**/*"
    else:
        base = _fixed_part(place)
        wanted = re.sub(r"\*\*$", "**/*", place.relative_to(base).as_posix())
    found = ((one.relative_to(base), one) for one in sorted(base.glob(wanted)) if one.is_file())
    files = [
        LocalFile(name.as_posix(), one)
        for name, one in found
        if not any(p.startswith(".") for p in name.parts)
    ]
    if not files:
        raise DatasetFileNotFound(f"{pattern} names no file (current folder: {Path.cwd()})")
    return base, files


def _fixed_part(pattern: Path) -> Path:
    """Return the folder above the first part of a pattern with a wildcard."""
    parts: list[str] = []
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts)


def matching(pattern: str, paths: Iterable[str]) -> tuple[str, list[str]]:
    """Return those of ``paths`` that a file, folder or pattern means, and the folder that it fixes."""
    wanted = checked_path(pattern)
    known = sorted(paths)
    if wanted in known:
        return str(PurePosixPath(wanted).parent), [wanted]
    if not glob.has_magic(wanted):
        below = f"{wanted}/" if wanted else ""
        return wanted or ".", [path for path in known if path.startswith(below)]
    rule = re.compile(_expression(wanted))
    fixed = str(_fixed_part(Path(wanted))) or "."
    return fixed, [path for path in known if rule.fullmatch(path)]


def _expression(pattern: str) -> str:
    """Translate ``**/``, ``**``, ``*`` and ``?`` to a regular expression; the rest means itself."""
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return "".join(wild.get(piece, re.escape(piece)) for piece in pieces)
