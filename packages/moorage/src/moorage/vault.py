"""Secrets of a workspace: sealed in its database, with a key file that only its owner can read.

AES-256-GCM; the name of a secret is authenticated with it, so no row can take the place of another.
"""

import base64
import binascii
import contextlib
import os
import secrets
import stat
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import IntegrityError

from moorage.errors import SecretsUnreadable
from moorage.storage.tables import secrets as table
from moorage.workspace import Workspace

KEY_FILE = "secrets.key"
KEY_FILE_VARIABLE = "MOORAGE_SECRETS_KEY_FILE"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_PREFIX = "1:"  # of the form of a sealed text


class Vault:
    """Reads and changes the secrets of one workspace by name."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @property
    def key_path(self) -> Path:
        """Where the key is: ``$MOORAGE_SECRETS_KEY_FILE``, else ``secrets.key`` of the workspace."""
        given = os.environ.get(KEY_FILE_VARIABLE)
        return Path(given) if given else self._workspace.path / KEY_FILE

    def read(self, name: str) -> str | None:
        """Return a secret, None if there is none of that name.

        Raises:
            SecretsUnreadable: it cannot be opened with the key that is here.
        """
        with self._workspace.database.read() as connection:
            sealed = connection.execute(select(table.c.sealed).where(table.c.name == name)).scalar()
        return None if sealed is None else self._open(name, sealed)

    def change(
        self, name: str, make: Callable[[str | None], str], note: Callable[[Connection], None] | None = None
    ) -> str:
        """Replace a secret by what ``make`` returns for it, in one transaction; return the new one.

        ``note`` may write what happened in the same transaction.

        ``make`` is called again if somebody else adds a secret of that name at the same moment.

        Raises:
            SecretsUnreadable: as `read`.
        """
        try:
            return self._change(name, make, note)
        except IntegrityError:  # on PostgreSQL nothing keeps two from adding the same name
            return self._change(name, make, note)

    def _change(
        self, name: str, make: Callable[[str | None], str], note: Callable[[Connection], None] | None
    ) -> str:
        with self._workspace.database.write() as connection:
            wanted = select(table.c.sealed).where(table.c.name == name).with_for_update()
            sealed = connection.execute(wanted).scalar()
            text = make(None if sealed is None else self._open(name, sealed))
            values = {"sealed": self._seal(connection, name, text), "changed_at": datetime.now(timezone.utc)}
            if sealed is None:
                connection.execute(table.insert().values(name=name, **values))
            else:
                connection.execute(table.update().where(table.c.name == name).values(**values))
            if note is not None:
                note(connection)
        return text

    def names(self, prefix: str = "") -> list[str]:
        """Return the names of all secrets that begin with ``prefix``."""
        wanted = select(table.c.name).where(table.c.name.startswith(prefix, autoescape=True))
        with self._workspace.database.read() as connection:
            return sorted(connection.execute(wanted).scalars())

    def remove(self, name: str) -> None:
        """Forget a secret; harmless if it is not known."""
        with self._workspace.database.write() as connection:
            connection.execute(delete(table).where(table.c.name == name))

    def _seal(self, connection: Connection, name: str, text: str) -> str:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if not self.key_path.exists():
            is_first = connection.execute(select(table.c.name).limit(1)).scalar() is None
            if not is_first:
                raise self._missing()
            _make_key_file(self.key_path)
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self._key()).encrypt(nonce, text.encode(), name.encode())
        return _PREFIX + base64.b64encode(nonce + sealed).decode()

    def _open(self, name: str, sealed: str) -> str:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._key()
        try:
            if not sealed.startswith(_PREFIX):
                raise ValueError("it was sealed by a newer version")
            data = base64.b64decode(sealed[len(_PREFIX) :], validate=True)
            return AESGCM(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], name.encode()).decode()
        except (InvalidTag, ValueError) as error:
            reason = str(error) or "it was sealed with another key, or changed since"
            raise SecretsUnreadable(
                f"secret {name!r} cannot be opened with {self.key_path}: {reason}"
            ) from error

    def _key(self) -> bytes:
        path = self.key_path
        try:
            # A device or pipe in its place must not be waited for.
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                status = os.fstat(descriptor)
                if stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
                    raise SecretsUnreadable(f"the key file {path} is open to others; run: chmod 600 {path}")
                text = os.read(descriptor, 1000)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            raise self._missing() from None
        except OSError as error:
            raise SecretsUnreadable(f"the key file {path} cannot be read: {error.strerror}") from error
        try:
            key = base64.b64decode(text.strip(), validate=True)
        except binascii.Error:
            key = b""
        if len(key) != _KEY_BYTES:
            raise SecretsUnreadable(f"the key file {path} does not hold a key; restore it from a backup")
        return key

    def _missing(self) -> SecretsUnreadable:
        return SecretsUnreadable(
            f"the key file {self.key_path} is missing, and this workspace has secrets; copy it from where "
            f"the workspace was made, or name it in {KEY_FILE_VARIABLE}"
        )


def _make_key_file(path: Path) -> None:
    """Make a key file whole; if somebody else is faster, theirs stays."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink(missing_ok=True)
