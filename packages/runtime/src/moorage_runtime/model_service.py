"""Requests for a script that answers whole HTTP requests itself, without a web library: mode ``model``.

A script has this mode when its module has a ``MOORAGE_SERVICE``, an object with

``describe(settings)``
    what is said in ``READY``: ``openapi``, ``sample``, ``array_input``, ``routes``, ``notices``;
``answer(request)``
    a :class:`Request` to an :class:`Answer`;
``write(value)``
    the JSON text for what ``run`` returned for an array.

``is_rowwise``
    whether the rows of several requests may be scored together.

``run(data)`` gets the arrays that the front made of plain JSON bodies.
"""

import json
from typing import Any, Dict, List, Optional, Tuple

from . import frames, results

JSON = "application/json"


class Request:
    """One HTTP request; names of ``headers`` are lowered, repeated ones joined with a comma."""

    __slots__ = ("method", "path", "query", "headers", "body")

    def __init__(  # noqa: PLR0917
        self, method: str, path: str, query: str, headers: Dict[str, str], body: bytes
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body


class Answer:
    """What to send back. ``body`` is complete; ``headers`` are those besides the content type."""

    __slots__ = ("body", "status", "content_type", "headers")

    def __init__(
        self,
        body: bytes,
        status: int = 200,
        content_type: str = JSON,
        headers: Optional[List[Tuple[str, str]]] = None,
    ) -> None:
        self.body = body
        self.status = status
        self.content_type = content_type
        self.headers = headers or []


def read_request(frame: frames.Frame) -> Request:
    """Return the request that a frame of kind ``RAW``, ``JSON`` or ``TEXT`` carries.

    Raises:
        ProtocolError: the frame is cut short.
    """
    if frame.kind != frames.RAW:  # the sample of the smoke run
        return Request("POST", "/score", "", {"content-type": JSON}, bytes(frame.payload))
    section, body = frames.split_section(frame.payload)
    head = json.loads(section.decode("utf-8"))
    headers: Dict[str, str] = {}
    for spelling, value in head["headers"]:
        name = spelling.lower()
        headers[name] = headers[name] + "," + value if name in headers else value
    whole = b"".join((body, frame.rest))
    return Request(head["method"], head["path"], head["query_string"], headers, whole)


def answer_message(answer: Any, elapsed_ms: float, request_id: int) -> bytes:
    """Return the ``RESULT`` for an :class:`Answer`."""
    if answer.status == 200 and answer.content_type == JSON and not answer.headers:
        return results.json_message(answer.body, elapsed_ms, request_id)
    headers = [("Content-Type", answer.content_type), ("x-ms-run-function-failed", "False")]
    head = {"status": answer.status, "reason": None, "headers": headers + list(answer.headers)}
    return results.response_message(head, answer.body, elapsed_ms, request_id)
