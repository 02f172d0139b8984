"""One HTTP request and its answer, as the application sees them, whatever server carries them."""

from collections.abc import Callable

from moorage_server.header_fields import NO_FIELDS, Fields

Headers = list[tuple[bytes, bytes]]


class Exchange:
    """The request as it came, and the ways to answer it.

    ``headers`` keep the spelling of the client (a server may have lowered the names). ``body`` is complete
    unless the application asked for a stream. Header blocks are ready-made lines, each with its line end;
    ``content-length``, ``transfer-encoding``, ``connection`` and ``date`` are added by whoever carries it.
    """

    # Defaults are of the class: an instance holds only what differs, which makes it cheap.
    method: bytes = b""
    target: bytes = b""  # path and query as sent
    headers: Headers
    fields: Fields = NO_FIELDS  # the headers that the front itself reads
    http_version: str = "1.1"
    body: bytes = b""
    is_complete: bool = True  # the whole request has arrived
    began_at: float = 0.0  # by perf_counter; only set when requests are reported
    ids: bytes = b""  # the id header lines of its answer; likewise
    on_disconnect: Callable[[], None] | None = None  # called when the client goes away unanswered

    @property
    def client(self) -> tuple[str, int] | None:
        return None

    @property
    def is_gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return False

    @property
    def scheme(self) -> str:
        return "http"

    def answer(self, status_line: bytes, block: bytes, body: bytes) -> None:
        """Send a complete answer."""
        raise NotImplementedError

    def answer_without_body(self, status_line: bytes, block: bytes) -> None:
        """Send an answer that has no body by definition (204, 304)."""
        raise NotImplementedError

    def start(self, status_line: bytes, block: bytes, content_length: int | None) -> None:
        """Begin an answer whose body follows in pieces."""
        raise NotImplementedError

    def write(self, data: bytes, on_writable: Callable[[], None]) -> bool:
        """Send a piece; False: the client reads slowly, wait for ``on_writable``."""
        raise NotImplementedError

    def end(self) -> None:
        """End an answer that was begun with :meth:`start`."""
        raise NotImplementedError

    def cut(self) -> None:
        """Break a begun answer off, so that the client can see that it is incomplete."""
        raise NotImplementedError

    def body_pieces(self) -> list[bytes]:
        """Return the complete body in the pieces in which it came, and forget it."""
        pieces = [self.body]
        self.body = b""
        return pieces

    def pause_body(self) -> None:
        """Let no more of a streamed body arrive until :meth:`resume_body`."""
        raise NotImplementedError

    def read_body(self, on_piece: Callable[[bytes, bool], bool]) -> None:
        """Deliver a streamed body: ``on_piece(data, is_last)``; False waits for :meth:`resume_body`."""
        raise NotImplementedError

    def resume_body(self) -> None:
        """Go on with the body after ``on_piece`` returned False."""
        raise NotImplementedError
