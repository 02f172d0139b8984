"""The front's end of the socket to one scorer.

Frames are defined in :mod:`moorage_runtime.frames` and ``docs/protocol.md``. Requests are answered in the
order in which they were sent, so the call at the head of ``in_flight`` is the one that is running.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable
from time import monotonic, perf_counter
from typing import cast

from moorage_runtime import frames
from moorage_server.answers import INTERNAL_ERROR
from moorage_server.calls import Call
from moorage_server.polling import LONGER_S

logger = logging.getLogger(__name__)

_HEADER = frames.HEADER.size
_unpack = frames.HEADER.unpack_from
_READ_BYTES = 262_144
FAST_RUN_S = 0.0005  # below: sending ahead saves more than an uneven distribution costs
SLOW_RUN_S = 0.005  # above: one request ahead hides every delay of the socket
# Replies are as large as the script makes them; the length field itself is bounded by the codec.
_RESULT, _STREAMED = frames.RESULT, frames.STREAMED
_WHOLE_ANSWERS = (frames.RESULT, frames.ERROR)
_MAX_PAYLOAD = frames.MAX_PAYLOAD_BYTES


class ScorerConnection(asyncio.Protocol):
    """Writes requests and hands out replies; knows nothing of processes or queues.

    ``on_made`` is called when it can be written to, ``on_ready`` or ``on_failed`` with the payload of the
    first frame, ``on_reply`` after each completed answer, ``on_lost`` once at the end.
    """

    def __init__(
        self,
        on_ready: Callable[[bytes], None],
        on_failed: Callable[[bytes], None],
        on_reply: Callable[[Call], None],
        on_lost: Callable[["ScorerConnection"], None],
        on_made: Callable[["ScorerConnection"], None] | None = None,
    ) -> None:
        self.on_ready = on_ready
        self.on_failed = on_failed
        self.on_reply = on_reply
        self.on_lost = on_lost
        self.on_made = on_made
        self.in_flight: deque[Call] = deque()
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.head_since = monotonic()  # when the head of in_flight began, as far as can be known from here
        self.mean_run_s = 0.0  # of the time at the head of the line; 0: nothing was answered yet
        self.windows = (1, 1, 1)  # how many requests it may have at once: of a fast, medium, slow script
        self.window = 1
        self.is_streaming = False  # the head's answer has begun and comes in pieces
        self.is_exclusive = False  # the head's body is streamed
        self.is_lost = False
        self._is_introduced = False  # has said what it is, or why it is nothing
        self.is_broken = False  # sent what is not of the protocol; being closed
        self._descriptor = -1
        self._partial = bytearray()
        self._needed = _HEADER
        self._write_paused = False
        self._read_paused = False

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self.on_made is not None:
            self.on_made(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self.on_lost(self)

    def pause_writing(self) -> None:
        self._write_paused = True
        if self.is_exclusive and self.in_flight:
            self.in_flight[0].body_pause()

    def resume_writing(self) -> None:
        self._write_paused = False
        if self.is_exclusive and self.in_flight:
            self.in_flight[0].body_resume()

    def data_received(self, data: bytes) -> None:
        if self._partial:
            # Large replies come in many reads: joined once, when the frame is whole.
            self._partial += data
            if len(self._partial) < self._needed:
                return
            data = bytes(self._partial)
            self._partial.clear()
        position, size = 0, len(data)
        in_flight = self.in_flight
        while size - position >= _HEADER and not self.is_broken:
            length, type_, flags, kind, request_id = _unpack(data, position)
            start = position + _HEADER
            end = start + length
            if length > _MAX_PAYLOAD:
                self._refuse(f"a frame of {length} bytes")
                return
            if end > size:
                self._needed = end - position
                break
            position = end
            call = in_flight[0] if in_flight else None
            if (
                type_ in _WHOLE_ANSWERS
                and call is not None
                and call.request_id == request_id
                and not flags & _STREAMED
                and not self.is_streaming
            ):
                # First the next request for the scorer, then the answer for the client.
                self._pop(call)
                if not call.is_cancelled:
                    try:
                        call.finish(type_, flags, kind, data[start:end])
                    except Exception:
                        self._unusable(call)
            else:
                self._take(type_, flags, kind, request_id, data[start:end])
        else:
            self._needed = _HEADER
        if position < size:
            self._partial += data[position:] if position else data

    # for the pool

    def send(self, call: Call) -> None:
        """Send a request; its answer will be the next after those of the ones before it."""
        if not self.in_flight:
            self.head_since = monotonic()
        self.in_flight.append(call)
        call.connection = self
        self.transport.write(call.frame)
        for piece in call.rest:
            self.transport.write(piece)
        if call.is_exclusive:
            self.is_exclusive = True
            if not self._write_paused:
                call.body_resume()

    def send_and_poll(self, call: Call) -> None:
        """Send a request to a scorer that has nothing else to do, and poll for its answer.

        One that does not come in the time that its run should take is taken in later, as ever.
        """
        transport = self.transport
        is_plain = not (self.in_flight or call.rest or call.is_exclusive or self._read_paused)
        if not is_plain or transport.is_closing() or transport.get_write_buffer_size():
            self.send(call)
            return
        if self._descriptor < 0:
            self._descriptor = transport.get_extra_info("socket").fileno()
        self.head_since = monotonic()
        self.in_flight.append(call)
        call.connection = self
        frame = call.frame
        try:
            sent = os.write(self._descriptor, frame)
        except OSError:  # full, or gone: that is for the transport
            sent = 0
        if sent < len(frame):
            transport.write(frame[sent:])
            return
        self._poll()

    def _poll(self) -> None:
        in_flight, descriptor = self.in_flight, self._descriptor
        end = perf_counter() + 1.5 * self.mean_run_s + LONGER_S
        while in_flight and not self.is_broken:
            try:
                data = os.read(descriptor, _READ_BYTES)
            except BlockingIOError:
                if perf_counter() > end:
                    return
            except OSError:
                return
            else:
                if not data:  # the transport will find the end as well
                    return
                self.data_received(data)

    def send_body(self, call: Call, payload: bytes, flags: int) -> bool:
        """Send a piece of the body of the request that is running; False: wait for ``body_resume``."""
        if self.is_lost:
            return False
        self.transport.write(frames.pack_head(len(payload), frames.BODY, flags, 0, call.request_id))
        if payload:
            self.transport.write(payload)
        return not self._write_paused

    def abort_answer(self, call: Call) -> None:
        """Tell the scorer that nobody reads the rest of a streamed answer."""
        if not self.is_lost:
            self.transport.write(frames.pack(frames.BODY, b"", frames.ABORTED, 0, call.request_id))

    def pause_reading(self) -> None:
        if not (self._read_paused or self.is_lost):
            self._read_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if self._read_paused and not self.is_lost:
            self._read_paused = False
            self.transport.resume_reading()

    # frames

    def _take(self, type_: int, flags: int, kind: int, request_id: int, payload: bytes) -> None:
        """Handle everything but a complete answer to the request that is due."""
        call = self.in_flight[0] if self.in_flight else None
        if call is not None and call.request_id == request_id and type_ == frames.CHUNK:
            self._take_chunk(call, flags, payload)
        elif call is not None and call.request_id == request_id and type_ == _RESULT:
            if self.is_streaming or kind != frames.RESULT_RESPONSE:
                self._refuse("an answer in pieces that cannot be one")
                return
            self._begin_stream(call, flags, kind, payload)
        elif type_ in (frames.READY, frames.FAILED) and not self._is_introduced:
            self._is_introduced = True
            (self.on_ready if type_ == frames.READY else self.on_failed)(payload)
        else:
            self._refuse(f"a frame of type {type_} for request {request_id}, which is not due")

    def _begin_stream(self, call: Call, flags: int, kind: int, payload: bytes) -> None:
        self.is_streaming = True
        if call.is_cancelled:
            self.abort_answer(call)
            return
        try:
            call.finish(frames.RESULT, flags, kind, payload)
        except Exception:
            # It is still the head of the line, and is told when the connection ends: nothing was sent yet.
            self.is_streaming = False
            self._refuse("the beginning of an answer that cannot be read", is_error=True)

    def _take_chunk(self, call: Call, flags: int, payload: bytes) -> None:
        if not self.is_streaming:
            self._refuse("a piece of an answer that has not begun")
            return
        if not call.is_cancelled:
            call.chunk(flags, payload)
        if flags & (frames.LAST | frames.ABORTED):
            self._pop(call)

    def _pop(self, call: Call) -> None:
        self.in_flight.popleft()
        self.is_streaming = False
        self.is_exclusive = False
        if self._read_paused:
            self.resume_reading()
        now = monotonic()
        # A moving average over about sixteen answers; what it decides is only how much is sent ahead.
        elapsed_s = now - self.head_since
        mean_s = self.mean_run_s
        mean_s = self.mean_run_s = mean_s + (elapsed_s - mean_s) * 0.0625 if mean_s else elapsed_s
        fast, medium, slow = self.windows
        self.window = fast if mean_s < FAST_RUN_S else medium if mean_s < SLOW_RUN_S else slow
        self.head_since = now
        self.on_reply(call)

    def _unusable(self, call: Call) -> None:
        """Give up an answer that is off the line and cannot be read: its client must not wait for ever."""
        self._refuse("an answer that cannot be read", is_error=True)
        call.lost(INTERNAL_ERROR)

    def _refuse(self, what: str, *, is_error: bool = False) -> None:
        # Nothing that follows can be trusted to belong to the request it names.
        self.is_broken = True
        logger.error("a scorer sent %s; it is replaced", what, exc_info=is_error)
        self.transport.abort()
