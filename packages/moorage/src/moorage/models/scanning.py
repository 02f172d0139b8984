"""Looking into model files for code that runs when they are loaded, without loading them.

Which names are dangerous is decided by picklescan; what a file holds (pickles in archives, behind
compression, in arrays of objects) is found here by its content, whatever its name says.
"""

import bz2
import gzip
import json
import logging
import lzma
import mmap
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from moorage.errors import NotSupported
from moorage.models.pickle_names import CannotFollow, Reader, follow, follow_all, looks_pickled
from moorage.models.scan_policy import Danger, Finding

LIMIT_BYTES = 16 * 1024**3  # of one file with all that is in it, decompressed; beyond that nobody looks
MOST_MEMBERS = 100_000  # of an archive
DEEPEST_ARCHIVE = 3
_LONGEST_JSON_BYTES = 64 * 1024**2
_LAMBDA = re.compile(rb'"class_name"\s*:\s*"(?:Lambda|TFOpLambda|SlicingOpLambda)"')
_KNOWN = frozenset(
    {
        "__builtin__",
        "_codecs",
        "builtins",
        "catboost",
        "collections",
        "copy_reg",
        "copyreg",
        "datetime",
        "decimal",
        "dill",
        "joblib",
        "keras",
        "lightgbm",
        "numpy",
        "onnx",
        "pandas",
        "scipy",
        "sklearn",
        "statsmodels",
        "tensorflow",
        "torch",
        "transformers",
        "xgboost",
    }
)


def scan_files(files: list[tuple[str, Path]]) -> list[Finding]:
    """Return what is found in files (name to show, where it is), the most dangerous first.

    Raises:
        NotSupported: the scanner is not installed.
    """
    classify = _classifier()
    found: dict[Finding, None] = {}
    for name, path in files:
        for finding in _scan_file(name, path, classify):
            found[finding] = None
    order: list[Danger] = ["dangerous", "unreadable", "unknown"]
    return sorted(found, key=lambda one: (order.index(one.danger), one.path, one.what))


_Names = set[tuple[str, str]]
_Classify = Callable[[_Names], Iterator[tuple[Danger, str]]]


def _classifier() -> _Classify:
    try:
        from picklescan.scanner import SafetyLevel, scan_pickle_bytes  # type: ignore[import-untyped]
    except ImportError as error:
        raise NotSupported("scanning models needs an extra: pip install 'moorage[scan]'") from error

    logging.getLogger("picklescan").setLevel(logging.CRITICAL)  # it logs what it also returns

    def classify(names: _Names) -> Iterator[tuple[Danger, str]]:
        clean = sorted(name for name in names if not any("\n" in part for part in name))
        for module, name in names - set(clean):
            yield "dangerous", f"imports {module!r}.{name!r}, whose name has a line break"
        # A pickle that does nothing but import these: what the scanner says of it, it says of them.
        imports = b"".join(b"c%b\n%b\n0" % (m.encode(), n.encode()) for m, n in clean)
        result = scan_pickle_bytes(BytesIO(imports + b"N."), "names")
        for one in result.globals:
            if one.safety is SafetyLevel.Dangerous:
                yield "dangerous", f"imports {one.module}.{one.name}, which can run programs or code"
            elif one.safety is SafetyLevel.Suspicious and one.module.partition(".")[0] not in _KNOWN:
                yield "unknown", f"imports {one.module}.{one.name}"
        said = {(one.module, one.name) for one in result.globals}
        for module, name in sorted(set(clean) - said):
            yield "unreadable", f"imports {module}.{name}, which the scanner does not understand"

    return classify


def _scan_file(name: str, path: Path, classify: _Classify) -> Iterator[Finding]:
    # A pipe or device is not waited for, and a link is not followed to somewhere else.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            yield Finding(name, "unreadable", "is no file")
        elif status.st_size:
            yield from _Look(classify).at(name, file, 0)


