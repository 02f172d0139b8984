"""Schema and example of a Spark frame."""

import base64
from decimal import Decimal
from typing import Any, Callable, Dict

from moorage_runtime.schema.abstract_type import Schema
from moorage_runtime.schema.errors import UnsupportedSample

# By class name: the type classes are PySpark's, and new ones come with new releases.
_SCALARS: Dict[str, Schema] = {
    "ByteType": {"type": "integer", "format": "int8"},
    "ShortType": {"type": "integer", "format": "int16"},
    "IntegerType": {"type": "integer", "format": "int32"},
    "LongType": {"type": "integer", "format": "int64"},
    "FloatType": {"type": "number", "format": "float"},
    "DoubleType": {"type": "number", "format": "double"},
    "DecimalType": {"type": "number", "format": "decimal"},
    "BooleanType": {"type": "boolean"},
    "StringType": {"type": "string"},
    "VarcharType": {"type": "string"},
    "CharType": {"type": "string"},
    "BinaryType": {"type": "string", "format": "binary"},
    "DateType": {"type": "string", "format": "date"},
    "TimestampType": {"type": "string", "format": "date-time"},
    "TimestampNTZType": {"type": "string", "format": "date-time"},
    "NullType": {"type": "object"},
}


def type_schema(kind: Any) -> Schema:
    """Return the schema of a Spark data type.

    Raises:
        UnsupportedSample: user-defined types such as vectors have no form in JSON.
    """
    name = type(kind).__name__
    if name in _SCALARS:
        return dict(_SCALARS[name])
    if name == "ArrayType":
        return {"type": "array", "items": type_schema(kind.elementType)}
    if name == "MapType":
        return {"type": "object", "additionalProperties": type_schema(kind.valueType)}
    if name == "StructType":
        return {
            "type": "object",
            "properties": {field.name: type_schema(field.dataType) for field in kind.fields},
        }
    raise UnsupportedSample("a Spark column of type %s has no form in JSON" % kind.simpleString())


def type_example(kind: Any, value: Any) -> Any:
    """Return a value of a Spark frame as JSON; conversion takes it back."""
    if value is None:
        return None
    write = _EXAMPLES.get(type(kind).__name__)
    return value if write is None else write(kind, value)


def _array_example(kind: Any, value: Any) -> Any:
    return [type_example(kind.elementType, element) for element in value]


def _map_example(kind: Any, value: Any) -> Any:
    return {str(key): type_example(kind.valueType, element) for key, element in value.items()}


def _struct_example(kind: Any, value: Any) -> Any:
    return {field.name: type_example(field.dataType, value[field.name]) for field in kind.fields}


def _decimal_example(_: Any, value: Decimal) -> Any:
    """Return a decimal as a number if a double holds all its digits, otherwise as text."""
    number = float(value)
    return number if Decimal(repr(number)) == value else str(value)


def _binary_example(_: Any, value: Any) -> str:
    return base64.b64encode(bytes(value)).decode("ascii")


def _date_example(_: Any, value: Any) -> Any:
    return value.isoformat()


_EXAMPLES: Dict[str, Callable[[Any, Any], Any]] = {
    "ArrayType": _array_example,
    "MapType": _map_example,
    "StructType": _struct_example,
    "DecimalType": _decimal_example,
    "BinaryType": _binary_example,
    "DateType": _date_example,
    "TimestampType": _date_example,
    "TimestampNTZType": _date_example,
}
