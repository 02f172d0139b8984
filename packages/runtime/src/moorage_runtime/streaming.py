"""Sending a result piece by piece: in constant memory, and only as long as somebody reads it."""

from typing import Any, Callable, Iterator, Optional

from . import frames, logs, results
from .connection import Connection
from .processes import Terminated
from .tracebacks import user_traceback

_MAX_CHUNK_BYTES = 1 << 20


class StreamFailed(Exception):
    """The stream failed before its first piece; the cause says why."""


def _pieces(iterator: Iterator[Any]) -> Iterator[bytes]:
    """Yield the non-empty items as bytes; text is encoded as UTF-8."""
    for item in iterator:
        if isinstance(item, str):
            piece = item.encode("utf-8")
        elif isinstance(item, (bytes, bytearray, memoryview)):
            piece = bytes(item)
        else:
            raise TypeError("a streamed result consists of text or bytes, not of %s" % type(item).__name__)
        if piece:
            yield piece


def send_stream(  # noqa: PLR0917
    connection: Connection,
    request_id: int,
    head: Any,
    body: Any,
    elapsed_ms: float,
    close: Optional[Callable[[], Any]] = None,
) -> None:
    """Send ``head`` and then ``body`` (an iterable), one ``CHUNK`` per item as it is produced.

    ``close`` is called in the end, also when the client goes away, which is looked for between items.

    Raises:
        StreamFailed: the first item could not be had; nothing was sent.
    """
    try:
        pieces = _pieces(iter(body))
        try:
            piece = next(pieces, None)
        except Terminated:
            raise
        except BaseException as error:
            raise StreamFailed("the streamed result failed before its first piece") from error
        connection.send(results.response_message(head, b"", elapsed_ms, request_id, frames.STREAMED))
        flags = frames.LAST
        try:
            while piece is not None:
                _send_piece(connection, request_id, piece)
                if is_aborted(connection, request_id):
                    flags = frames.ABORTED
                    break
                piece = next(pieces, None)
        except Terminated:
            raise
        except BaseException as error:
            logs.logger.error("The streamed result failed:\n%s", user_traceback(error))
            flags = frames.ABORTED
        connection.send(frames.pack(frames.CHUNK, b"", flags, 0, request_id))
    finally:
        if close is not None:
            _close(close)


def _send_piece(connection: Connection, request_id: int, piece: bytes) -> None:
    for start in range(0, len(piece), _MAX_CHUNK_BYTES):
        part = piece[start : start + _MAX_CHUNK_BYTES]
        connection.send(frames.pack(frames.CHUNK, part, 0, 0, request_id))


def is_aborted(connection: Connection, request_id: int) -> bool:
    """Return whether the client of a request has gone away; does not wait."""
    before = len(connection.pending)
    connection.poll()
    if not connection.is_open:
        return True
    if len(connection.pending) == before:
        return False
    return any(
        frame.type == frames.BODY and frame.request_id == request_id and frame.flags & frames.ABORTED
        for frame in connection.pending
    )


def _close(close: Callable[[], Any]) -> None:
    try:
        close()
    except Terminated:
        raise
    except BaseException as error:
        logs.logger.error("Closing a streamed result failed:\n%s", user_traceback(error))
