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

from moorage.environments.interpreters import Python
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

    def log_path(self, lock_hash: str) -> Path:
        return self._make("logs") / f"{lock_hash[:NAME_LENGTH]}.log"

    def lock_path(self, name: str) -> Path:
        return self._make(".locks") / name[:NAME_LENGTH]

    def new_aside(self, lock_hash: str) -> Path:
        """Return a name that nothing has yet."""
        return self._make(".aside") / f"{lock_hash[:NAME_LENGTH]}.{os.getpid()}.{secrets.token_hex(4)}"

    def known_lock(self, wanted: Wanted, python: Python) -> Lock | None:
        """Return the lock that these requirements have had since they were first seen here."""
        try:
            document = json.loads(self._known(wanted, python).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if document.get("format") != FORMAT:
            return None
        return Lock(
            document["python"],
            document["platform"],
            document["text"],
            tuple(document["options"]),
            tuple(document["from_source"]),
        )

    def remember(self, wanted: Wanted, python: Python, lock: Lock) -> None:
        """Keep the lock for `known_lock`; atomically, mode 0600: addresses of indexes may hold passwords."""
        path = self._known(wanted, python)
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(lock.to_document(), file)
        aside.replace(path)

    def _known(self, wanted: Wanted, python: Python) -> Path:
        content = [FORMAT, python.minor, this_platform(), wanted.text]
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        return self._make("known") / f"{digest}.json"

    def _make(self, name: str) -> Path:
        folder = self.root / name
        make_private_folder(folder)
        return folder
