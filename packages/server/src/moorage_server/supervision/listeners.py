"""Listening sockets: bound once, inherited by every generation, open as long as somebody needs them."""

import errno
import socket

BACKLOG = 2048


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
