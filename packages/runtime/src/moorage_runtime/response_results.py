"""Response objects of ``run`` (Flask's, Werkzeug's, ours): taken apart for the front."""

from http import HTTPStatus
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

from .results import NotSerialisable

_NO_BODY = (204, 304)
_FAILED_HEADER = "x-ms-run-function-failed"
_PLAIN_ENVIRON = {
    "REQUEST_METHOD": "POST",
    "SCRIPT_NAME": "",
    "PATH_INFO": "/score",
    "QUERY_STRING": "",
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.url_scheme": "http",
}


class Parts:
    """A response in pieces: ``body`` is bytes, or None where ``stream`` is to be sent piece by piece."""

    def __init__(self, status: int, reason: Optional[str], headers: List[Tuple[str, str]]) -> None:
        self.head: Dict[str, Any] = {"status": status, "reason": reason, "headers": headers}
        self.body: Optional[bytes] = None
        self.stream: Iterable[Any] = ()
        self.close: Optional[Callable[[], Any]] = None

    @property
    def has_failed(self) -> bool:
        """Whether the script says so, or the status does."""
        if self.head["status"] >= 500:
            return True
        return any(n.lower() == _FAILED_HEADER and v == "True" for n, v in self.head["headers"])


def take_apart(response: Any, environ: Optional[Dict[str, Any]]) -> Parts:
    """Take a response object apart; the caller closes what is streamed.

    Raises:
        NotSerialisable: it cannot be sent, say because its body is neither text nor bytes.
    """
    try:
        return _take_apart(response, environ or _PLAIN_ENVIRON)
    except Exception as error:  # whatever the object raises
        raise NotSerialisable("the response of run() cannot be sent: %s" % error) from error


def _take_apart(response: Any, environ: Dict[str, Any]) -> Parts:
    body = response.response
    is_whole = hasattr(body, "__len__")
    if not is_whole and not hasattr(body, "__iter__") and not hasattr(body, "__getitem__"):
        raise TypeError("its body is a %s, not text, bytes or an iterable of them" % type(body).__name__)
    is_head = environ["REQUEST_METHOD"] == "HEAD"
    if hasattr(response, "get_wsgi_response"):
        # As if it were a GET: the front says how long the body would be, and leaves it out.
        asked = dict(environ, REQUEST_METHOD="GET" if is_head else environ["REQUEST_METHOD"])
        pieces, status, headers = response.get_wsgi_response(asked)
        headers = [(str(name), str(value)) for name, value in headers]
    else:
        pieces, status = response.iter_encoded(), response.status
        headers = response.get_wsgi_headers().to_wsgi_list()
    code, reason = _parse_status(status)
    parts = Parts(code, reason, headers)
    if code in _NO_BODY:
        pieces, is_whole = (), True
    if is_whole:
        parts.body = _join(pieces)
        response.close()
    else:
        parts.stream, parts.close = iter(() if is_head else pieces), response.close
    return parts


def _join(pieces: Iterable[Any]) -> bytes:
    collected = []
    for piece in pieces:
        if not isinstance(piece, (bytes, bytearray)):
            raise TypeError("a response consists of text or bytes, not of %s" % type(piece).__name__)
        collected.append(bytes(piece))
    return collected[0] if len(collected) == 1 else b"".join(collected)


def _parse_status(status: str) -> Tuple[int, Optional[str]]:
    """Return the number, and the reason where it is not the standard one."""
    number, _, reason = status.partition(" ")
    code = int(number)
    if not 100 <= code <= 999:
        raise ValueError("%d is no HTTP status" % code)
    try:
        standard = HTTPStatus(code).phrase
    except ValueError:
        standard = "UNKNOWN"
    return code, None if not reason or reason.upper() == standard.upper() else reason


def streamed_parts(stream: Iterable[Any], close: Optional[Callable[[], Any]]) -> Parts:
    """Return the response for a ``run`` that is a generator itself."""
    headers = [("Content-Type", "text/html; charset=utf-8"), (_FAILED_HEADER, "False")]
    parts = Parts(200, None, headers)
    parts.stream, parts.close = stream, close
    return parts
