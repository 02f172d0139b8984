"""Framed messages between the front and a scorer: a state machine without input or output.

Every message is a 12-byte little-endian header and a payload::

    u32 payload length | u8 type | u8 flags | u16 kind | u32 request id

Nothing in a payload is ever unpickled: payloads are JSON, raw bodies, numeric buffers
described by :func:`pack_array`, or tables of buffers and texts. ``docs/protocol.md`` lists every message.
"""

import struct
from typing import Iterator, Tuple, Union

BytesLike = Union[bytes, bytearray, memoryview]

HEADER = struct.Struct("<IBBHI")
MAX_PAYLOAD_BYTES = (1 << 31) - 1
PROTOCOL_VERSION = 1

# front -> scorer
CONFIGURE = 1  # JSON settings; the first message of every connection
SCORE = 2
BODY = 3  # a piece of a streamed request body
STOP = 4
ADOPT = 5  # to a preloaded template: serve the socket that came along (SCM_RIGHTS)

# scorer -> front
READY = 16  # JSON description of the loaded script
FAILED = 17  # JSON description of why it could not be loaded; the scorer then exits with 3
RESULT = 18
CHUNK = 19  # a piece of a streamed response body
ERROR = 20

# kinds of SCORE
TEXT = 0  # body text for an undecorated run(), UTF-8 not checked yet
JSON = 1  # JSON text of an object with the parameters of run()
ARRAY = 2  # the one parameter as a numeric buffer
RAW = 3  # JSON head of the HTTP request, then the body
TABLE = 4  # the one parameter as columns: numbers as buffers, text in one piece each

# kinds of RESULT (each payload starts with the run time: float64 milliseconds)
RESULT_JSON = 0  # JSON text, ready to send
RESULT_ARRAY = 1  # a numeric buffer, to be written as JSON by the front
RESULT_RESPONSE = 2  # JSON head with status and headers, then the body

# kinds of ERROR (payload: JSON object with "message", optionally "status" and "traceback")
SCRIPT_ERROR = 0  # run() raised
TIMED_OUT = 1  # run() exceeded the scoring timeout, or raised TimeoutError
NOT_SERIALISABLE = 2  # the result of run() cannot be written as JSON
CLIENT_ERROR = 3  # the request is at fault; "status" says how
INTERRUPTED = 4  # run() raised a BaseException that is no Exception

# flags
HAS_HEADERS = 1  # SCORE: the payload starts with u32 length and JSON [[name, value], ...]
BODY_FOLLOWS = 2  # SCORE of kind RAW: the body comes in BODY messages
NO_BATCH = 4  # SCORE: score this request alone
POLL = 8  # SCORE: the next one is expected at once, poll for it
RUN_FAILED = 1  # RESULT: the script says that its function failed
STREAMED = 2  # RESULT of kind RESPONSE: the body comes in CHUNK messages
LAST = 1  # BODY, CHUNK: nothing follows
ABORTED = 2  # BODY, CHUNK: the other side went away or broke off

_U32 = struct.Struct("<I")
_ARRAY_HEAD = struct.Struct("<2sBB")  # type code such as b"f8", number of dimensions, carried bytes or 0
ARRAY_TYPES = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")
_CARRIERS = {0: "", 1: "i1", 2: "i2", 4: "i4"}


class ProtocolError(Exception):
    """The peer sent bytes that are not of this protocol; the connection is of no use any more."""


class Frame:
    """One message; ``payload`` is a bytes-like object that belongs to the receiver.

    Of a large request of kind ``RAW``, ``payload`` is only the beginning, and ``rest`` has what follows.
    """

    __slots__ = ("type", "flags", "kind", "request_id", "payload")
    rest = b""

    def __init__(self, type: int, flags: int, kind: int, request_id: int, payload: bytes) -> None:
        self.type = type
        self.flags = flags
        self.kind = kind
        self.request_id = request_id
        self.payload = payload


class LargeFrame(Frame):
    """A message that was read in two pieces; ``rest`` is to be set."""

    __slots__ = ("rest",)


def pack(type: int, payload: bytes = b"", flags: int = 0, kind: int = 0, request_id: int = 0) -> bytes:
    """Return one message as bytes."""
    return HEADER.pack(len(payload), type, flags, kind, request_id) + payload


def pack_head(length: int, type: int, flags: int = 0, kind: int = 0, request_id: int = 0) -> bytes:
    """Return only the header, for a payload of ``length`` bytes that is written separately."""
    return HEADER.pack(length, type, flags, kind, request_id)


