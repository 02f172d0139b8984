"""Items of arrays that numpy cannot read from JSON by itself.

Plain numbers, booleans and text need nothing of this. A reader turns one item (already parsed
from JSON) into something that ``numpy.array(items, dtype)`` takes without doubt.
"""

import re
from typing import Any, Callable, List, Optional

from moorage_runtime.schema.errors import InputError, expected, item, member, shown
from moorage_runtime.schema.numpy_schema import DURATION_UNITS, words_for

ItemReader = Callable[[Any], Any]

_ZONED = re.compile(r"(.+[Tt ]\d{2}(?::?\d{2}.*?)?)\s*(Z|z|[+-]\d{2}(?::?\d{2})?)\Z")
_DURATION = re.compile(r"\s*([+-]?\d+)\s+(\S+)\s*\Z")


def reader_for(dtype: Any) -> Optional[ItemReader]:
    """Return the reader for items of ``dtype``, or None where numpy needs no help."""
    if dtype.subdtype is not None:
        base = reader_for(dtype.subdtype[0])
        return None if base is None else _array_reader(base)
    if dtype.names is not None:
        return _record_reader(dtype)
    if dtype.kind == "M":
        return _datetime_reader(dtype)
    if dtype.kind == "m":
        return _timedelta_reader(dtype)
    if dtype.kind in "SV":
        return _read_bytes
    return None


def read_nested(value: Any, depth: int, read: ItemReader) -> Any:
    """Return ``value`` with ``read`` applied to the items of ``depth`` nested lists.

    Raises:
        InputError: with the path of the item.
    """
    if depth == 0:
        return read(value)
    if not isinstance(value, list):
        raise expected("a list", value)
    result = []
    for index, element in enumerate(value):
        try:
            result.append(read_nested(element, depth - 1, read))
        except InputError as error:
            error.inside(item(index))
            raise
    return result


def _array_reader(read: ItemReader) -> ItemReader:
    def read_array(value: Any) -> Any:
        return [read_array(element) for element in value] if isinstance(value, list) else read(value)

    return read_array


def _record_reader(dtype: Any) -> ItemReader:
    """Return a reader of records: an object by field name, or a list by position."""
    fields = [(name, reader_for(dtype.fields[name][0])) for name in dtype.names]

    def read_record(value: Any) -> Any:
        if isinstance(value, dict):
            return _read_fields(fields, value, by_name=True)
        if isinstance(value, (list, tuple)):
            if len(value) < len(fields):
                raise InputError("expected %d items, got %d" % (len(fields), len(value)))
            return _read_fields(fields, value, by_name=False)
        raise expected(words_for(dtype), value)

    return read_record


def _read_fields(fields: Any, value: Any, by_name: bool) -> Any:
    parts: List[Any] = []
    for position, (name, read) in enumerate(fields):
        if by_name and name not in value:
            raise InputError("the member %s is missing" % shown(name))
        part = value[name if by_name else position]
        try:
            parts.append(part if read is None else read(part))
        except InputError as error:
            error.inside(member(name) if by_name else item(position))
            raise
    return tuple(parts)


def _datetime_reader(dtype: Any) -> ItemReader:
    import numpy  # noqa: PLC0415

    unit, step = numpy.datetime_data(dtype)
    native = numpy.dtype("M8") if unit == "generic" else numpy.dtype("M8[%d%s]" % (step, unit))
    missing = numpy.array("NaT", dtype=native)[()]

    def read_datetime(value: Any) -> Any:
        if value is None or value in ("", "NaT"):
            return missing
        if not isinstance(value, str):
            raise expected(words_for(dtype), value)
        # The comma is how the old schema package wrote its own examples.
        text = value.strip().replace(",", ".")
        zoned = _ZONED.match(text)
        try:
            moment = numpy.datetime64(zoned.group(1) if zoned else text)
            if zoned:
                # Zones are applied here: numpy warns about them, and will refuse them one day.
                moment = moment - numpy.timedelta64(_minutes(zoned.group(2)), "m")
            return moment.astype(native)
        except ValueError as error:
            raise expected(words_for(dtype), value) from error

    return read_datetime


def _minutes(zone: str) -> int:
    """Return the distance from UTC in minutes."""
    if zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return -minutes if zone[0] == "-" else minutes


def _timedelta_reader(dtype: Any) -> ItemReader:
    import numpy  # noqa: PLC0415

    unit, step = numpy.datetime_data(dtype)
    generic = unit == "generic"
    missing = numpy.array("NaT", dtype="m8" if generic else "m8[%d%s]" % (step, unit))[()]

    def read_timedelta(value: Any) -> Any:
        if value is None or value == "NaT":
            return missing
        if generic and type(value) is int:
            return numpy.timedelta64(value)
        match = _DURATION.match(value) if isinstance(value, str) else None
        code = DURATION_UNITS.get(match.group(2).lower()) if match else None
        if match is None or code is None:
            raise expected(words_for(dtype), value)
        try:
            span: Any = numpy.array(numpy.timedelta64(int(match.group(1)), code))  # type: ignore[call-overload, unused-ignore]
            return span.astype(dtype, casting="same_kind")[()]
        except (TypeError, OverflowError) as error:
            raise InputError("%s cannot be counted in %s: %s" % (shown(value), dtype, error)) from error

    return read_timedelta


def _read_bytes(value: Any) -> Any:
    """Return text as bytes, one per character; other values are left to numpy."""
    if isinstance(value, str):
        try:
            return value.encode("latin-1")
        except UnicodeEncodeError as error:
            raise expected("text of Latin-1 characters (one per byte)", value) from error
    return value
