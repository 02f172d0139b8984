"""A package of a channel, exactly: the file that it is, with its hash."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CondaPackage:
    """What a lock holds of a package: enough to install it without asking a channel for anything else.

    ``sha256`` and ``md5`` are hexadecimal digits; at least one of them is there. ``noarch`` is ``python``,
    ``generic`` or None.
    """

    name: str
    version: str
    build: str
    build_number: int
    subdir: str
    url: str
    channel: str
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None
    noarch: str | None = None
    license: str | None = None
    depends: tuple[str, ...] = ()
    python_site_packages_path: str | None = None

    @property
    def file_name(self) -> str:
        return self.url.rsplit("/", 1)[-1]

    @property
    def line(self) -> str:
        """What the hash of a lock is made of: the same file from another address is the same."""
        digest = f"sha256:{self.sha256}" if self.sha256 else f"md5:{self.md5}"
        return f"{self.subdir}/{self.file_name} {digest}"

    @property
    def explicit(self) -> str:
        """The line of a file that ``conda create --file`` reads."""
        return f"{self.url}#sha256:{self.sha256}" if self.sha256 else f"{self.url}#{self.md5}"

    def to_document(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "depends": list(self.depends)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "CondaPackage":
        return cls(**{**document, "depends": tuple(document["depends"])})


def explicit_file(packages: Iterable[CondaPackage]) -> str:
    """Return the content of a file that conda, mamba and pixi install exactly these packages from."""
    found = sorted(packages, key=lambda package: package.name)
    platforms = sorted({package.subdir for package in found} - {"noarch"})
    lines = [f"# platform: {platforms[0]}"] if platforms else []
    return "\n".join([*lines, "@EXPLICIT", *(package.explicit for package in found)]) + "\n"
