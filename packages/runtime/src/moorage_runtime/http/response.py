"""The response object for environments without Werkzeug; the same surface as Flask's."""

import json
from datetime import datetime, timezone
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, Callable, Iterator, List, Optional, Union

from .headers import Headers, parse_options


class Response:
    """An HTTP response. ``response`` is a list of pieces, or any iterable: then it is streamed."""

    default_status = 200
    default_mimetype: Optional[str] = "text/html"
    charset = "utf-8"
    direct_passthrough = False

    def __init__(  # noqa: PLR0917 - the signature that scripts know
        self,
        response: Any = None,
        status: Union[int, str, None] = None,
        headers: Any = None,
        mimetype: Optional[str] = None,
        content_type: Optional[str] = None,
        direct_passthrough: bool = False,
    ) -> None:
        self.headers = headers if isinstance(headers, Headers) else Headers(headers or ())
        if content_type is None:
            if mimetype is None and "Content-Type" not in self.headers:
                mimetype = self.default_mimetype
            if mimetype is not None:
                content_type = _with_charset(mimetype, self.charset)
        if content_type is not None:
            self.headers["Content-Type"] = content_type
        self._set_status(self.default_status if status is None else status)
        self._on_close: List[Callable[[], Any]] = []
        if response is None:
            response = []
        elif isinstance(response, (str, bytes, bytearray)):
            response = [response.encode(self.charset) if isinstance(response, str) else bytes(response)]
        self.response = response

    # Status

    def _set_status(self, status: Union[int, str, HTTPStatus]) -> None:
        if isinstance(status, str):
            code, _, reason = status.strip().partition(" ")
            if not code:
                raise ValueError("the status must not be empty")
            try:
                self._code = int(code)
            except ValueError:
                self._code, self._reason = 0, status
                return
            self._reason = reason.strip() or _reason(self._code)
        else:
            self._code = int(status)
            self._reason = _reason(self._code)

    @property
    def status_code(self) -> int:
        return self._code

    @status_code.setter
    def status_code(self, code: int) -> None:
        self._set_status(code)

    @property
    def status(self) -> str:
        return "%d %s" % (self._code, self._reason)

    @status.setter
    def status(self, value: Union[int, str]) -> None:
        self._set_status(value)

    @property
    def reason(self) -> str:
        return self._reason

    # Body

    @property
    def is_sequence(self) -> bool:
        return isinstance(self.response, (list, tuple))

    @property
    def is_streamed(self) -> bool:
        return not hasattr(self.response, "__len__")

    def iter_encoded(self) -> Iterator[bytes]:
        """Yield the pieces of the body as bytes.

        Raises:
            TypeError: a piece is neither text nor bytes.
        """
        for piece in self.response:
            if isinstance(piece, str):
                yield piece.encode(self.charset)
            elif isinstance(piece, (bytes, bytearray, memoryview)):
                yield bytes(piece)
            else:
                raise TypeError("a response consists of text or bytes, not of %s" % type(piece).__name__)

    def get_data(self, as_text: bool = False) -> Any:
        """Return the whole body; a streamed one is read to its end and kept."""
        if not self.is_sequence:
            self.response = list(self.iter_encoded())
        body = b"".join(self.iter_encoded())
        return body.decode(self.charset) if as_text else body

    def set_data(self, value: Union[str, bytes]) -> None:
        data = value.encode(self.charset) if isinstance(value, str) else bytes(value)
        self.response = [data]
        self.headers["Content-Length"] = str(len(data))

    data = property(get_data, set_data)

    def get_json(self, force: bool = False, silent: bool = False) -> Any:
        """Parse the body; None if the content type is not JSON (or, with ``silent``, if it is no JSON)."""
        if not (force or self.is_json):
            return None
        try:
            return json.loads(self.get_data())
        except ValueError:
            if silent:
                return None
            raise

    json = property(get_json)

    def freeze(self) -> None:
        self.response = list(self.iter_encoded())

    # Headers

    @property
    def content_type(self) -> Optional[str]:
        return self.headers.get("Content-Type")  # type: ignore[no-any-return]

    @content_type.setter
    def content_type(self, value: Optional[str]) -> None:
        if value is None:
            del self.headers["Content-Type"]
        else:
            self.headers["Content-Type"] = value

    @property
    def mimetype(self) -> Optional[str]:
        return parse_options(self.content_type)[0] or None

    @mimetype.setter
    def mimetype(self, value: str) -> None:
        self.headers["Content-Type"] = _with_charset(value, self.charset)

    @property
    def is_json(self) -> bool:
        kind = self.mimetype or ""
        return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))

    @property
    def content_length(self) -> Optional[int]:
        return self.headers.get("Content-Length", type=int)  # type: ignore[no-any-return]

    @content_length.setter
    def content_length(self, value: Optional[int]) -> None:
        self._set_or_delete("Content-Length", value)

    @property
    def location(self) -> Optional[str]:
        return self.headers.get("Location")  # type: ignore[no-any-return]

    @location.setter
    def location(self, value: Optional[str]) -> None:
        self._set_or_delete("Location", value)

    @property
    def content_encoding(self) -> Optional[str]:
        return self.headers.get("Content-Encoding")  # type: ignore[no-any-return]

    @content_encoding.setter
    def content_encoding(self, value: Optional[str]) -> None:
        self._set_or_delete("Content-Encoding", value)

    def _set_or_delete(self, name: str, value: Any) -> None:
        if value is None:
            del self.headers[name]
        else:
            self.headers[name] = value

    def set_cookie(  # noqa: PLR0917 - the signature that scripts know
        self,
        key: str,
        value: str = "",
        max_age: Any = None,
        expires: Any = None,
        path: Optional[str] = "/",
        domain: Optional[str] = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: Optional[str] = None,
    ) -> None:
        """Add a ``Set-Cookie`` header; ``expires`` is a datetime, seconds since 1970, or text."""
        parts = ["%s=%s" % (key, _cookie_value(value))]
        if domain:
            parts.append("Domain=" + domain)
        if expires is not None:
            parts.append("Expires=" + _http_date(expires))
        if max_age is not None:
            parts.append("Max-Age=%d" % getattr(max_age, "total_seconds", lambda: max_age)())
        parts += ["Secure"] * bool(secure) + ["HttpOnly"] * bool(httponly)
        if path:
            parts.append("Path=" + path)
        if samesite:
            parts.append("SameSite=" + samesite.title())
        self.headers.add("Set-Cookie", "; ".join(parts))

    def delete_cookie(self, key: str, path: Optional[str] = "/", domain: Optional[str] = None) -> None:
        self.set_cookie(key, expires=0, max_age=0, path=path, domain=domain)

    # End

    def call_on_close(self, function: Callable[[], Any]) -> Callable[[], Any]:
        self._on_close.append(function)
        return function

    def close(self) -> None:
        """Close the body's iterable and call what was registered."""
        if hasattr(self.response, "close"):
            self.response.close()
        for function in self._on_close:
            function()

    def get_wsgi_headers(self, environ: Any = None) -> Headers:
        headers = Headers(self.headers)
        if 100 <= self._code < 200 or self._code == 204:
            del headers["Content-Length"]
        elif self._code == 304:
            for name in ("Content-Type", "Content-Length", "Content-Encoding", "Content-Language"):
                del headers[name]
        return headers

    def __enter__(self) -> "Response":
        return self

    def __exit__(self, *details: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<%s [%s]>" % (type(self).__name__, self.status)


def _reason(code: int) -> str:
    try:
        return HTTPStatus(code).phrase.upper()
    except ValueError:
        return "UNKNOWN"


def _with_charset(mimetype: str, charset: str) -> str:
    needs = mimetype.startswith("text/") or mimetype in ("application/javascript", "application/xml")
    return "%s; charset=%s" % (mimetype, charset) if needs and "charset=" not in mimetype else mimetype


_COOKIE_PLAIN = frozenset("!#$%&'()*+-./:<=>?@[]^_`{|}~") | frozenset(
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)


def _cookie_value(value: str) -> str:
    if all(character in _COOKIE_PLAIN for character in value):
        return value
    pieces = []
    for byte in value.encode("utf-8"):
        if chr(byte) in '"\\':
            pieces.append("\\" + chr(byte))
        elif 32 <= byte < 127 and chr(byte) not in ",;":
            pieces.append(chr(byte))
        else:
            pieces.append("\\%03o" % byte)
    return '"%s"' % "".join(pieces)


def _http_date(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        value = datetime.fromtimestamp(value, timezone.utc)
    if value.tzinfo is None:
        value = value.replace(tzinfo=timezone.utc)
    return format_datetime(value.astimezone(timezone.utc), usegmt=True)
