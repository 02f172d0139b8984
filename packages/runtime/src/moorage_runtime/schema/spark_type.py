"""Spark frames as samples."""

import base64
from decimal import Decimal, InvalidOperation
from typing import Any, Callable, Dict, List

from moorage_runtime.schema.abstract_type import AbstractParameterType, Schema, mixes_types
from moorage_runtime.schema.constants import ALL_SUPPORTED_VERSIONS
from moorage_runtime.schema.dates import parse_date, parse_datetime
from moorage_runtime.schema.errors import InputError, SampleError, expected, item, member, shown
from moorage_runtime.schema.spark_schema import type_example, type_schema

Reader = Callable[[Any], Any]


class SparkParameterType(AbstractParameterType):
    """A Spark frame; inputs are lists of objects, one for each row."""

    def __init__(self, sample_input: Any, apply_sample_schema: bool = True) -> None:
        """Take the sample.

        Args:
            sample_input: a Spark ``DataFrame``; all of it is shown in the OpenAPI document.
            apply_sample_schema: create frames with the sample's schema; otherwise Spark infers one.

        Raises:
            SampleError: the sample is no Spark ``DataFrame``.
        """
        from pyspark.sql import DataFrame  # noqa: PLC0415

        if not isinstance(sample_input, DataFrame):
            raise SampleError(
                "a SparkParameterType needs a Spark DataFrame as its sample, got %s"
                % type(sample_input).__name__
            )
        super().__init__(sample_input)
        self.apply_sample_schema = apply_sample_schema
        self._frame_class = DataFrame
        self._schema = sample_input.schema
        self._read_row = _reader(self._schema)

    def input_to_swagger(self) -> Schema:
        """Return the schema with its example.

        Raises:
            UnsupportedSample: a column's type has no form in JSON.
        """
        schema = {"type": "array", "items": type_schema(self._schema)}
        schema["example"] = [type_example(self._schema, row) for row in self.sample_input.collect()]
        return schema

    def supported_versions(self) -> List[str]:
        """Return the versions; 2.0 is among them unless a decimal had to be written as text."""
        example = self.input_to_swagger()["example"]
        return ALL_SUPPORTED_VERSIONS[1:] if mixes_types(example) else list(ALL_SUPPORTED_VERSIONS)

    def deserialize_input(self, input_data: Any) -> Any:
        """Return a list of objects as a frame of the active Spark session, or of a new one.

        Raises:
            InputError: a member is missing or does not fit its column.
        """
        if isinstance(input_data, self._frame_class):
            return input_data
        if not isinstance(input_data, list):
            raise expected("a list of objects", input_data)
        from pyspark.sql import SparkSession  # noqa: PLC0415

        session = SparkSession.builder.getOrCreate()
        if self.apply_sample_schema:
            rows = _read_list(self._read_row, input_data)
            try:
                return session.createDataFrame(rows, self._schema)
            except Exception as error:  # PySpark's own errors have had many names
                raise InputError("the rows do not fit the sample's schema: %s" % error) from error
        try:
            return session.createDataFrame(input_data)
        except Exception as error:
            raise InputError("Spark cannot make a frame of the rows: %s" % error) from error


def _reader(kind: Any) -> Reader:
    """Return the function that turns a JSON value into what Spark takes for a data type."""
    name = type(kind).__name__
    if name == "StructType":
        return _struct_reader(kind)
    if name == "ArrayType":
        read_element = _reader(kind.elementType)
        return lambda value: None if value is None else _read_list(read_element, value)
    if name == "MapType":
        return _map_reader(kind)
    read = _READERS.get(name)
    return _unchanged if read is None else _optional(read)


def _unchanged(value: Any) -> Any:
    return value


def _optional(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


def _struct_reader(kind: Any) -> Reader:
    fields = [(field.name, _reader(field.dataType), field.nullable) for field in kind.fields]

    def read_struct(value: Any) -> Any:
        if not isinstance(value, dict):
            raise expected("an object", value)
        row = []
        for name, read, nullable in fields:
            if name not in value:
                raise InputError("the member %s is missing" % shown(name))
            try:
                cell = read(value[name])
                if cell is None and not nullable:
                    raise expected("a value", None)
            except InputError as error:
                error.inside(member(name))
                raise
            row.append(cell)
        return tuple(row)

    return read_struct


def _map_reader(kind: Any) -> Reader:
    read_key, read_value = _key_reader(kind.keyType), _reader(kind.valueType)

    def read_map(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise expected("an object", value)
        result = {}
        for key, element in value.items():
            try:
                result[read_key(key)] = read_value(element)
            except InputError as error:
                error.inside(member(key))
                raise
        return result

    return read_map


def _key_reader(kind: Any) -> Reader:
    """Return the reader of map keys: JSON has only text there."""
    if type(kind).__name__ in _INTEGER_BITS:

        def read_number(key: Any) -> Any:
            try:
                return int(key)
            except ValueError as error:
                raise expected("an integer as the name", key) from error

        return read_number
    return _reader(kind)


def _read_list(read: Reader, value: Any) -> List[Any]:
    if not isinstance(value, (list, tuple)):
        raise expected("a list", value)
    result = []
    for index, element in enumerate(value):
        try:
            result.append(read(element))
        except InputError as error:
            error.inside(item(index))
            raise
    return result


def _read_integer(bits: int) -> Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, int) or isinstance(value, bool):
            raise expected("an integer", value)
        if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
            raise expected("an integer of %d bits" % bits, value)
        return value

    return read


def _read_float(value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)  # Spark itself refuses 1 for 1.0
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    raise expected("a number", value)


def _read_decimal(value: Any) -> Any:
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            return Decimal(str(value))
        except InvalidOperation:
            pass
    raise expected("a decimal number", value)


def _read_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    raise expected("true or false", value)


def _read_string(value: Any) -> Any:
    if isinstance(value, str):
        return value
    raise expected("text", value)


def _read_binary(value: Any) -> Any:
    try:
        return bytearray(base64.b64decode(value))
    except (ValueError, TypeError) as error:
        raise expected("text in base64", value) from error


def _read_text(parse: Callable[[str], Any], what: str) -> Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, str):
            raise expected(what, value)
        try:
            return parse(value)
        except ValueError as error:
            raise expected(what, value) from error

    return read


_INTEGER_BITS = {"ByteType": 8, "ShortType": 16, "IntegerType": 32, "LongType": 64}
_READERS: Dict[str, Reader] = {
    "FloatType": _read_float,
    "DoubleType": _read_float,
    "DecimalType": _read_decimal,
    "BooleanType": _read_boolean,
    "StringType": _read_string,
    "BinaryType": _read_binary,
    "DateType": _read_text(parse_date, "a date such as 2021-03-04"),
    "TimestampType": _read_text(parse_datetime, "a date and time such as 2021-03-04T05:06:07Z"),
    "TimestampNTZType": _read_text(parse_datetime, "a date and time such as 2021-03-04T05:06:07"),
}
_READERS.update({name: _read_integer(bits) for name, bits in _INTEGER_BITS.items()})
