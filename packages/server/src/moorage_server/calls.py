"""One request on its way through the scorers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moorage_server.protocol import ScorerConnection


class Call:
    """A request that waits for a scorer or for its answer.

    The pool keeps it until it is answered. Exactly one of ``finish``, ``lost``, ``expire`` ends it, unless
    the client went away before (``is_cancelled``); ``chunk`` and ``body_*`` serve streams in between.
    """

    # Defaults are of the class: an instance holds only what differs, which makes it cheap.
    frame: bytes = b""  # header and payload as they are sent
    rest: Sequence[bytes] = ()  # of the payload, where it is too large to be copied behind the beginning
    request_id: int = 0
    connection: "ScorerConnection | None" = None  # set while it is with a scorer
    is_cancelled: bool = False
    is_exclusive: bool = False  # its body is streamed: the scorer must have nothing else to do
    is_single: bool = False  # was sent again after a scorer died with a batch: nothing else beside it
    queued_at: float = 0.0

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
