"""The fields behind a chunked body."""

from typing import TYPE_CHECKING

from moorage_server.limits import MAX_TRAILER_BYTES

if TYPE_CHECKING:
    from moorage_server.http_protocol import HttpProtocol


class Trailers:
    """Drops the header fields behind a chunked body: whoever checked the head did not see them."""

    __slots__ = ("_protocol", "size_bytes")

    def __init__(self, protocol: "HttpProtocol") -> None:
        self._protocol = protocol
        self.size_bytes = 0

    def append(self, field: tuple[bytes, bytes]) -> None:
        self.size_bytes += len(field[0]) + len(field[1])
        if self.size_bytes > MAX_TRAILER_BYTES and not self._protocol.is_lingering:
            self._protocol.refuse_trailers()
