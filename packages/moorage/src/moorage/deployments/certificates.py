"""Certificates that services are to speak TLS with: looked at before anything is started."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from moorage.deployments.configurations import ContainerConfig, DeploymentConfig, LocalConfig
from moorage.deployments.problems import Problem, error, warning

if TYPE_CHECKING:
    from cryptography import x509

_SOON = timedelta(days=14)
_HELP = "give a certificate with its chain and its key, or make one with: moor tls self-signed"


def with_absolute_paths(config: DeploymentConfig) -> DeploymentConfig:
    """Return the configuration with paths that mean the same from any folder."""
    if not isinstance(config, LocalConfig | ContainerConfig) or not config.ssl_enabled:
        return config
    certificate, key = str(config.ssl_certificate_path), str(config.ssl_key_path)
    return replace(
        config,
        ssl_certificate_path=str(Path(certificate).expanduser().absolute()),
        ssl_key_path=str(Path(key).expanduser().absolute()),
    )


def check_certificate(config: LocalConfig | ContainerConfig) -> Iterator[Problem]:
    """Say what is wrong with the certificate of a service; nothing if it speaks no TLS."""
    if not config.ssl_enabled or config.ssl_certificate_path is None or config.ssl_key_path is None:
        return
    import ssl  # most services have no certificate

    certificate, key = Path(config.ssl_certificate_path), Path(config.ssl_key_path)
    faults = [*_unreadable("ssl_certificate", certificate), *_unreadable("ssl_key", key)]
    if faults:
        yield from faults
        return
    if key.stat().st_mode & 0o077:
        yield warning("ssl_key", f"{key} can be read by others", f"run: chmod 600 {key}")
    try:
        # Without a password at hand, the library would ask for it on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, ValueError) as fault:
        text = f"{certificate} and {key} are not a certificate and its key (PEM, without a password)"
        yield error("ssl_certificate", f"{text}: {getattr(fault, 'reason', None) or fault}", _HELP)
        return
    from cryptography import x509

    leaf = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    yield from _check_leaf(leaf, certificate, config.ssl_cname)


def _unreadable(where: str, path: Path) -> Iterator[Problem]:
    try:
        path.open("rb").close()
    except OSError as fault:
        yield error(where, f"{path} cannot be read: {fault.strerror}", _HELP)


def _check_leaf(leaf: "x509.Certificate", path: Path, cname: str | None) -> Iterator[Problem]:
    now = datetime.now(timezone.utc)
    if leaf.not_valid_after_utc <= now:
        yield error("ssl_certificate", f"{path} expired at {leaf.not_valid_after_utc:%Y-%m-%d}", _HELP)
    elif leaf.not_valid_before_utc > now:
        yield error("ssl_certificate", f"{path} is only valid from {leaf.not_valid_before_utc:%Y-%m-%d} on")
    elif leaf.not_valid_after_utc <= now + _SOON:
        text = f"{path} expires at {leaf.not_valid_after_utc:%Y-%m-%d}"
        yield warning("ssl_certificate", text, "renew the file in place: services take it by themselves")
    if cname is not None and not _names(leaf, cname):
        text = f"{path} is not for {cname}: clients will refuse it"
        yield warning("cname", text, "use one of its names, or another certificate")


def _names(leaf: "x509.Certificate", cname: str) -> bool:
    from cryptography import x509

    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    wanted = cname.lower()
    parent = f"*.{wanted.partition('.')[2]}"
    known = {name.lower() for name in extension.get_values_for_type(x509.DNSName)}
    addresses = {str(address) for address in extension.get_values_for_type(x509.IPAddress)}
    return bool(known & {wanted, parent}) or wanted in addresses
