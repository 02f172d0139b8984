"""What a supervisor leaves with its keeper: the descriptors that a successor needs to carry on unnoticed.

Two processes per service watch each other over a socket pair. The keeper holds copies of everything that
would be lost with the supervisor: listening sockets, the pipes of the fronts, the leash. When the supervisor
dies, however it dies, the keeper starts another one and hands all of it over; when the keeper dies, the
supervisor starts another keeper and gives it the copies again.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import orphans
from .steps import restart_delay_s

LINK_VARIABLE = "MOORAGE_KEEPER_LINK"
KEPT_VARIABLE = "MOORAGE_KEPT"
KEEPER_COMMAND = (sys.executable, "-m", "moorage_server.keeper")
SUPERVISOR_COMMAND = (sys.executable, "-m", "moorage_server.supervisor")
# Message boundaries and the end of the other side, on one socket: Linux has both.
IS_SUPPORTED = orphans.IS_LINUX and hasattr(os, "pidfd_open")
MAX_MESSAGE_BYTES = 4096
BYE = b"bye"
RECOVERED_AFTER_S = 30.0


@dataclass(frozen=True, slots=True)
class KeptFront:
    """A front that an earlier supervisor started, with its pipes."""

    generation: int
    run: int
    pid: int
    address: tuple[str, int]
    log_fd: int
    ready_fd: int


@dataclass(slots=True)
class Inheritance:
    """What an earlier supervisor left; whoever takes it closes it. Empty for the first one of a service."""

    link: socket.socket | None = None
    leash: tuple[int, int] | None = None
    listeners: dict[tuple[str, int], socket.socket] = field(default_factory=dict)
    fronts: list[KeptFront] = field(default_factory=list)


class Keeping:
    """The supervisor's side: says what to keep, and sees to it that there is a keeper.

    ``command`` starts a supervisor of ``service_dir`` again.
    """

    def __init__(self, service_dir: Path, command: Sequence[str], inheritance: Inheritance) -> None:
        self._service_dir = service_dir
        self._command = tuple(command)
        self._kept: dict[str, int] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths = 0
        self._started_at = 0.0
        self.start_at = 0.0
        """When the next keeper is due, on the supervisor's clock."""
        self.link = inheritance.link
        self.leash, self._leash_end = inheritance.leash or os.pipe2(os.O_CLOEXEC)
        # Already there if inherited; keeping it twice is harmless.
        self.keep("leash|read", self.leash)
        self.keep("leash|write", self._leash_end)

    def ensure(self, now: float) -> socket.socket | None:
        """Start a keeper if there is none and it is time; return its link if it is a new one."""
        if self.link is not None or not IS_SUPPORTED or now < self.start_at:
            return None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._started_at = now
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [*KEEPER_COMMAND, str(theirs.fileno()), str(self._service_dir), *self._command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=self._service_dir,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except OSError:
            ours.close()
            self._put_off(now)
            return None
        finally:
            theirs.close()
        ours.setblocking(False)
        self.link = ours
        for name, descriptor in self._kept.items():
            self._send(name, descriptor)
        return self.link

    def lost(self, now: float) -> None:
        """The keeper is gone: the next :meth:`ensure` that is due starts another."""
        if self.link is not None:
            self.link.close()
            self.link = None
        if now - self._started_at >= RECOVERED_AFTER_S:
            self._deaths = 0
        self._put_off(now)

    def keep(self, name: str, descriptor: int) -> None:
        self._kept[name] = descriptor
        self._send(name, descriptor)

    def drop(self, name: str) -> None:
        if self._kept.pop(name, None) is not None:
            self._send(name, None)

    def keep_front(self, front: KeptFront) -> None:
        for kind, descriptor in (("log", front.log_fd), ("ready", front.ready_fd)):
            self.keep(_front_name(front.generation, front.run, front.pid, front.address, kind), descriptor)

    def drop_front(self, pid: int) -> None:
        for name in [name for name in self._kept if name.split("|")[:2] == ["front", str(pid)]]:
            self.drop(name)

    def say_bye(self) -> None:
        """There will be no successor: the keeper ends."""
        if self.link is not None:
            with contextlib.suppress(OSError):
                self.link.setblocking(True)
                self.link.settimeout(1.0)
                self.link.send(BYE)
            self.link.close()
            self.link = None

    def _put_off(self, now: float) -> None:
        self._deaths += 1
        self.start_at = now + (restart_delay_s(self._deaths - 1) if self._deaths > 1 else 0.0)

    def _send(self, name: str, descriptor: int | None) -> None:
        if self.link is None:
            return
        # A keeper that does not listen is as good as none; its end is seen where the link is read.
        with contextlib.suppress(OSError):
            if descriptor is None:
                self.link.send(b"-" + name.encode())
            else:
                socket.send_fds(self.link, [b"+" + name.encode()], [descriptor])


def listener_name(host: str, port: int) -> str:
    return f"listener|{host}|{port}"


def _front_name(generation: int, run: int, pid: int, address: tuple[str, int], kind: str) -> str:
    return f"front|{pid}|{generation}|{run}|{address[0]}|{address[1]}|{kind}"


def inherit(environment: Mapping[str, str]) -> Inheritance:
    """Take what the keeper that started this process hands over; nothing if no keeper did.

    The descriptors are for this process alone from here on.
    """
    link = environment.get(LINK_VARIABLE)
    if link is None:
        return Inheritance()
    kept: dict[str, int] = json.loads(environment.get(KEPT_VARIABLE, "{}"))
    for descriptor in (int(link), *kept.values()):
        os.set_inheritable(descriptor, False)
    found = Inheritance(link=socket.socket(fileno=int(link)))
    if found.link is not None:
        found.link.setblocking(False)
    pipes: dict[tuple[str, ...], dict[str, int]] = {}
    for name, descriptor in kept.items():
        match name.split("|"):
            case ["listener", host, port]:
                found.listeners[(host, int(port))] = socket.socket(fileno=descriptor)
            case ["front", pid, generation, run, host, port, kind]:
                pipes.setdefault((pid, generation, run, host, port), {})[kind] = descriptor
    if {"leash|read", "leash|write"} <= kept.keys():
        found.leash = kept["leash|read"], kept["leash|write"]
    for (pid, generation, run, host, port), ends in pipes.items():
        if {"log", "ready"} <= ends.keys():
            address = (host, int(port))
            front = KeptFront(int(generation), int(run), int(pid), address, ends["log"], ends["ready"])
            found.fronts.append(front)
        else:  # the supervisor died between the two messages
            for descriptor in ends.values():
                os.close(descriptor)
    return found
