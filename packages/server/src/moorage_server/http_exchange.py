"""One request on a connection of :class:`~moorage_server.http_protocol.HttpProtocol`, and its answer."""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from moorage_server.exchange import Exchange

if TYPE_CHECKING:
    from moorage_server.http_protocol import HttpProtocol

_SEPARATE_WRITE_BYTES = 65536  # larger bodies are not copied behind their headers


class HttpExchange(Exchange):
    """Writes answers as HTTP/1.1, and tells its connection when they are complete."""

    is_complete = False
    is_answered = False
    is_started = False  # the head of a streamed answer is sent
    is_head = False
    keep_alive = True
    has_bad_head = False
    received = 0  # bytes of the body so far
    on_piece: Callable[[bytes, bool], bool] | None = None
    on_writable: Callable[[], None] | None = None
    _body = b""
    _pieces: list[bytes] | None = None  # of a body that came in several and is not joined yet
    _is_chunked = False
    _remaining: int | None = None  # bytes that a streamed answer still has to have, by its own header

    def __init__(self, protocol: "HttpProtocol") -> None:
        self.protocol = protocol
        self.headers = []

    @property
    def client(self) -> tuple[str, int] | None:
        return cast("tuple[str, int] | None", self.protocol.peer)

    @property
    def is_gone(self) -> bool:
        return self.protocol.is_closed

    @property
    def scheme(self) -> str:
        return self.protocol.scheme

    # request body

    @property
    def body(self) -> bytes:
        if self._pieces is not None:
            self._body = b"".join(self._pieces)
            self._pieces = None
        return self._body

    @body.setter
    def body(self, body: bytes) -> None:
        self._body = body
        self._pieces = None

    def body_pieces(self) -> list[bytes]:
        pieces = [self._body] if self._pieces is None else self._pieces
        self.body = b""
        return pieces

    def add_body(self, data: bytes) -> None:
        """Take a further piece; the first one is ``body`` already."""
        if self.on_piece is not None:
            if not self.is_answered and not self.on_piece(data, False):
                self.protocol.pause_reading()
        elif self._pieces is None:
            self._pieces = [self._body, data]
        else:
            self._pieces.append(data)

    def complete(self) -> None:
        """The end of the request has arrived."""
        if self.on_piece is not None and not self.is_answered:
            self.on_piece(b"", True)

    def read_body(self, on_piece: Callable[[bytes, bool], bool]) -> None:
        self.on_piece = on_piece
        for data in self.body_pieces():
            if data and not on_piece(data, False):
                self.protocol.pause_reading()
        if self.is_complete:
            on_piece(b"", True)

    def pause_body(self) -> None:
        self.protocol.pause_reading()

    def resume_body(self) -> None:
        self.protocol.resume_reading()

    # answer

    def answer(self, status_line: bytes, block: bytes, body: bytes) -> None:
        protocol = self.protocol
        if self.is_answered or protocol.is_closed:
            return
        self.is_answered = True
        # An answer before the end of the request: what follows on the connection is not a request.
        stays = self.keep_alive and self.is_complete and not protocol.is_draining
        closing = b"" if stays else b"connection: close\r\n"
        head = b"%b%b%b%bcontent-length: %d\r\n\r\n" % (
            status_line,
            protocol.clock.date_header,
            block,
            closing,
            len(body),
        )
        if self.is_head:
            protocol.transport.write(head)
        elif len(body) < _SEPARATE_WRITE_BYTES:
            protocol.transport.write(head + body)
        else:
            protocol.transport.write(head)
            protocol.transport.write(body)
        if stays and not protocol.pipeline and not protocol.is_read_paused:
            protocol.active = None
        else:
            protocol.answered(self, not stays)

    def answer_without_body(self, status_line: bytes, block: bytes) -> None:
        """Send an answer that has no body by definition (204, 304)."""
        if self.protocol.is_closed:
            return
        self.is_answered = True
        closing = b"connection: close\r\n" if self._must_close() else b""
        head = b"%b%b%b%b\r\n" % (status_line, self.protocol.clock.date_header, block, closing)
        self.protocol.transport.write(head)
        self.protocol.answered(self, bool(closing))

    def start(self, status_line: bytes, block: bytes, content_length: int | None) -> None:
        self.is_started = True
        if self.protocol.is_closed:
            return
        if content_length is not None:
            self._remaining = content_length
            framing = b"content-length: %d\r\n" % content_length
        elif self.http_version == "1.0":
            framing = b""  # ended by closing the connection
            self.keep_alive = False
        else:
            framing = b"transfer-encoding: chunked\r\n"
            self._is_chunked = True
        if self._must_close():
            self.keep_alive = False
            framing += b"connection: close\r\n"
        head = b"%b%b%b%b\r\n" % (status_line, self.protocol.clock.date_header, block, framing)
        self.protocol.transport.write(head)

    def write(self, data: bytes, on_writable: Callable[[], None]) -> bool:
        protocol = self.protocol
        if not self.is_head and not protocol.is_closed:
            if self._is_chunked:
                protocol.transport.write(b"%x\r\n%b\r\n" % (len(data), data))
            else:
                protocol.transport.write(self._within_length(data))
        if protocol.is_write_paused:
            self.on_writable = on_writable
            return False
        return True

    def end(self) -> None:
        self.is_answered = True
        if self.protocol.is_closed:
            return
        if self._is_chunked and not self.is_head:
            self.protocol.transport.write(b"0\r\n\r\n")
        if self._remaining and not self.is_head:
            self.cut()  # whoever reads would take the next answer for the rest of this one
            return
        self.protocol.answered(self, not self.keep_alive)

    def cut(self) -> None:
        self.is_answered = True
        # A reset where the framing itself cannot say that something is missing.
        if self._is_chunked:
            self.protocol.transport.close()
        else:
            self.protocol.transport.abort()

    def _within_length(self, data: bytes) -> bytes:
        """Return what of a piece fits into the length that the script has announced."""
        if self._remaining is None:
            return data
        data = data[: self._remaining]
        self._remaining -= len(data)
        return data

    def _must_close(self) -> bool:
        return not self.keep_alive or self.protocol.is_draining or not self.is_complete