class FrameReader:
    """Cut a byte stream into frames.

    ``feed`` takes what a socket gave; iterating over ``frames()`` yields what is complete.
    """

    def __init__(self, max_payload_bytes: int = MAX_PAYLOAD_BYTES) -> None:
        self._buffer = bytearray()
        self._max_payload_bytes = max_payload_bytes

    def feed(self, data: BytesLike) -> None:
        self._buffer += data

    def frames(self) -> Iterator[Frame]:
        """Yield complete frames.

        Raises:
            ProtocolError: a header announces more than the permitted payload.
        """
        buffer = self._buffer
        position = 0
        size = len(buffer)
        try:
            while size - position >= 12:
                length, type_, flags, kind, request_id = HEADER.unpack_from(buffer, position)
                if length > self._max_payload_bytes:
                    raise ProtocolError(
                        "a message of %d bytes exceeds the limit of %d" % (length, self._max_payload_bytes)
                    )
                end = position + 12 + length
                if end > size:
                    break
                payload = bytes(memoryview(buffer)[position + 12 : end])
                position = end
                yield Frame(type_, flags, kind, request_id, payload)
        finally:
            if position:
                del buffer[:position]

    @property
    def pending_bytes(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return len(self._buffer)


def split_section(payload: BytesLike) -> Tuple[bytes, memoryview]:
    """Return ``(section, rest)`` of a payload that starts with a u32 length.

    Raises:
        ProtocolError: the announced length does not fit.
    """
    if len(payload) < 4:
        raise ProtocolError("a section length is missing")
    (length,) = _U32.unpack_from(payload)
    if 4 + length > len(payload):
        raise ProtocolError("a section of %d bytes does not fit its message" % length)
    view = memoryview(payload)
    return bytes(view[4 : 4 + length]), view[4 + length :]


def has_section(beginning: BytesLike) -> bool:
    """Return whether the section that a payload starts with is whole in its ``beginning``."""
    return len(beginning) >= 4 and 4 + int(_U32.unpack_from(beginning)[0]) <= len(beginning)


def join_section(section: bytes, rest: bytes = b"") -> bytes:
    """Return a payload that :func:`split_section` takes apart."""
    return _U32.pack(len(section)) + section + rest


def pack_array(type_code: str, shape: Tuple[int, ...], data: BytesLike) -> bytes:
    """Describe a C-contiguous little-endian buffer: ``type_code`` as in numpy (``"f8"``)."""
    head = _ARRAY_HEAD.pack(type_code.encode("ascii"), len(shape), 0)
    return head + struct.pack("<%dQ" % len(shape), *shape) + bytes(data)


def unpack_array(payload: BytesLike) -> Tuple[str, Tuple[int, ...], memoryview]:
    """Return ``(type_code, shape, data)``; ``data`` is a memoryview of exactly the right size.

    Raises:
        ProtocolError: unknown type, or the size does not follow from the shape.
    """
    type_code, carrier, shape, data = unpack_carried(payload)
    if carrier != type_code:
        raise ProtocolError("an array of %s that is carried as %s cannot come here" % (type_code, carrier))
    return type_code, shape, data


def unpack_carried(payload: BytesLike) -> Tuple[str, str, Tuple[int, ...], memoryview]:
    """Return ``(type_code, carrier, shape, data)`` of an array whose numbers may be carried as smaller ones.

    ``carrier`` is the type code of ``data``: ``type_code``, or ``i1``, ``i2``, ``i4`` for whole numbers that
    are to be made numbers of ``type_code`` (the fourth byte of the payload: bytes per number, or 0).

    Raises:
        ProtocolError: unknown type, or the size does not follow from the shape.
    """
    if len(payload) < 4:
        raise ProtocolError("an array head is missing")
    code, dimensions, carried = _ARRAY_HEAD.unpack_from(payload)
    type_code = code.decode("latin-1")
    if type_code not in ARRAY_TYPES or carried not in _CARRIERS:
        raise ProtocolError("unknown array type %r, carried in %d bytes" % (type_code, carried))
    carrier = _CARRIERS[carried] or type_code
    start = 4 + 8 * dimensions
    if dimensions > 64 or start > len(payload):
        raise ProtocolError("an array of %d dimensions does not fit its message" % dimensions)
    shape = struct.unpack_from("<%dQ" % dimensions, payload, 4)
    size = int(carrier[1])
    for extent in shape:
        size *= extent
    if size != len(payload) - start:
        raise ProtocolError("array data has %d bytes, its shape says %d" % (len(payload) - start, size))
    return type_code, carrier, shape, memoryview(payload)[start:]
