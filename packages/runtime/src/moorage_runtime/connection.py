"""The scorer's end of the socket: whole frames in, whole frames out, with few system calls."""

import array
import socket
import time
from collections import deque
from typing import Any, Deque, Optional

from . import frames

_READ_BYTES = 65536
_RESERVED_BYTES = 16 << 20
_CONTROL_BYTES = socket.CMSG_SPACE(4) if hasattr(socket, "CMSG_SPACE") else 0
_WAIT_FOR_ALL = getattr(socket, "MSG_WAITALL", 0)  # one piece of memory, filled in one system call
_HEADER_BYTES = frames.HEADER.size


class Connection:
    """Reads all there is into ``pending`` and writes messages; the socket is blocking.

    ``pending`` holds complete frames in the order of arrival; whoever takes one out owns it.
    """

    def __init__(self, sock: socket.socket, spin_us: float = 0) -> None:
        self.socket = sock
        self.pending: Deque[frames.Frame] = deque()
        self.is_open = True
        self.spin_s = spin_us / 1e6
        self.polls = False  # for the next message
        self._rest = b""

    def receive(self) -> bool:
        """Wait until at least one whole frame is in ``pending``; False when the peer is gone.

        Raises:
            ProtocolError: what arrived is not of this protocol.
        """
        pending = self.pending
        while not pending:
            data = self._spin() if self.polls else None
            if data is None:
                try:
                    data = self.socket.recv(_READ_BYTES)
                except ConnectionError:
                    data = b""
            if not data or not self._cut(data):
                self.is_open = False
                return bool(pending)
        return True

    def poll(self) -> None:
        """Take in what has arrived already, without waiting."""
        while self.is_open:
            try:
                data = self.socket.recv(_READ_BYTES, socket.MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                data = b""
            if not data or not self._cut(data):
                self.is_open = False
            elif len(data) < _READ_BYTES:
                return

    def wait(self, seconds: float) -> None:
        """Take in what arrives within ``seconds``, returning at the first piece."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(_READ_BYTES)
        except (socket.timeout, BlockingIOError):
            return
        except ConnectionError:
            data = b""
        finally:
            self.socket.settimeout(None)
        if not data or not self._cut(data):
            self.is_open = False

    def send(self, message: Any) -> None:
        """Write one message (bytes-like). A peer that is gone is noticed at the next ``receive``."""
        try:
            self.socket.sendall(message)
        except ConnectionError:
            self.is_open = False

    def receive_adoption(self) -> Optional[socket.socket]:
        """Like ``receive``, for a scorer that may be a template: return the socket to be adopted.

        Returns None when frames of another kind (or the end) arrived; they are in ``pending``.
        """
        if self.pending or not self.is_open or not _CONTROL_BYTES:
            self.receive()
            return None
        try:
            data, control, _, _ = self.socket.recvmsg(_READ_BYTES, _CONTROL_BYTES)
        except ConnectionError:
            data, control = b"", []
        descriptors = array.array("i")
        for level, kind, content in control:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
        adopted = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=number) for number in descriptors]
        for one in adopted:
            one.set_inheritable(False)
        if not data or not self._cut(data):
            self.is_open = False
        elif not self.pending:
            self.receive()
        if self.pending and self.pending[0].type == frames.ADOPT and adopted:
            self.pending.popleft()
            return adopted[0]
        for one in adopted:
            one.close()
        return None

    def adopt(self, sock: socket.socket) -> None:
        """Go on with another socket, in a child of the process that owned the first one."""
        self.socket.close()
        self.socket = sock
        self.is_open = True
        self.pending.clear()
        self._rest = b""

    def _spin(self) -> Optional[bytes]:
        """Poll for ``spin_s`` before sleeping, as the front asked: a wake-up costs more than the wait."""
        receive, clock = self.socket.recv, time.perf_counter
        end = clock() + self.spin_s
        while True:
            try:
                return receive(_READ_BYTES, socket.MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                if clock() > end:
                    return None
            except ConnectionError:
                return b""

    def _cut(self, data: bytes) -> bool:
        """Cut ``data`` into frames; the rest of a large one is read straight into place.

        Returns False when the peer went away within a frame.
        """
        if self._rest:
            data = self._rest + data
            self._rest = b""
        position, size = 0, len(data)
        unpack, append = frames.HEADER.unpack_from, self.pending.append
        while size - position >= _HEADER_BYTES:
            length, type_, flags, kind, request_id = unpack(data, position)
            start = position + _HEADER_BYTES
            position = start + length
            if position > size:
                if length > frames.MAX_PAYLOAD_BYTES:
                    raise frames.ProtocolError("a message of %d bytes exceeds the limit" % length)
                beginning = data[start:]
                rest = self._read(length - len(beginning))
                if rest is None:
                    return False
                if type_ == frames.SCORE and kind == frames.RAW and frames.has_section(beginning):
                    large = frames.LargeFrame(type_, flags, kind, request_id, beginning)
                    large.rest = rest
                    append(large)
                else:
                    append(frames.Frame(type_, flags, kind, request_id, beginning + rest))
                return True
            append(frames.Frame(type_, flags, kind, request_id, data[start:position]))
        self._rest = data[position:]
        return True

    def _read(self, count: int) -> Optional[bytes]:
        """Read exactly ``count`` bytes; None if the peer goes away first."""
        parts = []
        while count:
            # Room for many bytes in one go, but not for whatever a header announces.
            try:
                part = self.socket.recv(min(count, _RESERVED_BYTES), _WAIT_FOR_ALL)
            except ConnectionError:
                part = b""
            if not part:
                return None
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)
