"""Schema and example of a numpy dtype."""

from typing import Any, Dict, List

from moorage_runtime.schema.abstract_type import Schema
from moorage_runtime.schema.errors import UnsupportedSample

# numpy's unit codes in the order of the words that clients write: "5 seconds".
DURATION_UNITS: Dict[str, str] = {
    "years": "Y",
    "months": "M",
    "weeks": "W",
    "days": "D",
    "hours": "h",
    "minutes": "m",
    "seconds": "s",
    "milliseconds": "ms",
    "microseconds": "us",
    "nanoseconds": "ns",
    "picoseconds": "ps",
    "femtoseconds": "fs",
    "attoseconds": "as",
}
DURATION_WORDS = {code: word for word, code in DURATION_UNITS.items()}
_COARSE_UNITS = ("Y", "M", "W", "D", "h", "m")
_FLOATS = {2: "float", 4: "float", 8: "double"}


def dtype_schema(dtype: Any) -> Schema:
    """Return the schema of one item.

    Raises:
        UnsupportedSample: complex and long double numbers have no form in JSON.
    """
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return in_arrays(dtype_schema(base), len(shape))
    if dtype.names is not None:
        fields = [(name, dtype.fields[name][0]) for name in dtype.names]
        return {"type": "object", "properties": {name: dtype_schema(field) for name, field in fields}}
    kind = dtype.kind
    if kind == "f" and dtype.itemsize in _FLOATS:
        return {"type": "number", "format": _FLOATS[dtype.itemsize]}
    if kind in "iu":
        return {"type": "integer", "format": dtype.name}
    if kind == "m":
        return {"type": "string", "format": "timedelta"}
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    raise UnsupportedSample("a numpy sample of dtype %s has no form in JSON" % dtype)


_PLAIN: Dict[str, Schema] = {
    "b": {"type": "boolean"},
    "O": {"type": "object"},
    "U": {"type": "string"},
    "T": {"type": "string"},  # numpy 2's text of variable width
    "S": {"type": "string", "format": "binary"},
    "V": {"type": "string", "format": "binary"},
    "M": {"type": "string", "format": "date-time"},
}


def in_arrays(schema: Schema, depth: int) -> Schema:
    """Return ``schema`` as the item of ``depth`` nested arrays."""
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


def array_example(sample: Any) -> Any:
    """Return an array (or one record of it) as JSON values that conversion takes back.

    Text of bytes is Latin-1, one character per byte; NaT is null; NaN and infinities stay floats.
    """
    return _example(sample, sample.dtype, sample.ndim)


def _example(value: Any, dtype: Any, depth: int) -> Any:
    """Return an array of ``depth`` dimensions, or one item of it (depth 0), as JSON values."""
    import numpy  # noqa: PLC0415

    if dtype.subdtype is not None:
        return _example(value, dtype.subdtype[0], depth + len(dtype.subdtype[1]))
    if dtype.names is None and dtype.kind not in _ITEM_TEXTS:
        return value.tolist()
    if depth:
        return [_example(row, dtype, depth - 1) for row in value]
    if dtype.names is not None:
        return {name: _example(value[name], dtype.fields[name][0], 0) for name in dtype.names}
    if isinstance(value, numpy.ndarray) and not value.ndim:
        value = value[()]
    return _ITEM_TEXTS[dtype.kind](value)


def _bytes_text(item: Any) -> str:
    raw = bytes(item) if isinstance(item, bytes) else bytes(item.tobytes())
    return raw.decode("latin-1")


def _datetime_text(item: Any) -> Any:
    import numpy  # noqa: PLC0415

    if numpy.isnat(item):
        return None
    if numpy.datetime_data(item.dtype)[0] in _COARSE_UNITS:
        # "date-time" needs a time of day; a year that seconds cannot count keeps its own unit.
        in_seconds = item.astype("M8[s]")
        if in_seconds.astype(item.dtype) == item:
            return str(in_seconds)
    return str(item)


def _timedelta_text(item: Any) -> Any:
    import numpy  # noqa: PLC0415

    if numpy.isnat(item):
        return None
    count = int(item.astype("i8"))
    unit, step = numpy.datetime_data(item.dtype)
    return "%d %s" % (count * step, DURATION_WORDS[unit]) if unit in DURATION_WORDS else count


def _object_value(item: Any) -> Any:
    """Return an object as it is when JSON has it, otherwise its text."""
    from moorage_runtime.schema.standard_type import describe  # noqa: PLC0415

    try:
        return describe(item)[1]
    except UnsupportedSample:
        return str(item)


_ITEM_TEXTS: Dict[str, Any] = {
    "S": _bytes_text,
    "V": _bytes_text,
    "M": _datetime_text,
    "m": _timedelta_text,
    "O": _object_value,
}


def words_for(dtype: Any) -> str:
    """Say what an item of ``dtype`` is called in an error."""
    if dtype.names is not None:
        return "an object with the members %s" % ", ".join(dtype.names)
    words: List[str] = [word for kinds, word in _WORDS if dtype.kind in kinds]
    return words[0] if words else "a value for dtype %s" % dtype


_WORDS = (
    ("f", "a number"),
    ("iu", "an integer"),
    ("b", "true or false"),
    ("UT", "text"),
    ("SV", "text of Latin-1 characters"),
    ("M", "a date and time such as 2020-01-02T03:04:05"),
    ("m", 'a duration such as "5 seconds"'),
)
