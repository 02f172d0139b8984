"""One request on its way through the scorers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moorage_server.protocol import ScorerConnection


class Call:
    """A request that waits for a scorer or for its answer.

    The pool keeps it until it is answered. Exactly one of ``finish``, ``lost``, ``expire`` ends it, unless
    the client went away before (``is_cancelled``); ``chunk`` and ``body_*`` serve streams in between.
    """

    __slots__ = (
        "connection",
        "frame",
        "is_cancelled",
        "is_exclusive",
        "is_single",
        "queued_at",
        "request_id",
    )

    def __init__(self) -> None:
        self.frame: bytes = b""  # header and payload as they are sent
        self.request_id = 0
        self.connection: ScorerConnection | None = None  # set while it is with a scorer
        self.is_cancelled = False
        self.is_exclusive = False  # its body is streamed: the scorer must have nothing else to do
        self.is_single = False  # was sent again after a scorer died with a batch: nothing else beside it
        self.queued_at = 0.0

    def finish(self, type_: int, flags: int, kind: int, payload: bytes) -> None:
        """Take the answer: a ``RESULT`` or ``ERROR`` frame. For a streamed result, ``chunk`` follows."""
        raise NotImplementedError

    def chunk(self, flags: int, payload: bytes) -> None:
        """Take a piece of a streamed answer."""
        raise NotImplementedError

    def lost(self, reason: str) -> None:
        """The scorer that ran this request is gone, with the answer."""
        raise NotImplementedError

    def expire(self) -> None:
        """No scorer took the request in time."""
        raise NotImplementedError

    def body_pause(self) -> None:
        """The scorer cannot take more of the streamed body for now."""

    def body_resume(self) -> None:
        """The scorer takes the streamed body again; also called once when the request was sent."""
