"""Spark frames as samples, with a real PySpark. ``scripts/test-schema-matrix spark`` has one."""

import json
import os
import re
import sys
from datetime import date, datetime
from decimal import Decimal

import pytest

pytest.importorskip("pyspark", reason="PySpark is not installed here; run scripts/test-schema-matrix spark")

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as t

from moorage_runtime.schema import (
    InputError,
    SampleError,
    SparkParameterType,
    StandardPythonParameterType,
    UnsupportedSample,
    build_documents,
    input_schema,
)
from moorage_runtime.schema.spark_schema import type_schema


@pytest.fixture(scope="module")
def spark():
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.master("local[1]").appName("schema tests")
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
    }.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="module")
def plain(spark):
    schema = t.StructType(
        [
            t.StructField("n", t.StringType()),
            t.StructField("i", t.IntegerType()),
            t.StructField("f", t.DoubleType()),
            t.StructField("b", t.BooleanType()),
        ]
    )
    return spark.createDataFrame([("x", 1, 1.5, True)], schema)


def test_rows_are_objects(plain) -> None:
    assert SparkParameterType(plain).input_to_swagger() == {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "n": {"type": "string"},
                "i": {"type": "integer", "format": "int32"},
                "f": {"type": "number", "format": "double"},
                "b": {"type": "boolean"},
            },
        },
        "example": [{"n": "x", "i": 1, "f": 1.5, "b": True}],
    }


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (t.ByteType(), {"type": "integer", "format": "int8"}),
        (t.ShortType(), {"type": "integer", "format": "int16"}),
        (t.LongType(), {"type": "integer", "format": "int64"}),
        (t.FloatType(), {"type": "number", "format": "float"}),
        (t.DecimalType(10, 2), {"type": "number", "format": "decimal"}),
        (t.BinaryType(), {"type": "string", "format": "binary"}),
        (t.DateType(), {"type": "string", "format": "date"}),
        (t.TimestampType(), {"type": "string", "format": "date-time"}),
        (t.NullType(), {"type": "object"}),
        (t.ArrayType(t.StringType()), {"type": "array", "items": {"type": "string"}}),
        (
            t.MapType(t.StringType(), t.BooleanType()),
            {"type": "object", "additionalProperties": {"type": "boolean"}},
        ),
        (
            t.StructType([t.StructField("x", t.StringType())]),
            {"type": "object", "properties": {"x": {"type": "string"}}},
        ),
    ],
)
def test_every_type_has_its_schema(kind, schema) -> None:
    assert type_schema(kind) == schema


def test_types_without_a_form_in_json_are_refused(spark) -> None:
    from pyspark.ml.linalg import Vectors, VectorUDT

    schema = t.StructType([t.StructField("v", VectorUDT())])
    sample = spark.createDataFrame([(Vectors.dense([1.0]),)], schema)
    with pytest.raises(UnsupportedSample, match="no form in JSON"):
        input_schema("data", SparkParameterType(sample))


NESTED = t.StructType(
    [
        t.StructField("byte", t.ByteType()),
        t.StructField("long", t.LongType()),
        t.StructField("float", t.FloatType()),
        t.StructField("decimal", t.DecimalType(20, 10)),
        t.StructField("raw", t.BinaryType()),
        t.StructField("day", t.DateType()),
        t.StructField("moment", t.TimestampType()),
        t.StructField("days", t.ArrayType(t.DateType())),
        t.StructField("map", t.MapType(t.StringType(), t.DoubleType())),
        t.StructField("numbered", t.MapType(t.IntegerType(), t.StringType())),
        t.StructField("struct", t.StructType([t.StructField("day", t.DateType())])),
        t.StructField("nothing", t.StringType()),
    ]
)
VALUES = (
    -5,
    2**40,
    0.5,
    Decimal("1.2500000001"),
    bytearray(b"\x00\xff"),
    date(2020, 1, 2),
    datetime(2020, 1, 2, 3, 4, 5),
    [date(2020, 1, 2), None],
    {"a": 1.5},
    {7: "x"},
    (date(2020, 1, 2),),
    None,
)


