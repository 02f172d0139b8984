"""Conda channels in folders, for the fixtures that load this file: no test asks a public channel."""

import hashlib
import io
import json
import platform
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SUBDIR = "linux-aarch64" if platform.machine() == "aarch64" else "linux-64"
PREFIX_IN_FILES = "/opt/made" + "_placeholder" * 18


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
    ) -> Path:
        """Add a package and return its file. ``PREFIX`` in a text stands for where it will be installed.

        ``module`` is the text of a Python module of that name, which makes it a package for any Python.
        """
        contents = {
            path: (
                text.replace("PREFIX", PREFIX_IN_FILES).encode(),
                0o755 if path.startswith("bin/") else 0o644,
            )
            for path, text in (files or {}).items()
        }
        index: dict[str, Any] = {"name": name, "version": version, "build": build, "build_number": 0}
        index |= {"depends": list(needs), "license": "MIT", "timestamp": 1_700_000_000_000}
        index["subdir"] = SUBDIR
        if module is not None:
            index |= {"subdir": "noarch", "noarch": "python", "depends": ["python", *needs]}
            metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            contents[f"site-packages/{name}.py"] = (module.encode(), 0o644)
            info = f"site-packages/{name}-{version}.dist-info"
            contents[f"{info}/METADATA"] = (metadata.encode(), 0o644)
        path = self.folder / index["subdir"] / f"{name}-{version}-{build}.tar.bz2"
        path.write_bytes(_archive(index, contents, links or {}))
        document = json.loads((path.parent / "repodata.json").read_text())
        data = path.read_bytes()
        digests = {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()}
        document["packages"][path.name] = {**index, **digests, "size": len(data)}
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

    def _write(self, subdir: str, document: Mapping[str, Any]) -> None:
        folder = self.folder / subdir
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "repodata.json").write_text(json.dumps(document))


def _archive(
    index: Mapping[str, Any], contents: Mapping[str, tuple[bytes, int]], links: Mapping[str, str]
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
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:bz2", compresslevel=1) as archive:
        for path, (content, mode) in {**contents, **texts}.items():
            entry_ = tarfile.TarInfo(path)
            entry_.size, entry_.mode = len(content), mode
            archive.addfile(entry_, io.BytesIO(content))
        for path, target in links.items():
            entry_ = tarfile.TarInfo(path)
            entry_.type, entry_.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry_)
    return buffer.getvalue()
