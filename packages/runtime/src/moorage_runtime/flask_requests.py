"""``flask.request`` for scripts that import it without ``@rawhttp``: the old server had it for every call.

Only scripts that name it pay for it: their requests come with all that a raw one has, and take no fast path.
"""

import io
import json
import sys
from types import FunctionType, ModuleType
from typing import Any, Callable, Dict

from . import frames

# Of a request that no client sent: the sample, when a service starts.
_NO_CLIENT: Dict[str, Any] = {
    "method": "POST",
    "path": "/score",
    "query_string": "",
    "headers": [],
    "scheme": "http",
}


def is_named(module: ModuleType) -> bool:
    """Return whether a script has ``flask.request``: as a global, or as ``flask.request`` in a function."""
    flask = sys.modules.get("flask")
    if flask is None:
        return False
    values = list(vars(module).values())
    if any(value is flask.request for value in values):
        return True
    return any(value is flask for value in values) and any(
        isinstance(value, FunctionType) and "request" in value.__code__.co_names for value in values
    )


class _Request:
    def __init__(self, environ: Dict[str, Any]) -> None:
        self.environ = environ


class FlaskRequests:
    """Opens the request context of Flask around a call of ``run``."""

    def __init__(self) -> None:
        from .raw_requests import RequestFactory  # noqa: PLC0415 - loads a web library

        self._factory: Any = RequestFactory()

    def enter(self, frame: frames.Frame) -> Callable[[], None]:
        """Make the request of a ``TEXT`` or ``JSON`` frame Flask's current one; returns what ends that.

        A form is taken out of the frame: it is for ``request.form``, and ``run`` gets an empty text.
        """
        from .raw_requests import join_headers, make_environ  # noqa: PLC0415

        head, section, body = _NO_CLIENT, b"[]", bytes(frame.payload)
        if frame.flags & frames.HAS_HEADERS:
            section, rest = frames.split_section(frame.payload)
            content = json.loads(section.decode("utf-8"))
            body = bytes(rest)
            if isinstance(content, dict):
                head = content
        # What a GET passes to run() is its query: it has no body.
        stream = io.BytesIO(body if head["method"] == "POST" else b"")
        environ = make_environ(head, join_headers(head["headers"]), stream)
        request, leave = self._factory.open(_Request(environ))
        if frame.kind == frames.TEXT and _is_form(request):
            _ = request.form  # read now: there is no other body for the script, as ever
            frame.payload = frames.join_section(section)
            frame.flags |= frames.HAS_HEADERS
        return leave  # type: ignore[no-any-return]


def _is_form(request: Any) -> bool:
    """Return whether Flask reads the body as a form."""
    if request.mimetype == "multipart/form-data":
        return bool(request.mimetype_params.get("boundary"))
    return bool(request.mimetype == "application/x-www-form-urlencoded")
