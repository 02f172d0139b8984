"""Schema and example of a pandas frame."""

import json
from typing import Any, Dict, List, Tuple

from moorage_runtime.schema.abstract_type import Schema
from moorage_runtime.schema.errors import SampleError
from moorage_runtime.schema.standard_type import describe

ORIENTS = ("split", "records", "index", "columns", "values", "table")


def frame_schema(sample: Any, orient: str) -> Schema:
    """Return the schema of a frame, with the sample written in ``orient`` as its example.

    The types are those of JSON, taken from the last row: int8 is described as int64, and a column
    that ends with a missing value as an object. Every column is required.

    Raises:
        SampleError: pandas cannot write the sample as JSON.
    """
    schema, example = describe(frame_example(sample, orient))
    for label, form in _time_columns(sample):
        for cell in _cells(schema, orient, label):
            if cell.get("type") == "string":
                cell["format"] = form
    schema["example"] = example
    schema["format"] = "pandas.DataFrame:" + orient
    return schema


def frame_example(sample: Any, orient: str) -> Any:
    """Return the frame as JSON values: dates in ISO form, ten decimal digits, periods as text."""
    sample = _with_periods_as_text(sample)
    if orient != "table" and not _writes_durations():
        sample = _with_durations_as_text(sample)
    try:
        text = sample.to_json(orient=orient, date_format="iso")
    except Exception as error:
        raise SampleError("pandas cannot write the sample as JSON (%s): %s" % (orient, error)) from error
    return json.loads(text)


def _with_periods_as_text(sample: Any) -> Any:
    for position, label in enumerate(sample.columns):
        if is_period(sample.dtypes.iloc[position]):
            sample = sample.assign(**{str(label): sample[label].astype(str)})
    return sample


def _writes_durations() -> bool:
    """Say whether this pandas writes durations as such; old ones write them as dates in 1970."""
    import pandas  # noqa: PLC0415

    return "P1D" in pandas.Series([pandas.Timedelta(days=1)]).to_json(date_format="iso")


def _with_durations_as_text(sample: Any) -> Any:
    for position, label in enumerate(sample.columns):
        if sample.dtypes.iloc[position].kind == "m":
            column = sample.iloc[:, position]
            texts = [None if missing else span.isoformat() for missing, span in zip(column.isnull(), column)]
            sample = sample.assign(**{str(label): texts})
    return sample


def is_period(dtype: Any) -> bool:
    """Say whether a column's dtype is a period such as a month or a quarter."""
    return str(dtype).startswith("period")


def _time_columns(sample: Any) -> List[Tuple[str, str]]:
    """Return label (as JSON writes it) and format of the columns that hold moments or durations."""
    forms = {"M": "date-time", "m": "timedelta"}
    kinds = [getattr(dtype, "kind", "O") for dtype in sample.dtypes]
    labels = [str(label) for label in sample.columns]
    return [(labels[i], forms[kind]) for i, kind in enumerate(kinds) if kind in forms]


def _cells(schema: Schema, orient: str, label: str) -> List[Schema]:
    """Return the schemas of the cells of one column, as far as ``orient`` tells columns apart."""
    if orient == "table":
        schema = _properties(schema).get("data", {})
    if orient in ("records", "table"):
        rows = [schema.get("items", {})]
    elif orient == "index":
        rows = list(_properties(schema).values())
    elif orient == "columns":
        return list(_properties(_properties(schema).get(label, {})).values())
    else:
        return []
    return [_properties(row)[label] for row in rows if label in _properties(row)]


def _properties(schema: Schema) -> Dict[str, Any]:
    found: Dict[str, Any] = schema.get("properties", {})
    return found
