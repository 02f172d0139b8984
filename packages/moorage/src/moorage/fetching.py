"""Getting files from web addresses that users name: only from where a user may mean to get them.

An address must not make this machine ask what only this machine can ask, such as the metadata service of a
cloud. Every redirect is looked at like the first address.
"""

import ipaddress
import os
import socket
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urljoin, urlsplit

from moorage.errors import FetchFailed

if TYPE_CHECKING:
    import httpx

HOSTS_VARIABLE = "MOORAGE_FETCH_HOSTS"
MOST_REDIRECTS = 5
TIMEOUT_S = 60.0
LARGEST_BYTES = 100 * 1024**3
_REDIRECTS = (301, 302, 303, 307, 308)


def fetch(url: str, target: BinaryIO, *, max_bytes: int = LARGEST_BYTES) -> int:
    """Write what is at ``url`` to ``target`` and return how many bytes that were.

    With ``$MOORAGE_FETCH_HOSTS`` (names, separated by commas) only these hosts are asked.

    Raises:
        FetchFailed: the address is not permitted, does not answer, or has more than ``max_bytes``.
    """
    import httpx  # slow to import, and rarely needed

    for _hop in range(MOST_REDIRECTS + 1):
        _check_address(url)
        try:
            with httpx.stream("GET", url, timeout=TIMEOUT_S, follow_redirects=False) as answer:
                _check_peer(url, answer)
                if answer.status_code in _REDIRECTS and "location" in answer.headers:
                    url = urljoin(url, answer.headers["location"])
                    continue
                answer.raise_for_status()
                return _copy(answer, target, url, max_bytes)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise FetchFailed(url, str(error) or type(error).__name__) from error
    raise FetchFailed(url, f"it redirects more than {MOST_REDIRECTS} times")


def _copy(answer: "httpx.Response", target: BinaryIO, url: str, max_bytes: int) -> int:
    done = 0
    for piece in answer.iter_bytes():
        done += len(piece)
        if done > max_bytes:
            raise FetchFailed(url, f"it has more than {max_bytes} bytes")
        target.write(piece)
    return done


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise FetchFailed(url, str(error)) from error
    if parts.scheme not in ("http", "https") or not host:
        raise FetchFailed(url, "only addresses that begin with http:// or https:// are fetched")
    allowed = {name.strip().lower() for name in os.environ.get(HOSTS_VARIABLE, "").split(",") if name.strip()}
    if allowed and host.lower() not in allowed:
        raise FetchFailed(url, f"{host} is not one of the hosts in {HOSTS_VARIABLE}")
    try:
        found = socket.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise FetchFailed(url, f"{host} is not known: {error}") from error
    for *_, address in found:
        _check_ip(url, str(address[0]))


def _check_peer(url: str, answer: "httpx.Response") -> None:
    """The name may have led somewhere else by the time of the connection; nothing was read yet."""
    stream = answer.extensions.get("network_stream")
    peer = None if stream is None else stream.get_extra_info("server_addr")
    if peer:
        _check_ip(url, str(peer[0]))


def _check_ip(url: str, text: str) -> None:
    address = ipaddress.ip_address(text.partition("%")[0])
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    for one in (address, *([inner] if inner else [])):
        if one.is_link_local or one.is_multicast or one.is_unspecified or one.is_reserved:
            raise FetchFailed(url, f"{one} is an address that only this machine's network knows")
