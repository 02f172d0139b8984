"""Pickled models: what a file is and which library wrote it, without executing it; then loading it."""

import bz2
import gzip
import lzma
import re
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moorage_server.nocode.errors import ModelUnusable

LARGEST_SCAN = 256_000_000  # bytes, decompressed
_HEAD_BYTES = 4_000_000  # in which the first classes are named; the rest of a large file is numbers
_VERSION = re.compile(
    rb"_sklearn_version(?:\x94|q.|r.{4}|h.|j.{4})?"
    rb"(?:\x8c(?P<short>.)|X(?P<long>.{4})|U(?P<old>.)|\x8d(?P<wide>.{8}))(?P<text>[0-9][0-9A-Za-z.+-]{0,30})",
    re.DOTALL,
)
_MODULES = re.compile(rb"(?:\x8c.|c)([A-Za-z_][A-Za-z0-9_]*)(?:\.[A-Za-z0-9_.]+)?(?:\x94|\n)")
_COMPRESSED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
    b"\x5d\x00\x00": lzma.open,
}
LIBRARIES = ("sklearn", "xgboost", "lightgbm", "catboost", "torch", "tensorflow", "keras", "statsmodels")


@dataclass(frozen=True, slots=True)
class PickleFacts:
    """What the bytes of a pickle say. ``format``: pickle, joblib, skops; ``versions``: scikit-learn's own."""

    format: str
    compression: str | None
    versions: tuple[str, ...]
    libraries: tuple[str, ...]  # top-level modules of known libraries that it names


def read_facts(path: Path) -> PickleFacts | None:
    """Return what a file says about itself; None if it is no pickle. Nothing in it is executed.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(8)
    if head[:4] == b"PK\x03\x04":
        return _skops_facts(path)
    compression = next((o for magic, o in _COMPRESSED.items() if head.startswith(magic)), None)
    name = None
    try:
        if compression is not None:
            name = compression.__module__
            with compression(path, "rb") as file:
                content = file.read(LARGEST_SCAN)
        elif head[:1] == b"x" and head[1:2] in (b"\x01", b"\x9c", b"\xda", b"\x5e"):
            name = "zlib"
            content = zlib.decompressobj().decompress(path.read_bytes(), LARGEST_SCAN)
        else:
            with path.open("rb") as file:
                content = file.read(LARGEST_SCAN)
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        return None
    if not is_pickle(content[:2]):
        return None
    is_joblib = name is not None or b"joblib.numpy_pickle" in content
    found = {match["text"].decode() for match in map(_checked, _VERSION.finditer(content)) if match}
    tops = {match[1].decode() for match in _MODULES.finditer(content, 0, _HEAD_BYTES)}
    libraries = tuple(one for one in LIBRARIES if one in tops)
    return PickleFacts("joblib" if is_joblib else "pickle", name, tuple(sorted(found)), libraries)


def _checked(match: "re.Match[bytes]") -> dict[str, bytes] | None:
    """Return the version with exactly the length that the pickle announces."""
    lengths = [match[one] for one in ("short", "long", "old", "wide") if match[one] is not None]
    length = int.from_bytes(lengths[0], "little")
    text = match["text"][:length]
    return {"text": text} if 0 < length <= 31 and re.fullmatch(rb"[0-9][0-9A-Za-z.+-]*", text) else None


def is_pickle(head: bytes) -> bool:
    """Whether a file that starts like this can be a pickle: protocol 2 to 5, or the older ones."""
    return (head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")) or head in (
        b"cc",
        b"(i",
        b"cs",
        b"co",
        b"cn",
    )


def _skops_facts(path: Path) -> PickleFacts | None:
    try:
        with zipfile.ZipFile(path) as archive:
            if "schema.json" not in archive.namelist():
                return None
            schema = archive.read("schema.json")[:LARGEST_SCAN]
    except (zipfile.BadZipFile, OSError, KeyError):
        return None
    found = {
        m.decode() for m in re.findall(rb'"_sklearn_version": ?\{[^}]*?"content": ?"\\"([^"\\]+)', schema)
    }
    libraries = tuple(one for one in LIBRARIES if f'"{one}.'.encode() in schema)
    return PickleFacts("skops", None, tuple(sorted(found)), libraries)


def load(path: Path, facts: PickleFacts | None, trusted: tuple[str, ...] = ()) -> tuple[Any, list[str]]:
    """Return the object in a file, and the warnings that came with loading it.

    Raises:
        ModelUnusable: it cannot be loaded; the message says why and what would help.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            loaded = _load_skops(path, trusted) if facts and facts.format == "skops" else _load_pickle(path)
        except ModelUnusable:
            raise
        except Exception as error:
            raise ModelUnusable(_explained(path, facts, error)) from error
    return loaded, [str(one.message) for one in caught]


