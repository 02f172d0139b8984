"""Sending a request to a service."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from moorage.deployments import ContainerConfig, LocalConfig
from moorage.errors import ServiceNotRunning
from moorage.services.access import authorization
from moorage.services.queries import get
from moorage.workspace import Workspace

if TYPE_CHECKING:
    import ssl

DEFAULT_TIMEOUT_S = 3600.0
_ANY = ("0.0.0.0", "::", "127.0.0.1")  # noqa: S104 - nothing is bound here


@dataclass(frozen=True, slots=True)
class Response:
    """What a service answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> Any:
        """Return the body as a value; raises ValueError if it is not JSON."""
        return json.loads(self.body)


def run(
    workspace: Workspace,
    name: str,
    body: str | bytes,
    *,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> Response:
    """Post a body to a service and return the answer, whatever its status; the body goes as it is.

    The key or token that the service asks for is sent along.

    Raises:
        ServiceNotFound: there is none of that name.
        ServiceNotRunning: it cannot be reached; the message has its state.
    """
    import http.client  # takes longer to import than all other modules of the standard library here

    service = get(workspace, name)
    if service.scoring_uri is None:
        raise ServiceNotRunning(_why(name, service.state, service.error.message if service.error else None))
    address = urlsplit(service.scoring_uri)
    sent = {"content-type": "application/json", "accept": "application/json"}
    sent |= authorization(workspace, name, service.deployment_config) | dict(headers or {})
    # Not http.client's resolving of "localhost": it may try an address first where nobody listens.
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout_s)
    try:
        if address.scheme == "https" and isinstance(service.deployment_config, LocalConfig | ContainerConfig):
            connection.sock = _over_tls(service.deployment_config, address, timeout_s)
        connection.request("POST", address.path, body.encode() if isinstance(body, str) else body, sent)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        state = get(workspace, name).state
        raise ServiceNotRunning(_why(name, state, f"{type(error).__name__}: {error}")) from error
    finally:
        connection.close()
    return Response(answer.status, {key.lower(): value for key, value in answer.getheaders()}, content)


def _over_tls(
    config: LocalConfig | ContainerConfig, address: SplitResult, timeout_s: float
) -> "ssl.SSLSocket":
    """Connect to a service of this machine; it must have its own certificate, whoever signed that."""
    import ssl

    try:
        context = ssl.create_default_context(cafile=config.ssl_certificate_path)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        # The name may lead to this machine by way of others, or not yet.
        host = config.host if config.host not in _ANY else "localhost"
        plain = socket.create_connection((host, address.port or 443), timeout=timeout_s)
        return context.wrap_socket(plain, server_hostname=config.ssl_cname or host)
    except ssl.SSLCertVerificationError as error:
        raise ConnectionError(f"its certificate is not accepted: {error.verify_message}") from error


def _why(name: str, state: str, reason: str | None) -> str:
    detail = f": {reason}" if reason else ""
    look = f"see: moor service get-logs -n {name}"
    return f"service {name!r} cannot be asked, its state is {state}{detail}; {look}"
