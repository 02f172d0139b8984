"""Answers that a script built itself: response objects of ``AMLResponse``, Flask or Werkzeug."""

import json
import re
from dataclasses import dataclass

from moorage_server import answers

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Set by whoever carries the answer; a script cannot know them.
_CARRIED = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive", "date", "upgrade"})
_REPLACED = frozenset({"x-request-id", "x-ms-request-id", "x-ms-client-request-id"})
_FAILED = "x-ms-run-function-failed"


class BadResponse(Exception):
    """The response object of a script cannot be sent."""


@dataclass(frozen=True, slots=True)
class ScriptAnswer:
    """The head of a response: ready-made lines, without those that the front adds."""

    status: int
    status_line: bytes
    block: bytes
    content_length: int | None  # as announced by the script
    has_cors: bool  # the script set Access-Control-Allow-Origin itself


def parse_head(section: bytes) -> ScriptAnswer:
    """Decode the head of a ``RESULT_RESPONSE``.

    Raises:
        BadResponse: status or headers cannot be written as HTTP.
    """
    try:
        head = json.loads(section)
        status, reason = int(head["status"]), head.get("reason")
        headers = [(str(name), str(value)) for name, value in head["headers"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BadResponse(f"the head of a response is malformed: {error}") from error
    if not 200 <= status <= 999:
        raise BadResponse(f"the status {status} cannot be sent")
    if reason is not None and (not isinstance(reason, str) or _BAD_VALUE.search(reason)):
        raise BadResponse(f"the status text {reason!r} cannot be sent")
    lines: list[bytes] = []
    content_length: int | None = None
    has_cors = False
    for name, value in headers:
        lowered = name.lower()
        if lowered == "content-length" and value.isascii() and value.isdigit():
            content_length = int(value)
        if lowered in _CARRIED or lowered in _REPLACED:
            continue
        if lowered == _FAILED and status >= 500:
            continue
        if not _NAME.fullmatch(name) or _BAD_VALUE.search(value):
            raise BadResponse(f"the header {name!r} cannot be sent")
        has_cors = has_cors or lowered == "access-control-allow-origin"
        try:
            lines.append(f"{name}: {value}\r\n".encode("latin-1"))
        except UnicodeEncodeError as error:
            raise BadResponse(f"the header {name!r} has a character that headers cannot carry") from error
    if status >= 500:
        lines.append(b"x-ms-run-function-failed: True\r\n")
    line = (
        answers.STATUS_LINES[status]
        if reason is None and status < 600
        else answers.status_line(status, reason)
    )
    return ScriptAnswer(status, line, b"".join(lines), content_length, has_cors)
