"""Request ids: ``x-request-id`` and its two older relatives (contract section 4.4)."""

import os

from moorage_server.header_fields import CLIENT_REQUEST_ID, MS_REQUEST_ID, REQUEST_ID, TRACE_ID, Fields
from moorage_server.limits import MAX_ID_CHARACTERS


class IdTooLong(Exception):
    """An id header exceeds the limit; ``block`` holds the header lines that the refusal still carries."""

    def __init__(self, text: str, block: bytes) -> None:
        super().__init__(text)
        self.block = block


class _Uuids:
    """Random (version 4) UUIDs from a pool of entropy: a third of the time of ``uuid.uuid4()``."""

    def __init__(self) -> None:
        self._digits = ""
        self._position = 0

    def take(self) -> str:
        position = self._position
        if position >= len(self._digits):
            self._digits = os.urandom(16 * 256).hex()
            position = 0
        end = self._position = position + 32
        digits = self._digits[position:end]
        variant = _VARIANTS[digits[16]]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_NO_IDS = [None] * (TRACE_ID - REQUEST_ID + 1)
new_request_id = _Uuids().take


def id_block(fields: Fields) -> bytes:
    """Return the id header lines of the answer, ``TraceId`` included.

    Raises:
        IdTooLong: one of the ids is longer than 100 characters; answered with 431.
    """
    if fields[REQUEST_ID : TRACE_ID + 1] == _NO_IDS:
        new = new_request_id()
        return f"x-request-id: {new}\r\nx-ms-request-id: {new}\r\n".encode()
    request_id, ms_id, client_id = fields[REQUEST_ID], fields[MS_REQUEST_ID], fields[CLIENT_REQUEST_ID]
    trace_id = fields[TRACE_ID]
    trace = b"" if trace_id is None else b"traceid: %b\r\n" % trace_id
    if request_id is None:
        request_id = new_request_id().encode()
    elif len(request_id) > MAX_ID_CHARACTERS:
        raise IdTooLong(f"the header x-request-id is longer than {MAX_ID_CHARACTERS} characters", trace)
    own = b"x-request-id: %b\r\n" % request_id if request_id else b""
    if ms_id or client_id:
        ms_id, client_id = ms_id or client_id or b"", client_id or ms_id or b""
        if len(ms_id) > MAX_ID_CHARACTERS or len(client_id) > MAX_ID_CHARACTERS:
            raise IdTooLong(
                "the header x-ms-request-id or x-ms-client-request-id is longer than "
                f"{MAX_ID_CHARACTERS} characters",
                own + trace,
            )
        return b"%bx-ms-request-id: %b\r\nx-ms-client-request-id: %b\r\n%b" % (
            own,
            ms_id,
            client_id,
            trace,
        )
    if not request_id:
        return trace
    return b"%bx-ms-request-id: %b\r\n%b" % (own, request_id, trace)
