"""How a body is cut into pieces for Werkzeug's multipart parser.

Some of its releases (3.0.1 to 3.1 at least) add a carriage return to an upload when a piece ends between the
two dashes that close the last delimiter. So no piece ends within a run of dashes.
"""

from typing import Any

# A delimiter is at most 70 characters and a few dashes: a longer run cannot be the end of one.
_MAX_RUN = 256
_HEAD = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'


class UnbrokenDashes:
    """The body of a request, for a parser: ``read(size)`` may return less than ``size`` before the end."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._held = b""

    def read(self, size: int = -1) -> bytes:
        """Return the next piece; empty only at the end."""
        if size is None or size < 0:
            held, self._held = self._held, b""
            return held + bytes(self._stream.read())
        data = self._held
        while True:
            more: bytes = self._stream.read(max(size - len(data), 1))
            data += more
            rest = data.rstrip(b"-")
            run = len(data) - len(rest)
            if not more or run == 0 or run > _MAX_RUN:
                self._held = b""
                return data
            if rest:
                self._held = data[len(rest) :]
                return rest


def are_needed() -> bool:
    """Return whether the installed Werkzeug has the fault."""
    try:
        from werkzeug.sansio import multipart  # noqa: PLC0415
    except ImportError:
        return False  # older than 2.0: another parser
    decoder = multipart.MultipartDecoder(b"b")
    content = b""
    for piece in (_HEAD + b"x\r\n--b-", b"-\r\n", None):
        decoder.receive_data(piece)
        event = decoder.next_event()
        while not isinstance(event, (multipart.NeedData, multipart.Epilogue)):
            content += event.data if isinstance(event, multipart.Data) else b""
            event = decoder.next_event()
    return content != b"x"