def test_rows_of_every_type_come_back_from_their_document(spark) -> None:
    sample = spark.createDataFrame([VALUES], NESTED)

    @input_schema("data", SparkParameterType(sample))
    def run(data):
        return data

    for document in build_documents(run, "s", "1", "").values():
        json.dumps(document, allow_nan=False)
    text = json.dumps(build_documents(run, "s", "1", "")["3"])
    example = json.loads(text)["components"]["schemas"]["ServiceInput"]["example"]["data"]
    back = run(data=example)
    assert isinstance(back, DataFrame)
    assert back.schema == sample.schema
    assert back.collect() == sample.collect()


def test_numbers_are_taken_generously(plain) -> None:
    kind = SparkParameterType(plain)
    row = kind.deserialize_input([{"n": "y", "i": 2, "f": 3, "b": False, "more": 1}]).collect()[0]
    assert (row["n"], row["i"], row["f"], row["b"]) == ("y", 2, 3.0, False)
    assert kind.deserialize_input([{"n": None, "i": None, "f": "NaN", "b": None}]).collect()[0]["n"] is None
    assert kind.deserialize_input([]).count() == 0


def test_without_the_samples_schema_spark_infers_one(plain) -> None:
    frame = SparkParameterType(plain, apply_sample_schema=False).deserialize_input([{"other": 1}])
    assert frame.dtypes == [("other", "bigint")]


def test_a_frame_is_not_touched(plain) -> None:
    assert SparkParameterType(plain).deserialize_input(plain) is plain


def test_types_nest_and_are_converted(plain) -> None:
    @input_schema("inputs", StandardPythonParameterType({"frame": SparkParameterType(plain)}))
    def run(inputs):
        return inputs["frame"].count()

    assert run(inputs={"frame": [{"n": "x", "i": 1, "f": 1.5, "b": True}] * 3}) == 3


@pytest.mark.parametrize("sample", [[1], {"a": 1}, None])
def test_only_frames_are_samples(sample) -> None:
    with pytest.raises(SampleError, match="Spark DataFrame"):
        SparkParameterType(sample)


GOOD = {"n": "x", "i": 1, "f": 1.5, "b": True}
FAULTS = [
    ([GOOD] * 17 + [dict(GOOD, i="abc")], 'data[17].i: expected an integer, got "abc"'),
    ([dict(GOOD, i=2**31)], "data[0].i: expected an integer of 32 bits, got 2147483648"),
    ([dict(GOOD, f="q")], 'data[0].f: expected a number, got "q"'),
    ([dict(GOOD, b=1)], "data[0].b: expected true or false, got 1"),
    ([dict(GOOD, n=5)], "data[0].n: expected text, got 5"),
    ([{"n": "x"}], 'data[0]: the member "i" is missing'),
    ([5], "data[0]: expected an object, got 5"),
    ({"n": []}, "data: expected a list of objects, got an object"),
]


@pytest.mark.parametrize(("value", "message"), FAULTS)
def test_a_wrong_value_is_named_with_its_place(plain, value, message) -> None:
    @input_schema("data", SparkParameterType(plain))
    def run(data):
        return data

    with pytest.raises(InputError, match="^" + re.escape(message) + "$"):
        run(data=value)


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("day", "soon", 'data[0].day: expected a date such as 2021-03-04, got "soon"'),
        ("days", ["2020-01-02", 5], "data[0].days[1]: expected a date such as 2021-03-04, got 5"),
        ("decimal", "x", 'data[0].decimal: expected a decimal number, got "x"'),
        ("raw", "abc", 'data[0].raw: expected text in base64, got "abc"'),
        ("map", {"k": "x"}, 'data[0].map.k: expected a number, got "x"'),
        ("numbered", {"k": "x"}, 'data[0].numbered.k: expected an integer as the name, got "k"'),
        ("struct", {"day": 1}, "data[0].struct.day: expected a date such as 2021-03-04, got 1"),
    ],
)
def test_a_wrong_value_inside_another_is_named_with_its_place(spark, member, value, message) -> None:
    sample = spark.createDataFrame([VALUES], NESTED)

    @input_schema("data", SparkParameterType(sample))
    def run(data):
        return data

    good = SparkParameterType(sample).input_to_swagger()["example"][0]
    with pytest.raises(InputError, match="^" + re.escape(message) + "$"):
        run(data=[dict(good, **{member: value})])
