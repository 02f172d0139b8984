"""Where built environments are: ``<home>/environments``, shared by all workspaces of a machine.

======================  ====================================================================
``<hash>/``             an environment, complete from the moment it has this name; never changed
``known/<digest>.json`` the lock that was found for requirements, so that the same ones stay the same
``logs/<hash>.log``     what uv said while it built
``.locks/<hash>``       held with ``flock`` by whoever builds or removes it
``.aside/``             environments that are being made or removed
======================  ====================================================================
"""

import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from moorage.environments.channels.names import channel_priority, find_channels
from moorage.environments.channels.process import virtual_packages
from moorage.environments.interpreters import Python, this_python
from moorage.environments.locking import FORMAT, Lock, this_platform
from moorage.environments.wanted import Wanted
from moorage.folders import make_private_folder
from moorage.workspace import home_folder

DESCRIPTION = "environment.json"
LOCK_FILE = "lock.txt"
SBOM_FILE = "sbom.cdx.json"
NAME_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Store:
    """The folder of built environments below a home (default: `moorage.workspace.home_folder`)."""

    root: Path

    @classmethod
    def of(cls, home: Path | str | None = None) -> "Store":
        return cls(home_folder(home) / "environments")

    def folder(self, lock_hash: str) -> Path:
        return self.root / lock_hash[:NAME_LENGTH]

    def python(self, lock_hash: str) -> Path | None:
        """Return the interpreter of a built environment, None if it is not there or cannot run any more."""
        folder = self.folder(lock_hash)
        python = folder / "bin" / "python"
        # The link leads to an interpreter of the machine, which may have been removed since.
        is_usable = (folder / DESCRIPTION).is_file() and os.access(python, os.X_OK)
        return python if is_usable else None

    def variables(self, lock_hash: str) -> dict[str, str]:
        """Return the variables that packages of a built environment ask for; none, if it is not there."""
        try:
            text = (self.folder(lock_hash) / DESCRIPTION).read_text(encoding="utf-8")
            return dict(json.loads(text).get("variables", {}))
        except (OSError, ValueError):
            return {}

    def log_path(self, lock_hash: str) -> Path:
        return self._make("logs") / f"{lock_hash[:NAME_LENGTH]}.log"

    def lock_path(self, name: str) -> Path:
        return self._make(".locks") / name[:NAME_LENGTH]

    def new_aside(self, lock_hash: str) -> Path:
        """Return a name that nothing has yet."""
        return self._make(".aside") / f"{lock_hash[:NAME_LENGTH]}.{os.getpid()}.{secrets.token_hex(4)}"

    def known_lock(self, wanted: Wanted, python: Python | None) -> Lock | None:
        """Return the lock that these requirements have had since they were first seen here.

        ``python`` None: the one that comes from a channel.
        """
        try:
            document = json.loads(self._known(wanted, python).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if document.get("format") != FORMAT:
            return None
        return Lock.from_document(document)

    def remember(self, wanted: Wanted, python: Python | None, lock: Lock) -> None:
        """Keep the lock for `known_lock`; atomically, mode 0600: addresses of indexes may hold passwords."""
        path = self._known(wanted, python)
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(lock.to_document(), file)
        aside.replace(path)

    def _known(self, wanted: Wanted, python: Python | None) -> Path:
        content: list[object] = [FORMAT, python and python.minor, this_platform(), wanted.text]
        if python is None:
            sources = [channel.source for channel in find_channels(wanted.channels)]
            near = wanted.python or f"near {this_python().minor}"
            content += [near, sources, channel_priority(), wanted.conda, wanted.constraints]
            content += [virtual_packages()]
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        return self._make("known") / f"{digest}.json"

    def _make(self, name: str) -> Path:
        folder = self.root / name
        make_private_folder(folder)
        return folder
