"""Listening sockets: bound once, inherited by every generation, open as long as somebody needs them."""

import contextlib
import errno
import socket
from collections.abc import Collection

from .keeping import Keeping, listener_name
from .logfile import RotatingLog

BACKLOG = 2048
Address = tuple[str, int]
"""Host as it was asked for, and port."""


class CannotListen(Exception):
    """The address cannot be had; the text says why and what would help."""


def listen(host: str, port: int | None, *, preferred_port: int | None = None) -> socket.socket:
    """Return a socket that listens on ``host``; ``port`` None takes ``preferred_port`` or else any free one.

    Raises:
        CannotListen: the port is in use or not permitted, or the host is not of this machine.
    """
    if port is None and preferred_port is not None:
        try:
            return _listen(host, preferred_port)
        except CannotListen:
            pass
    return _listen(host, port or 0)


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise CannotListen(f"the host {host!r} has no address here: {error}") from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotListen(_explain(host, port, error)) from error
    return listener


def _explain(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use by another program; choose another port or leave it out"
    if error.errno == errno.EACCES:
        return f"port {port} on {host} is not permitted to this user; choose one from 1024 on"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine"
    return f"cannot listen on port {port} of {host}: {error.strerror}"


class Listeners:
    """The listening sockets of one supervisor, by host and port; the keeper has a copy of each.

    ``preferred_port`` is taken for a new one whose port does not matter, if it is free.
    """

    def __init__(self, keeping: Keeping, log: RotatingLog) -> None:
        self._keeping, self._log = keeping, log
        self._sockets: dict[Address, socket.socket] = {}
        self.preferred_port: int | None = None

    def take(self, address: Address, listener: socket.socket) -> None:
        """Use a socket of an earlier supervisor."""
        self._sockets[address] = listener
        self._keeping.keep(listener_name(*address), listener.fileno())

    def find(self, host: str, port: int | None) -> tuple[Address, socket.socket]:
        """Return the socket for an address, and where it listens; raises `CannotListen`."""
        for address, listener in self._sockets.items():
            # Without a port of its own a new generation shares the one that clients know.
            if host == address[0] and port in (None, address[1]):
                return address, listener
        listener = listen(host, port, preferred_port=self.preferred_port)
        self.preferred_port = listener.getsockname()[1]
        address = (host, self.preferred_port)
        self.take(address, listener)
        self._log.say(f"listens on {host} port {self.preferred_port}")
        return address, listener

    def close_all_but(self, used: Collection[tuple[str, int | None]]) -> None:
        """Close what nobody uses any more; clients shall not wait until the keeper's copy is closed too."""
        for address in [address for address in self._sockets if address not in used]:
            with contextlib.suppress(OSError):
                self._sockets[address].shutdown(socket.SHUT_RDWR)
            self._close(address)

    def close_all(self) -> None:
        """Close our copies; those of fronts go on."""
        for address in list(self._sockets):
            self._close(address)

    def _close(self, address: Address) -> None:
        self._keeping.drop(listener_name(*address))
        self._sockets.pop(address).close()
