"""The parts that answers are made of: status lines, header blocks, error bodies."""

import json
from http import HTTPStatus

JSON_BLOCK = b"content-type: application/json\r\n"
ERROR_BLOCK = b"content-type: application/json\r\nx-ms-run-function-failed: False\r\n"
FAILED_BLOCK = b"content-type: application/json\r\nx-ms-run-function-failed: True\r\n"
SCORED_BLOCK = b"content-type: application/json\r\nx-ms-run-function-failed: False\r\nx-ms-run-fn-exec-ms: "
SCORED_FAILED_BLOCK = (
    b"content-type: application/json\r\nx-ms-run-function-failed: True\r\nx-ms-run-fn-exec-ms: "
)
TEXT_BLOCK = b"content-type: text/html; charset=utf-8\r\n"

INTERNAL_ERROR = "An unexpected internal error occurred. The server's log says more."
SCRIPT_ERROR = "The scoring script raised an error. The service's log has the traceback."
SCORER_ENDED = "the scorer process ended"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def status_line(status: int, reason: str | None = None) -> bytes:
    """Return the first line of an answer; ``reason`` defaults to the standard phrase."""
    phrase = _phrase(status) if reason is None else reason
    return b"HTTP/1.1 %d %b\r\n" % (status, phrase.encode("latin-1", "replace"))


STATUS_LINES = {status: status_line(status) for status in range(100, 600)}
OK = STATUS_LINES[200]


def message(text: str) -> bytes:
    """Return the body of an error: an object with one member."""
    return json.dumps({"message": text}).encode()


def timed_out(limit_ms: int) -> str:
    return f"The scoring script did not finish within {limit_ms} ms."


def too_large(max_body_bytes: int) -> str:
    return f"the request body is larger than the {max_body_bytes} bytes that this service accepts"