class _Look:
    """At one file: the limit of bytes counts for all that is in it."""

    def __init__(self, classify: _Classify) -> None:
        self._classify = classify
        self._left_bytes = LIMIT_BYTES

    def at(self, name: str, file: IO[bytes], depth: int) -> Iterator[Finding]:
        head = _head(file)
        if head.startswith(b"PK\x03\x04") or (depth == 0 and zipfile.is_zipfile(file)):
            yield from self._archive(name, file, depth)
        elif head.startswith(b"\x93NUMPY"):
            yield from self._array(name, file)
        elif head.startswith(b"\x89HDF\r\n\x1a\n") or name.endswith((".pb", ".h5", ".hdf5", ".weights")):
            yield from self._keras(name, file)
        elif (opener := _opener(head)) is not None:
            file.seek(0)
            with opener(file) as inner:
                yield from self._pickles(name, inner, must_be=False)
        else:
            file.seek(0)
            yield from self._pickles(name, file, must_be=name.lower().endswith(_PICKLED))

    def _archive(self, name: str, file: IO[bytes], depth: int) -> Iterator[Finding]:
        if depth >= DEEPEST_ARCHIVE:
            yield Finding(name, "unreadable", "holds archives in archives in archives")
            return
        try:
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                if len(members) > MOST_MEMBERS:
                    yield Finding(name, "unreadable", f"holds more than {MOST_MEMBERS} files")
                    return
                for member in members:
                    shown = f"{name}!{member.filename}"
                    if _leaves(member.filename):
                        yield Finding(shown, "dangerous", "would be written outside of its folder")
                    if not member.is_dir():
                        yield from self._member(shown, archive, member, depth)
        except (
            zipfile.BadZipFile,
            OSError,
            NotImplementedError,
            RuntimeError,
            zlib.error,
            EOFError,
        ) as error:
            yield Finding(name, "unreadable", f"is a damaged archive: {error}")

    def _member(
        self, shown: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, depth: int
    ) -> Iterator[Finding]:
        base = member.filename.rsplit("/", 1)[-1]
        with archive.open(member) as inner:
            if base in ("config.json", "metadata.json"):
                text = inner.read(_LONGEST_JSON_BYTES)
                if _LAMBDA.search(text) or _has_lambda(text):
                    yield Finding(shown, "dangerous", "holds a Lambda layer, which is Python code")
                return
            head = inner.read(8)
        if not head:
            return
        if head.startswith((b"PK\x03\x04", b"\x93NUMPY", b"\x89HDF")):
            if member.file_size > _LONGEST_MEMBER_BYTES:
                yield Finding(shown, "unreadable", "is too large to look into")
                return
            with archive.open(member) as inner:
                content = BytesIO(inner.read(_LONGEST_MEMBER_BYTES))
            yield from self.at(shown, content, depth + 1)
        elif looks_pickled(head) or base.endswith(_PICKLED):
            with archive.open(member) as inner:
                yield from self._pickles(shown, inner, must_be=base.endswith(_PICKLED))

    def _array(self, name: str, file: IO[bytes]) -> Iterator[Finding]:
        file.seek(0)
        reader = Reader(file, self._left_bytes)
        head = reader.read(8)
        width = 2 if head[6:7] == b"\x01" else 4
        text = reader.read(min(int.from_bytes(reader.read(width), "little"), 1 << 20))
        if re.search(rb"\|O|['\"][<>=|]?O\d*['\"]", text):
            yield from self._followed(name, lambda names: follow(reader, names), must_be=True)
        self._left_bytes -= reader.taken_bytes

    def _keras(self, name: str, file: IO[bytes]) -> Iterator[Finding]:
        if isinstance(file, BytesIO):
            found = _LAMBDA.search(file.getvalue())
        else:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                # Whether it is found only: what was found would keep the file open.
                found = _LAMBDA.search(content) and _LAMBDA.match(b'"class_name":"Lambda"')
        if found:
            yield Finding(name, "dangerous", "holds a Lambda layer, which is Python code")

    def _pickles(self, name: str, file: IO[bytes], *, must_be: bool) -> Iterator[Finding]:
        reader = Reader(file, self._left_bytes)
        try:
            announced = looks_pickled(reader.peek(2))
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            yield Finding(name, "unreadable", f"cannot be decompressed: {error}")
            return
        except CannotFollow as error:
            yield Finding(name, "unreadable", f"is a pickle that cannot be followed: {error}")
            return
        yield from self._followed(name, lambda names: follow_all(reader, names), must_be=must_be or announced)
        self._left_bytes -= reader.taken_bytes

    def _followed(self, name: str, go: Callable[[_Names], None], *, must_be: bool) -> Iterator[Finding]:
        names: _Names = set()
        fault = None
        try:
            go(names)
        except CannotFollow as error:
            fault = str(error)
        found = [Finding(name, danger, what) for danger, what in self._classify(names)] if names else []
        # Text can begin like the steps of an old pickle. It soon ends as one, and names nothing that exists.
        if fault is None or must_be or any(one.danger == "dangerous" for one in found):
            yield from found
        if fault is not None and must_be:
            yield Finding(name, "unreadable", f"is a pickle that cannot be followed: {fault}")


_PICKLED = (".pkl", ".pickle", ".p", ".joblib", ".sav", ".dill", ".pt", ".pth", ".ckpt")
_LONGEST_MEMBER_BYTES = 512 * 1024**2


class _Zlib:
    """A zlib stream as a file to read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._inflate = zlib.decompressobj()

    def __enter__(self) -> "_Zlib":
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def read(self, size: int) -> bytes:
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._file.read(65536)
            if not packed:
                raise EOFError("it ends too early")
            data = self._inflate.decompress(packed, size)
            if data:
                return data
        return b""


def _opener(head: bytes) -> Callable[[IO[bytes]], Any] | None:
    """Return what reads a compressed file of joblib's kinds."""
    if head.startswith(b"\x1f\x8b"):
        return lambda file: gzip.open(file, "rb")
    if head.startswith(b"BZh"):
        return lambda file: bz2.open(file, "rb")
    if head.startswith((b"\xfd7zXZ", b"\x5d\x00\x00")):
        return lambda file: lzma.open(file, "rb")
    if head[:1] == b"x" and head[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
        return _Zlib
    return None


def _head(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(8)


def _leaves(member: str) -> bool:
    parts = member.replace("\\", "/").split("/")
    return member.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", member) is not None


def _has_lambda(text: bytes) -> bool:
    """Whether a JSON text has a Lambda layer anywhere, however it is written."""
    try:
        waiting = [json.loads(text)]
    except (ValueError, RecursionError):
        return False
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if str(value.get("class_name")).endswith("Lambda"):
                return True
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return False