def _load_pickle(path: Path) -> Any:
    try:
        import joblib  # reads plain pickles and those of cloudpickle, too
    except ImportError:
        import pickle

        with path.open("rb") as file:
            return pickle.load(file)  # noqa: S301 - a model that its owner registered, in its own process
    return joblib.load(path)


def _load_skops(path: Path, trusted: tuple[str, ...]) -> Any:
    try:
        from skops import io
    except ImportError as error:
        raise ModelUnusable(
            f"{path.name} was saved by skops, which is not installed: pip install skops"
        ) from error
    unknown = [name for name in io.get_untrusted_types(file=path) if not _is_library(name)]
    refused = sorted(set(unknown) - set(trusted))
    if refused:
        raise ModelUnusable(
            f"{path.name} holds types that skops does not know: {', '.join(refused[:10])}. If you trust "
            "them, register the model with the property skops.trusted set to their names, with commas between"
        )
    return io.load(path, trusted=io.get_untrusted_types(file=path))


def _is_library(name: str) -> bool:
    return name.partition(".")[0] in ("sklearn", "numpy", "scipy")


def installed_version(module: str) -> str | None:
    """Return the version of an installed library, None if it is not there."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version({"sklearn": "scikit-learn"}.get(module, module))
    except PackageNotFoundError:
        return None


def skew(facts: PickleFacts | None, there: str | None) -> str | None:
    """Say that a model was pickled by another release of scikit-learn than the one that loads it."""
    if facts is None or there is None or not facts.versions:
        return None
    others = [one for one in facts.versions if _release(one) != _release(there)]
    if not others:
        return None
    return (
        f"the model was pickled by scikit-learn {', '.join(others)}, and scikit-learn {there} loads it: "
        "it may fail, or give other results"
    )


def _release(version: str) -> list[str]:
    return version.split(".")[:2]


def _explained(path: Path, facts: PickleFacts | None, error: Exception) -> str:
    there = installed_version("sklearn")
    differs = skew(facts, there)
    said = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {said[0][:300]}" if said else type(error).__name__
    if differs:
        wanted = facts.versions[-1] if facts else ""
        return (
            f"{path.name} cannot be loaded ({text}). {differs}. Train it again with scikit-learn {there}, or "
            f"deploy it with an environment that has scikit-learn {wanted}"
        )
    if isinstance(error, ModuleNotFoundError):
        return (
            f"{path.name} needs the module {error.name}, which this Python does not have: install it, or, if "
            "it is a file of yours, deploy the model with an entry script and its source folder"
        )
    if isinstance(error, AttributeError) and ("__main__" in str(error) or "entry_module" in str(error)):
        return (
            f"{path.name} holds a class or function of the notebook or script that made it ({text}); save it "
            "with cloudpickle, or deploy the model with an entry script that imports it"
        )
    if facts is None:
        return f"{path.name} is damaged or no pickled model ({text})"
    return f"{path.name} is damaged or cannot be loaded here ({text})"
