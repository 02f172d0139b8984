"""TLS of a front: a certificate that is read again when its file changes."""

import logging
import ssl
from pathlib import Path

from moorage_server.errors import InvalidSettings

logger = logging.getLogger(__name__)

_Mark = tuple[tuple[int, ...], ...]


class Certificate:
    """A certificate with its chain and its key (PEM files). ``refresh`` is to be called once per second.

    Connections that are open keep the certificate with which they began; new ones get the newest.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        """Load it.

        Raises:
            InvalidSettings: a file cannot be read, the key has a password, or it does not belong to it.
        """
        self._paths = (certificate, key)
        self._mark = self._look()
        self.context = self._context()
        self._complained_of: _Mark = ()

    def refresh(self) -> None:
        """Take what is in the files now, if they have changed; files that do not fit change nothing."""
        mark = self._look()
        if mark in (self._mark, self._complained_of):
            return
        try:
            self._context()  # not into the one in use: a pair that does not fit would spoil it
            _load(self.context, *self._paths)
        except InvalidSettings as error:
            # Two files are never replaced in the same instant; the next look finds both.
            self._complained_of = mark
            logger.warning("%s; the certificate of before stays in use", error)
        else:
            self._mark = mark
            logger.info("new connections get the renewed certificate of %s", self._paths[0])

    def _look(self) -> _Mark:
        marks: list[tuple[int, ...]] = []
        for path in self._paths:
            try:
                status = path.stat()
            except OSError:
                marks.append(())
            else:
                marks.append((status.st_ino, status.st_mtime_ns, status.st_size))
        return tuple(marks)

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        # In TLS 1.2 only what has forward secrecy and authenticates what it encrypts.
        context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
        context.set_alpn_protocols(["http/1.1"])
        _load(context, *self._paths)
        return context


def _load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    for path in (certificate, key):
        try:
            path.open("rb").close()  # the error of the library does not name the file
        except OSError as error:
            raise InvalidSettings(f"{path} cannot be read: {error.strerror}") from error
    try:
        # Without a password at hand, the library would ask for it on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, ValueError, OSError) as error:
        reason = getattr(error, "reason", None) or str(error)
        text = "are not a certificate and its key, in PEM form and without a password"
        raise InvalidSettings(f"{certificate} and {key} {text} ({reason})") from error
