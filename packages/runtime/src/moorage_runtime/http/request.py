"""The request object for environments without Werkzeug; the same surface as Flask's."""

import email.utils
import io
import json
import re
from datetime import datetime
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import quote, unquote_to_bytes

from .accepted import Accept, Authorization, CacheControl, ETags, Range, UserAgent
from .errors import BadRequest, UnsupportedMediaType
from .headers import Headers, parse_options
from .multidict import MultiDict
from .multipart import MAX_FIELD_BYTES, MAX_PARTS, MalformedMultipart, MultipartReader
from .quoting import parse_cookies, parse_pairs

_PATH_SAFE = "!$&'()*+,/:;=@%"
_NUMBER = re.compile("[0-9]{1,18}")


class _Cached:
    """A property that is computed once."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self._name = function.__name__
        self.__doc__ = function.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        value = self._function(instance)
        instance.__dict__[self._name] = value
        return value


class Request:
    """An HTTP request. The body is read when it is first asked for.

    ``environ`` is a WSGI environment whose ``wsgi.input`` ends where the body ends.
    """

    max_form_memory_size = MAX_FIELD_BYTES
    max_form_parts = MAX_PARTS
    max_content_length: Optional[int] = None
    charset = "utf-8"
    root_path = script_root = ""
    is_multithread = is_multiprocess = is_run_once = False
    endpoint = "score"
    view_args: Dict[str, Any] = {}
    blueprint = None

    def __init__(self, environ: Dict[str, Any], populate_request: bool = True, shallow: bool = False) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"].upper()
        self.scheme: str = environ["wsgi.url_scheme"]
        self.query_string: bytes = environ.get("QUERY_STRING", "").encode("latin-1")
        self.path = "/" + environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace").lstrip("/")
        self.remote_addr: Optional[str] = environ.get("REMOTE_ADDR")
        self.server: Tuple[str, Optional[int]] = (environ["SERVER_NAME"], int(environ["SERVER_PORT"]))
        self._data: Optional[bytes] = None
        self._parsed: Optional[Tuple[MultiDict, MultiDict]] = None

    # Address

    @property
    def host(self) -> str:
        """As the client called it, without the scheme's own port."""
        host = self.environ.get("HTTP_HOST") or "%s:%s" % (
            self.environ["SERVER_NAME"],
            self.environ["SERVER_PORT"],
        )
        own_port = ":443" if self.scheme == "https" else ":80"
        return str(host[: -len(own_port)] if host.endswith(own_port) else host)

    @property
    def full_path(self) -> str:
        """Path, ``?`` (always) and the query as it was sent."""
        return "%s?%s" % (self.path, self.query_string.decode("utf-8", "replace"))

    @property
    def host_url(self) -> str:
        return "%s://%s/" % (self.scheme, self.host)

    url_root = root_url = host_url

    @property
    def base_url(self) -> str:
        return self.host_url[:-1] + _readable(quote(self.path, safe=_PATH_SAFE))

    @property
    def url(self) -> str:
        query = self.query_string.decode("latin-1")
        return self.base_url + ("?" + _readable(query) if query else "")

    @property
    def is_secure(self) -> bool:
        return self.scheme in ("https", "wss")

    # Headers

    @_Cached
    def headers(self) -> Headers:
        """All headers, names in title case."""
        pairs = []
        for key, value in self.environ.items():
            if key.startswith("HTTP_") and key not in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"):
                pairs.append((key[5:].replace("_", "-").title(), value))
            elif key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
                pairs.append((key.replace("_", "-").title(), value))
        return Headers(pairs)

    @property
    def content_type(self) -> Optional[str]:
        return self.environ.get("CONTENT_TYPE") or None

    @property
    def mimetype(self) -> str:
        return parse_options(self.content_type)[0]

    @property
    def mimetype_params(self) -> Dict[str, str]:
        return parse_options(self.content_type)[1]

    @property
    def content_length(self) -> Optional[int]:
        """None for a chunked body and without a body."""
        text = self.environ.get("CONTENT_LENGTH") or ""
        if "HTTP_TRANSFER_ENCODING" in self.environ or not _NUMBER.fullmatch(text):
            return None
        return int(text)

    content_encoding = property(lambda self: self.headers.get("Content-Encoding"))
    content_md5 = property(lambda self: self.headers.get("Content-Md5"))
    referrer = property(lambda self: self.headers.get("Referer"))
    origin = property(lambda self: self.headers.get("Origin"))
    user_agent = property(lambda self: UserAgent(self.headers.get("User-Agent")))
    authorization = property(lambda self: Authorization.from_header(self.headers.get("Authorization")))
    accept_mimetypes = property(lambda self: Accept.parse(self.headers.get("Accept")))
    accept_languages = property(lambda self: Accept.parse(self.headers.get("Accept-Language")))
    accept_encodings = property(lambda self: Accept.parse(self.headers.get("Accept-Encoding")))
    accept_charsets = property(lambda self: Accept.parse(self.headers.get("Accept-Charset")))
    cache_control = property(lambda self: CacheControl.parse(self.headers.get("Cache-Control")))
    if_match = property(lambda self: ETags(self.headers.get("If-Match")))
    if_none_match = property(lambda self: ETags(self.headers.get("If-None-Match")))
    range = property(lambda self: Range.parse(self.headers.get("Range")))
    remote_user = property(lambda self: self.environ.get("REMOTE_USER"))

    @property
    def date(self) -> Optional[datetime]:
        return self._time("Date")

    @property
    def if_modified_since(self) -> Optional[datetime]:
        return self._time("If-Modified-Since")

    @property
    def if_unmodified_since(self) -> Optional[datetime]:
        return self._time("If-Unmodified-Since")

    def _time(self, name: str) -> Optional[datetime]:
        try:
            return email.utils.parsedate_to_datetime(self.headers.get(name, ""))
        except (ValueError, TypeError, IndexError):
            return None

    @property
    def access_route(self) -> List[str]:
        forwarded = self.headers.get("X-Forwarded-For")
        if forwarded:
            return [one.strip() for one in forwarded.split(",") if one.strip()]
        return [self.remote_addr] if self.remote_addr else []

    @_Cached
    def cookies(self) -> MultiDict:
        return MultiDict(parse_cookies(self.headers.get("Cookie")))

    # Query

    @_Cached
    def args(self) -> MultiDict:
        """The query, decoded."""
        return MultiDict(parse_pairs(self.query_string))

    @property
    def values(self) -> MultiDict:
        """Query and form together."""
        together = MultiDict(self.args)
        together.update(self.form)
        return together

    # Body

    @_Cached
    def stream(self) -> Any:
        """The body as a binary file, readable once."""
        if self._parsed is not None:
            return io.BytesIO()
        return self.environ["wsgi.input"]

    def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> Any:
        """Return the body; with ``cache=False`` a later reader finds nothing, unless it was kept before."""
        data = self._data
        if data is None:
            if parse_form_data:
                self._parse_form()
            data = self.stream.read()
            if cache:
                self._data = data
        return data.decode("utf-8", "replace") if as_text else data

    @property
    def data(self) -> bytes:
        """The body; empty where it is a form, which is parsed instead."""
        return self.get_data(parse_form_data=True)  # type: ignore[no-any-return]

    @property
    def form(self) -> MultiDict:
        """The fields of a form that are no files."""
        return self._parse_form()[0]

    @property
    def files(self) -> MultiDict:
        """The uploaded files."""
        return self._parse_form()[1]

    def _parse_form(self) -> Tuple[MultiDict, MultiDict]:
        """Parse the body once, if it is a form; a malformed one has no fields."""
        if self._parsed is None:
            form, files = MultiDict(), MultiDict()
            kind, parameters = parse_options(self.content_type)
            is_multipart = kind == "multipart/form-data" and bool(parameters.get("boundary"))
            if not is_multipart and kind not in (
                "application/x-www-form-urlencoded",
                "application/x-url-encoded",
            ):
                self._parsed = (form, files)
                # Not a form: the body stays readable.
                self.__dict__.setdefault("stream", self.environ["wsgi.input"])
                return self._parsed
            source = self.stream if self._data is None else io.BytesIO(self._data)
            if is_multipart:
                form, files = self._read_multipart(source, parameters["boundary"])
            else:
                form = MultiDict(parse_pairs(source.read()))
            self._parsed = (form, files)
            self.__dict__["stream"] = io.BytesIO()
        return self._parsed

    def _read_multipart(self, source: Any, boundary: str) -> Tuple[MultiDict, MultiDict]:
        limits = (self.max_form_memory_size, self.max_form_parts)
        try:
            fields, files = MultipartReader(source, boundary.encode("latin-1", "replace"), *limits).read()
        except MalformedMultipart:
            return MultiDict(), MultiDict()
        return MultiDict(fields), MultiDict(files)

    @property
    def is_json(self) -> bool:
        kind = self.mimetype
        return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Parse the body as JSON.

        Raises:
            UnsupportedMediaType: another content type is declared; not with ``force``.
            BadRequest: it is not JSON. With ``silent`` both give None.
        """
        if not (force or self.is_json):
            if silent:
                return None
            raise UnsupportedMediaType("The content type is not application/json.")
        if cache and "_json" in self.__dict__:
            return self.__dict__["_json"]
        data = self.get_data(cache=cache)
        try:
            value = json.loads(data)
        except (ValueError, RecursionError) as error:
            if silent:
                return None
            raise BadRequest("The body could not be decoded as JSON: %s" % error) from None
        if cache:
            self.__dict__["_json"] = value
        return value

    @property
    def json(self) -> Any:
        return self.get_json()

    @property
    def want_form_data_parsed(self) -> bool:
        return bool(self.content_type)

    def close(self) -> None:
        """Close the uploaded files."""
        for file in self._parsed[1].listvalues() if self._parsed else ():
            for one in file:
                one.close()

    def __enter__(self) -> "Request":
        return self

    def __exit__(self, *details: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<%s %r [%s]>" % (type(self).__name__, self.url, self.method)


def _readable(text: str) -> str:
    """Decode percent-encoded characters outside of ASCII, as far as they are UTF-8."""
    pieces = text.split("%")
    result = [pieces[0]]
    pending = ""
    for piece in pieces[1:]:
        code = piece[:2]
        if len(code) == 2 and code[0] in "89ABCDEFabcdef" and code[1] in "0123456789ABCDEFabcdef":
            pending += "%" + code
            rest = piece[2:]
        else:
            rest = "%" + piece
        if rest and pending:
            result.append(_decoded(pending))
            pending = ""
        result.append(rest)
    return "".join(result) + _decoded(pending)


def _decoded(encoded: str) -> str:
    try:
        return unquote_to_bytes(encoded).decode("utf-8")
    except UnicodeDecodeError:
        return encoded
