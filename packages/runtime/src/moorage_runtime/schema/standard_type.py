"""Standard Python values as samples: numbers, text, bytes, dates, lists, dictionaries."""

import base64
import binascii
import json
from datetime import date, datetime, time, timedelta
from typing import Any, Dict, List, Tuple

from moorage_runtime.schema.abstract_type import AbstractParameterType, Schema, in_all_versions
from moorage_runtime.schema.constants import ALL_SUPPORTED_VERSIONS
from moorage_runtime.schema.dates import parse_date, parse_datetime, parse_time
from moorage_runtime.schema.errors import InputError, SampleError, UnsupportedSample, expected, shown

# Exact types only: a subclass is described as an object, as old clients know it.
_SCALARS: Dict[type, Schema] = {
    int: {"type": "integer", "format": "int64"},
    float: {"type": "number", "format": "double"},
    bool: {"type": "boolean"},
    str: {"type": "string"},
    bytes: {"type": "string", "format": "byte"},
    bytearray: {"type": "string", "format": "byte"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
    time: {"type": "string", "format": "time"},
}
_WORDS = {
    int: "an integer",
    float: "a number",
    bool: "true or false",
    str: "text",
    dict: "an object",
    list: "a list",
    tuple: "a list",
}
# JSON has no such numbers, and documents have to be JSON: there they are written as these texts.
NON_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class StandardPythonParameterType(AbstractParameterType):
    """A standard Python value; parameter types may stand inside dictionaries, lists and tuples."""

    def __init__(self, sample_input: Any) -> None:
        """Take the sample.

        Raises:
            SampleError: the sample is None.
        """
        if sample_input is None:
            raise SampleError("a sample is needed, but it is None")
        super().__init__(sample_input)

    def input_to_swagger(self) -> Schema:
        """Return the schema with its example.

        Raises:
            UnsupportedSample: something in the sample cannot be written as JSON.
        """
        if isinstance(self.sample_input, AbstractParameterType):
            raise UnsupportedSample(
                "a %s is the sample of a StandardPythonParameterType; use it as it is, or put it "
                "into a dictionary or a list" % type(self.sample_input).__name__
            )
        schema, example = describe(self.sample_input)
        schema["example"] = example
        return schema

    def supported_versions(self) -> List[str]:
        return _versions(self.sample_input)

    def deserialize_input(self, input_data: Any) -> Any:
        """Return ``input_data`` as a value of the sample's type; what is inside is not looked at.

        Raises:
            InputError: the value is of another type, or text that does not say such a value.
        """
        wanted = self.sample_data_type
        read = _READERS.get(wanted)
        if read is not None:
            return read(input_data)
        if isinstance(input_data, wanted):
            return input_data
        return self._rebuild(input_data)

    def _rebuild(self, value: Any) -> Any:
        """Return ``value`` as a subclass of a JSON type: ``OrderedDict``, ``numpy.float64``, an enum."""
        wanted: Any = self.sample_data_type
        for base in (dict, list, tuple, str, float, int):
            if issubclass(wanted, base) and isinstance(value, (list, tuple) if base is tuple else base):
                try:
                    return wanted._make(value) if hasattr(wanted, "_make") else wanted(value)
                except TypeError:  # a constructor of another shape, such as defaultdict's
                    return value
                except ValueError as error:
                    raise InputError("%s: %s" % (shown(value), error)) from error
        raise expected("a value of type %s" % wanted.__name__, value)


def describe(value: Any) -> Tuple[Schema, Any]:
    """Return schema (without example) and example of a sample value.

    Items of a list are described by the last one; every key of a dictionary is required.

    Raises:
        UnsupportedSample: the value, or one inside, cannot be written as JSON.
    """
    if isinstance(value, AbstractParameterType):
        schema = dict(value.input_to_swagger())
        example = schema.pop("example", None)
        return schema, example
    kind = type(value)
    if kind in _SCALARS:
        return dict(_SCALARS[kind]), _scalar_example(value)
    if kind is list or kind is tuple or kind is range:
        parts = [describe(element) for element in value]
        items: Schema = parts[-1][0] if parts else {"type": "object"}
        return {"type": "array", "items": items}, [example for _, example in parts]
    if kind is dict:
        members = {_key(key): describe(element) for key, element in value.items()}
        schema = {
            "type": "object",
            "required": list(members),
            "properties": {key: part[0] for key, part in members.items()},
        }
        return schema, {key: part[1] for key, part in members.items()}
    return {"type": "object"}, _checked_json(value)


def _key(key: Any) -> str:
    """Return a dictionary key as JSON writes it."""
    if isinstance(key, str):
        return key
    try:
        return str(next(iter(json.loads(json.dumps({key: None})))))
    except TypeError as error:
        raise UnsupportedSample("%r cannot be the name of a JSON member" % (key,)) from error


def _checked_json(value: Any) -> Any:
    try:
        json.dumps(value)
    except (TypeError, ValueError) as error:
        raise UnsupportedSample(
            "a sample of type %s cannot be written as JSON: %s" % (type(value).__name__, error)
        ) from error
    return value


def _scalar_example(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds") + _offset(value.utcoffset())
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.replace(tzinfo=None).isoformat("microseconds") + _offset(value.utcoffset())
    return value


def _offset(offset: Any) -> str:
    """Write a distance from UTC as ``" +0200"``; no distance (a naive time) counts as UTC."""
    minutes = int((offset or timedelta()).total_seconds()) // 60
    return " %s%02d%02d" % ("-" if minutes < 0 else "+", abs(minutes) // 60, abs(minutes) % 60)


def _versions(sample: Any) -> List[str]:
    if isinstance(sample, AbstractParameterType):
        return sample.supported_versions()
    if isinstance(sample, dict):
        return in_all_versions([_versions(value) for value in sample.values()])
    if isinstance(sample, (list, tuple)):
        kinds = {type(describe(value)[1]) for value in sample}
        if len(kinds) > 1:
            return ALL_SUPPORTED_VERSIONS[1:]
        return in_all_versions([_versions(value) for value in sample])
    return list(ALL_SUPPORTED_VERSIONS)


def _read_int(value: Any) -> Any:
    if isinstance(value, int):
        return value
    raise expected(_WORDS[int], value)


def _read_float(value: Any) -> Any:
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and value in NON_FINITE:
        return NON_FINITE[value]
    raise expected(_WORDS[float], value)


def _read_exactly(kind: type) -> Any:
    def read(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        raise expected(_WORDS[kind], value)

    return read


def _read_bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise expected("text in base64", value)
    try:
        return base64.b64decode(value)
    except (binascii.Error, ValueError) as error:
        raise InputError("expected text in base64, got %s: %s" % (shown(value), error)) from error


def _read_bytearray(value: Any) -> bytearray:
    return bytearray(_read_bytes(value))


def _read_text(parse: Any, what: str) -> Any:
    def read(value: Any) -> Any:
        if not isinstance(value, str):
            raise expected(what, value)
        try:
            return parse(value)
        except ValueError as error:
            raise expected(what, value) from error

    return read


def _read_range(value: Any) -> range:
    """Return a list of evenly spaced integers as a range."""
    if isinstance(value, range):
        return value
    if not isinstance(value, list) or not all(type(element) is int for element in value):
        raise expected("a list of evenly spaced integers", value)
    if len(value) < 2:
        return range(value[0], value[0] + 1) if value else range(0)
    step = value[1] - value[0]
    if step != 0:
        found = range(value[0], value[-1] + (1 if step > 0 else -1), step)
        if list(found) == value:
            return found
    raise expected("a list of evenly spaced integers", value)


_READERS: Dict[type, Any] = {
    int: _read_int,
    float: _read_float,
    bool: _read_exactly(bool),
    str: _read_exactly(str),
    dict: _read_exactly(dict),
    list: _read_exactly(list),
    tuple: _read_exactly(tuple),
    bytes: _read_bytes,
    bytearray: _read_bytearray,
    date: _read_text(parse_date, "a date such as 2021-03-04"),
    datetime: _read_text(parse_datetime, "a date and time such as 2021-03-04T05:06:07Z"),
    time: _read_text(parse_time, "a time of day such as 05:06:07"),
    range: _read_range,
}
