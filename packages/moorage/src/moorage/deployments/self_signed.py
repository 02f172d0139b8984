"""Certificates that nobody but their maker vouches for: for development, and between one's own machines."""

import ipaddress
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from moorage.errors import InvalidArgument
from moorage.folders import make_private_folder

if TYPE_CHECKING:
    from cryptography import x509

DEFAULT_NAMES = ("localhost", "127.0.0.1", "::1")
LONGEST_DAYS = 825  # what clients accept at most


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where a certificate and its key were written; ``expires_at`` is aware UTC."""

    certificate: Path
    key: Path
    names: tuple[str, ...]
    expires_at: datetime


def make_self_signed(
    folder: Path, names: Sequence[str] = (), *, days: int = 365, overwrite: bool = False
) -> CertificateFiles:
    """Write ``tls.crt`` and ``tls.key`` (0600; ECDSA, P-256) for host names and addresses.

    Raises:
        InvalidArgument: no name, one that is neither a host name nor an address, or files that are there.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidArgument("days", f"must be from 1 to {LONGEST_DAYS}, it is {days}")
    wanted = tuple(dict.fromkeys(names or DEFAULT_NAMES))
    alternatives = x509.SubjectAlternativeName([_general_name(name) for name in wanted])
    certificate, key = folder / "tls.crt", folder / "tls.key"
    for path in (certificate, key):
        if not overwrite and path.exists():
            raise InvalidArgument("folder", f"{path} is there already; choose another, or overwrite it")
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, wanted[0][:64])])
    now = datetime.now(timezone.utc).replace(microsecond=0)
    made = (
        x509.CertificateBuilder(subject, subject, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))  # for clocks that are behind
        .not_valid_after(now + timedelta(days=days))
        .add_extension(alternatives, critical=False)
        # It vouches for itself and for nothing else.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    make_private_folder(folder)
    _write(key, private.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    _write(certificate, made.public_bytes(pem))
    return CertificateFiles(certificate, key, wanted, made.not_valid_after_utc)


def _general_name(name: str) -> "x509.GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    labels = name.removeprefix("*.").split(".")
    if len(name) > 253 or not all(_is_label(label) for label in labels):
        raise InvalidArgument("name", f"{name!r} is neither a host name nor an address")
    return x509.DNSName(name)


def _is_label(label: str) -> bool:
    is_plain = label.isascii() and label.replace("-", "").isalnum()
    return is_plain and len(label) <= 63 and label[0] != "-" != label[-1]


def _write(path: Path, content: bytes) -> None:
    """Replace a file whole, as services look at it at any time."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    aside.replace(path)
