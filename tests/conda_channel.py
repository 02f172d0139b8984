"""Conda channels in folders, for the fixtures that load this file: no test asks a public channel."""

import bz2
import hashlib
import io
import json
import platform
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SUBDIR = "linux-aarch64" if platform.machine() == "aarch64" else "linux-64"
PREFIX_IN_FILES = "/opt/made" + "_placeholder" * 18


# What no script of a test needs of a Python.
_LEFT_OUT = {
    "test",
    "site-packages",
    "__pycache__",
    "idlelib",
    "tkinter",
    "lib2to3",
    "turtledemo",
    "pydoc_data",
}


class CondaChannel:
    """A conda channel in a folder, made here: no public one is asked by any test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for subdir in (SUBDIR, "noarch"):
            self._write(subdir, {"info": {"subdir": subdir}, "packages": {}, "packages.conda": {}})

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def add(
        self,
        name: str,
        version: str = "1.0",
        *,
        needs: Sequence[str] = (),
        files: Mapping[str, str] | None = None,
        links: Mapping[str, str] | None = None,
        module: str | None = None,
        build: str = "0",
        is_new: bool = False,
        contents: Mapping[str, tuple[bytes, int]] | None = None,
    ) -> Path:
        """Add a package and return its file. ``PREFIX`` in a text stands for where it will be installed.

        ``module`` is the text of a Python module of that name, which makes it a package for any Python.
        ``contents`` are further files, with their modes. ``is_new``: in the newer of the two formats.
        """
        contents = dict(contents or {})
        for inside, text in (files or {}).items():
            mode = 0o755 if inside.startswith("bin/") else 0o644
            contents[inside] = (text.replace("PREFIX", PREFIX_IN_FILES).encode(), mode)
        index: dict[str, Any] = {"name": name, "version": version, "build": build, "build_number": 0}
        index |= {"depends": list(needs), "license": "MIT", "timestamp": 1_700_000_000_000}
        index["subdir"] = SUBDIR
        if module is not None:
            index |= {"subdir": "noarch", "noarch": "python", "depends": ["python", *needs]}
            metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            contents[f"site-packages/{name}.py"] = (module.encode(), 0o644)
            info = f"site-packages/{name}-{version}.dist-info"
            contents[f"{info}/METADATA"] = (metadata.encode(), 0o644)
        stem = f"{name}-{version}-{build}"
        path = self.folder / index["subdir"] / f"{stem}{'.conda' if is_new else '.tar.bz2'}"
        path.write_bytes(_archive(index, contents, links or {}, stem, is_new))
        document = json.loads((path.parent / "repodata.json").read_text())
        data = path.read_bytes()
        digests = {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()}
        document["packages.conda" if is_new else "packages"][path.name] = {
            **index,
            **digests,
            "size": len(data),
        }
        self._write(index["subdir"], document)
        return path

    def add_python(self, version: str | None = None) -> Path:
        """Add a Python that is made of the one that runs the tests; its number may be another."""
        home = Path(sys._base_executable)  # type: ignore[attr-defined]
        version = version or "{}.{}.{}".format(*sys.version_info)
        real, minor = "{}.{}".format(*sys.version_info), ".".join(version.split(".")[:2])
        files = {"pyvenv.cfg": f"home = {home.parent}\n", f"lib/python{minor}/site-packages/README.txt": ""}
        links = {
            f"bin/python{minor}": str(home),
            "bin/python": f"python{minor}",
            "bin/python3": f"python{minor}",
        }
        if minor != real:
            links[f"lib/python{real}"] = f"python{minor}"
        return self.add("python", version, files=files, links=links)

    def add_whole_python(self, source: Path) -> str:
        """Add a Python with all that it needs, from ``source`` (a prefix of pyenv's); return its version."""
        found = next(path for path in sorted(source.glob("lib/python3.*")) if path.is_dir())
        program = source / "bin" / found.name
        # It finds its library from where it is, wherever that is put.
        old, new = str(source / "lib").encode() + b"\0", b"$ORIGIN/../lib\0"
        binary = program.resolve().read_bytes().replace(old, new.ljust(len(old), b"\0"))
        contents = {f"bin/{found.name}": (binary, 0o755)}
        paths = [*found.rglob("*"), *source.glob("lib/libpython3*.so.*")]
        for path in paths:
            below = path.relative_to(source)
            is_needed = not _LEFT_OUT & set(below.parts) and not below.parts[-2].startswith("config-")
            if is_needed and path.is_file():
                contents[str(below)] = (path.read_bytes(), 0o755 if ".so" in path.name else 0o644)
        version = source.name
        links = {"bin/python": found.name, "bin/python3": found.name}
        self.add("python", version, contents=contents, links=links, is_new=True)
        return version

    def _write(self, subdir: str, document: Mapping[str, Any]) -> None:
        folder = self.folder / subdir
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "repodata.json").write_text(json.dumps(document))


def _archive(
    index: Mapping[str, Any],
    contents: Mapping[str, tuple[bytes, int]],
    links: Mapping[str, str],
    stem: str,
    is_new: bool,
) -> bytes:
    paths: list[dict[str, Any]] = [{"_path": path, "path_type": "softlink"} for path in links]
    for path, (content, _mode) in contents.items():
        entry = {"_path": path, "path_type": "hardlink", "size_in_bytes": len(content)}
        entry["sha256"] = hashlib.sha256(content).hexdigest()
        if PREFIX_IN_FILES.encode() in content:
            entry |= {"prefix_placeholder": PREFIX_IN_FILES, "file_mode": "text"}
        paths.append(entry)
    infos = {"index.json": index, "paths.json": {"paths": paths, "paths_version": 1}}
    if index.get("noarch") == "python":
        infos["link.json"] = {"noarch": {"type": "python"}, "package_metadata_version": 1}
    texts = {f"info/{name}": (json.dumps(document).encode(), 0o644) for name, document in infos.items()}
    if not is_new:
        return bz2.compress(_tar({**contents, **texts}, links), 1)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"conda_pkg_format_version": 2}))
        archive.writestr(f"pkg-{stem}.tar.zst", _stored(_tar(contents, links)))
        archive.writestr(f"info-{stem}.tar.zst", _stored(_tar(texts, {})))
    return buffer.getvalue()


def _tar(contents: Mapping[str, tuple[bytes, int]], links: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, (content, mode) in contents.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
        for path, target in links.items():
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return buffer.getvalue()


def _stored(data: bytes) -> bytes:
    """Return a frame of Zstandard (RFC 8878) that holds data as it is: no window of more than 128 KiB."""
    size = 1 << 17
    blocks = [data[start : start + size] for start in range(0, len(data), size)]
    frame = [b"\x28\xb5\x2f\xfd", b"\x00", b"\x38"]
    for number, block in enumerate(blocks, 1):
        frame += [(len(block) << 3 | (number == len(blocks))).to_bytes(3, "little"), block]
    return b"".join(frame)
