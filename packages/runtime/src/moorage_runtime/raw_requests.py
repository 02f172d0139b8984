"""From a ``SCORE`` message of kind RAW to a request object."""

import io
import json
import sys
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import frames, logs, web_library
from .aml_request import AMLRequest
from .bodies import ArrivingBody
from .connection import Connection


class RawRequest:
    """One request: ``environ`` (WSGI), ``headers`` in title case, and the body's source."""

    def __init__(self, frame: frames.Frame, connection: Connection) -> None:
        section, rest = frames.split_section(frame.payload)
        head = json.loads(section.decode("utf-8"))
        self.arriving: Optional[ArrivingBody] = None
        if frame.flags & frames.BODY_FOLLOWS:
            self.arriving = ArrivingBody(connection, frame.request_id)
            stream: Any = io.BufferedReader(self.arriving, 65536)
        else:
            # Of bytes, BytesIO and whoever reads all of it at once make no copy.
            stream = io.BytesIO(b"".join((rest, frame.rest)))
        self.headers = join_headers(head["headers"])
        self.environ = make_environ(head, self.headers, stream)

    def close(self) -> None:
        """Forget a body that was not read to its end."""
        if self.arriving is not None:
            self.arriving.release()


def join_headers(pairs: List[List[str]]) -> Dict[str, str]:
    """Return ``{Title-Case: value}``; repeated headers are joined with a comma, ``_`` names are dropped."""
    headers: Dict[str, str] = {}
    for name, value in pairs:
        if "_" not in name:
            title = name.title()
            headers[title] = headers[title] + "," + value if title in headers else value
    return headers


def make_environ(head: Dict[str, Any], headers: Dict[str, str], stream: Any) -> Dict[str, Any]:
    """Return the WSGI environment of a request; ``stream`` ends where the body ends."""
    host, port = _split_host(headers.get("Host", ""), head["scheme"])
    client = head.get("client") or ("", 0)
    query = head["query_string"]
    target = head.get("raw_path") or head["path"]
    environ = {
        "REQUEST_METHOD": head["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": head["path"],
        "QUERY_STRING": query,
        "REQUEST_URI": target + ("?" + query if query else ""),
        "RAW_URI": target + ("?" + query if query else ""),
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/" + head.get("http_version", "1.1"),
        "SERVER_SOFTWARE": "Moorage",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": head["scheme"],
        "wsgi.input": stream,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key] = value
    return environ


def _split_host(host: str, scheme: str) -> Tuple[str, str]:
    name, colon, port = host.rpartition(":")
    if colon and port.isdigit() and not port.startswith("]"):
        return name, port
    return host or "localhost", "443" if scheme == "https" else "80"


class RequestFactory:
    """Makes the objects that ``run`` gets, inside Flask's request context where Flask is in use."""

    def __init__(self) -> None:
        self._app: Any = None
        if web_library.LIBRARY == "flask":
            from .flask_app import make_app  # noqa: PLC0415

            self._app = make_app()
            self._app.request_class = AMLRequest

    def open(self, raw: RawRequest) -> Tuple[Any, Callable[[], None]]:
        """Return ``(request, leave)``; ``leave`` is to be called when the request is answered."""
        if self._app is None:
            request = AMLRequest(raw.environ)
            return request, lambda: _quietly(request.close)
        context = self._app.request_context(raw.environ)
        context.__enter__()
        return context.request, lambda: _quietly(context.__exit__, None, None, None)


def _quietly(function: Callable[..., Any], *arguments: Any) -> None:
    """Clean up; the answer is on its way, so an error is only logged."""
    try:
        function(*arguments)
    except Exception as error:
        logs.logger.warning("Closing a request failed: %s", error)
