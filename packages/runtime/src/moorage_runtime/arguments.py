"""From a ``SCORE`` message to the keyword arguments of ``run``."""

import json
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple, Union

from . import frames
from .entry_script import HEADERS_PARAMETER, KEYWORD, EntryScript, Parameter

if TYPE_CHECKING:
    from .tables import TableInput

Payload = Union[bytes, bytearray]


class ClientError(Exception):
    """The request is at fault; ``status`` is the HTTP status to answer with."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def parse_headers(section: bytes) -> Dict[str, str]:
    """Return ``{name in title case: value}``; repeated names are joined with a comma."""
    headers: Dict[str, str] = {}
    content = json.loads(section.decode("utf-8"))
    for spelling, value in content["headers"] if isinstance(content, dict) else content:
        name = spelling.title()
        headers[name] = headers[name] + "," + value if name in headers else value
    return headers


def parse_object(payload: Payload) -> Dict[str, Any]:
    """Parse the JSON object of a keyword request: UTF-8, UTF-16 or UTF-32, duplicate keys: the last one.

    Raises:
        ClientError: it is empty, not JSON, or no object.
    """
    if not payload:
        raise ClientError("The request body is empty; a JSON object with the parameters is expected.")
    try:
        value = json.loads(payload)
    except UnicodeDecodeError as error:
        raise ClientError("The request body cannot be decoded as %s: %s" % (error.encoding, error)) from None
    except ValueError as error:
        raise ClientError("The request body could not be decoded as JSON: %s" % error) from None
    except RecursionError:
        raise ClientError("The request body is nested too deeply.") from None
    if type(value) is not dict:
        raise ClientError(
            "The request body should be a JSON object with the parameters, not %s." % _json_type(value)
        )
    return value


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    return {list: "an array", str: "a string", bool: "a boolean"}.get(type(value), "a number")


def decode_text(payload: Payload) -> str:
    """Decode a body as UTF-8; a byte order mark is kept.

    Raises:
        ClientError: it is not UTF-8.
    """
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ClientError("The request body cannot be decoded as UTF-8: %s" % error) from None


_KNOWN_HEADS = 256  # array heads that are remembered: most requests look like one before


def _array_reader() -> Callable[[Payload], Any]:
    """Return a function that turns a packed array into a writable numpy array of its own memory."""
    import numpy  # noqa: PLC0415

    dtypes = {code: numpy.dtype(code) for code in frames.ARRAY_TYPES}
    is_little = sys.byteorder == "little"
    ndarray, unpack = numpy.ndarray, frames.unpack_carried
    known: Dict[bytes, Tuple[Any, Tuple[int, ...], int, int, Any]] = {}

    def read(payload: Payload) -> Any:
        # Type code, number of dimensions and extents; the same for all requests of one form.
        head = bytes(payload[: 4 + 8 * payload[2]]) if len(payload) > 3 else b""
        entry = known.get(head)
        if entry is None or entry[3] != len(payload):
            type_code, carrier, shape, data = unpack(payload)  # checks everything
            if len(known) >= _KNOWN_HEADS:
                known.clear()
            wanted = dtypes[type_code] if carrier != type_code else None
            entry = known[head] = (dtypes[carrier], shape, len(head), len(head) + len(data), wanted)
        array = ndarray(entry[1], entry[0], payload, entry[2])
        if entry[4] is not None:
            return (array if is_little else array.byteswap()).astype(entry[4])
        # A copy is aligned, owns its memory and may be written to, like an array made from a list.
        return array.copy() if is_little else array.byteswap()

    return read


class Arguments:
    """Turns the payloads of ``SCORE`` frames into keyword arguments for one script.

    In keyword mode what a request leaves out is passed explicitly with its default, so that a
    decorator sees it; in the other modes only the first parameter is passed.
    """

    def __init__(self, script: EntryScript, table: Optional["TableInput"] = None) -> None:
        self._table = table
        self.first = script.parameters[0].name
        self._parameters: List[Parameter] = script.parameters
        defaults = script.defaults if script.mode == KEYWORD else {}
        self._more_defaults = {k: v for k, v in defaults.items() if k != self.first}
        self._wants_headers = script.wants_headers
        # numpy is loaded by the first request that needs it, unless the script has done so.
        self.read_array: Callable[[Payload], Any] = self._read_first_array

    def of(self, frame: frames.Frame) -> Dict[str, Any]:
        """Return the arguments of a frame of kind TEXT, JSON, ARRAY or TABLE.

        Raises:
            ClientError: the body is unsuitable, or a parameter is missing.
            ProtocolError: the front sent what cannot be.
        """
        payload: Any = frame.payload
        kind = frame.kind
        if kind == frames.ARRAY and not frame.flags & frames.HAS_HEADERS:
            return self.of_array(self.read_array(payload))
        headers: Dict[str, str] = {}
        if frame.flags & frames.HAS_HEADERS:
            section, rest = frames.split_section(payload)
            headers, payload = parse_headers(section), bytes(rest)
        if kind == frames.TEXT:
            arguments: Dict[str, Any] = {self.first: decode_text(payload)}
        elif kind == frames.JSON:
            arguments = self._of_object(parse_object(payload))
        elif kind == frames.ARRAY:
            arguments = self.of_array(self.read_array(payload))
        elif kind == frames.TABLE and self._table is not None:
            arguments = self._table.arguments(payload)
        else:
            raise frames.ProtocolError("unknown kind of request: %d" % kind)
        if self._wants_headers:
            arguments[HEADERS_PARAMETER] = headers
        return arguments

    def of_value(self, value: Any, headers: Optional[Dict[str, str]]) -> Dict[str, Any]:
        """Return the arguments for a first parameter that is ready (a request object)."""
        arguments = {self.first: value}
        if self._wants_headers:
            arguments[HEADERS_PARAMETER] = headers or {}
        return arguments

    def of_array(self, array: Any) -> Dict[str, Any]:
        """Return the arguments with ``array`` as the only parameter without a default."""
        if not self._more_defaults:
            return {self.first: array}
        arguments = dict(self._more_defaults)
        arguments[self.first] = array
        return arguments

    def _read_first_array(self, payload: Payload) -> Any:
        self.read_array = _array_reader()
        return self.read_array(payload)

    def make_array(self, type_code: str, shape: Tuple[int, ...], data: bytearray) -> Any:
        """Return a writable numpy array on ``data``."""
        import numpy  # noqa: PLC0415

        array = numpy.ndarray(shape, numpy.dtype(type_code), data)
        return array if sys.byteorder == "little" else array.byteswap()

    def _of_object(self, values: Dict[str, Any]) -> Dict[str, Any]:
        arguments = {}
        for parameter in self._parameters:
            if parameter.name in values:
                arguments[parameter.name] = values[parameter.name]
            elif parameter.is_required:
                raise ClientError("The request has no value for the parameter '%s'." % parameter.name)
            else:
                arguments[parameter.name] = parameter.default
        return arguments
