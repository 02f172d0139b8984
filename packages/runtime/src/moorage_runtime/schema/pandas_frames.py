"""Frames from JSON values: what pandas' JSON reader would give, without the text in between.

Every function returns the frame as read, with the types that pandas infers; casting to the
sample's types comes later.
"""

import warnings
from io import StringIO
from typing import Any, Callable, Dict, List, Optional

from moorage_runtime.schema import pandas_labels
from moorage_runtime.schema.errors import InputError, expected, item, member, shown

_NO_LABELS = "the rows and columns do not make a table: %s"
_SPLIT = ("columns", "index", "data")
_TABLE_TYPES = {"integer": "int64", "number": "float64", "boolean": "bool", "datetime": "datetime64[ns]"}


def read_frame(value: Any, orient: str) -> Any:
    """Return ``value``, a list or an object written in ``orient``, as a frame.

    Raises:
        InputError: the value is not a table in this form.
    """
    try:
        return _READERS[orient](value)
    except InputError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise InputError(_NO_LABELS % error) from error


def _read_any(value: Any) -> Any:
    """Read records, columns or values: all three take a list of rows or an object of columns."""
    import pandas  # noqa: PLC0415

    if isinstance(value, list):
        names = _names(value)
        rows_are_named = False
    else:
        names = list(value)
        rows_are_named = any(isinstance(column, dict) for column in value.values())
    if not names:
        return _filled(pandas.DataFrame(value))
    # Given names keep the order of the input also where pandas would sort them.
    frame = pandas.DataFrame(value, columns=names)
    if rows_are_named:
        frame.index = pandas_labels.converted_rows(frame.index)
    frame.columns = pandas_labels.converted([str(label) for label in frame.columns])
    return _filled(frame)


def _names(rows: List[Any]) -> Optional[List[str]]:
    """Return the member names of all rows in the order of their first use; None: not all are objects."""
    names: Dict[str, None] = {}
    for row in rows:
        if not isinstance(row, dict):
            return None
        names.update(dict.fromkeys(row))
    return list(names)


def _read_index(value: Any) -> Any:
    import pandas  # noqa: PLC0415

    if not value:
        return pandas.DataFrame()
    if not isinstance(value, dict):
        raise expected("an object with one member for each row", value)
    for label, row in value.items():
        if not isinstance(row, (dict, list)):
            raise expected("an object with one member for each column", row, member(label))
    frame = pandas.DataFrame.from_dict(value, orient="index")
    frame.index = pandas_labels.converted_rows(frame.index)
    if all(isinstance(row, dict) for row in value.values()):
        frame.columns = pandas_labels.converted([str(label) for label in frame.columns])
    return _filled(frame)


def _read_split(value: Any) -> Any:
    import pandas  # noqa: PLC0415

    columns, data = split_parts(value)
    frame = pandas.DataFrame(data, columns=columns, index=value.get("index"))
    if all(isinstance(label, str) for label in columns):
        frame.columns = pandas_labels.converted(columns)
    return _filled(frame)


def split_parts(value: Any) -> Any:
    """Return ``columns`` and ``data`` of the split form.

    Raises:
        InputError: a member is missing or unknown.
    """
    if not isinstance(value, dict):
        raise expected("an object with the members columns and data", value)
    for name in value:
        if name not in _SPLIT:
            raise InputError("the member %s is not one of columns, index, data" % shown(name))
    for name in ("columns", "data"):
        if not isinstance(value.get(name), list):
            raise InputError("the member %s is missing, or no list" % name)
    return value["columns"], value["data"]


def _read_table(value: Any) -> Any:
    """Read a table with its own schema: the types written there are applied."""
    import pandas  # noqa: PLC0415

    if not isinstance(value, dict) or not isinstance(value.get("schema"), dict) or "data" not in value:
        raise expected("an object with the members schema and data", value)
    schema = value["schema"]
    names, types = [], {}
    for position, field in enumerate(schema.get("fields") or ()):
        if not isinstance(field, dict) or "name" not in field:
            raise expected("a field with a name", field, ".schema.fields" + item(position))
        names.append(field["name"])
        kind = _table_type(field)
        if kind is not None:
            types[field["name"]] = kind
    frame = pandas.DataFrame(value["data"], columns=names)
    for name, kind in types.items():
        frame[name] = frame[name].astype(kind)
    key = schema.get("primaryKey")
    if key:
        keys = [key] if isinstance(key, str) else list(key)
        frame = frame.set_index(keys)
        if keys == ["index"]:
            frame.index.name = None
        elif len(keys) > 1:
            frame.index.names = [None if name.startswith("level_") else name for name in keys]
    return frame


def _table_type(field: Dict[str, Any]) -> Any:
    """Return the dtype that a field of a table schema asks for; None: as inferred."""
    import pandas  # noqa: PLC0415

    kind = field.get("type")
    if kind == "datetime" and field.get("tz"):
        return "datetime64[ns, %s]" % field["tz"]
    if kind == "datetime" and field.get("freq"):
        return "period[%s]" % field["freq"]
    if kind == "any" and "ordered" in field and isinstance(field.get("constraints"), dict):
        categories = field["constraints"].get("enum")
        return pandas.api.types.CategoricalDtype(categories=categories, ordered=field["ordered"])
    if kind in ("string", "integer", "number", "boolean", "any") and field.get("extDtype"):
        return field["extDtype"]
    return _TABLE_TYPES.get(str(kind), None if kind in ("string", "duration") else "object")


def _filled(frame: Any) -> Any:
    """Return the frame with NaN in place of None, where the reader of this pandas does that."""
    for position, dtype in enumerate(frame.dtypes):
        if dtype.kind == "O":
            column = frame.iloc[:, position]
            new = filled(column)
            if new is not column:
                frame.isetitem(position, new)
    return frame


def filled(column: Any) -> Any:
    """Return an object column with NaN in place of None, if the reader of this pandas does that."""
    if not column.isnull().any() or not _fills_missing():
        return column
    with warnings.catch_warnings():
        # pandas 2 announces that a column of nothing but nulls will stay what it is.
        warnings.simplefilter("ignore")
        return column.fillna(float("nan"))


_fills = []  # type: List[bool]


def _fills_missing() -> bool:
    """Say whether this pandas reads null as NaN also in columns of objects; older ones keep None."""
    if not _fills:
        import pandas  # noqa: PLC0415

        column = pandas.read_json(StringIO('[{"a": true}, {"a": null}]'), orient="records", dtype=False)["a"]
        _fills.append(column[1] is not None)
    return _fills[0]


_READERS: Dict[str, Callable[[Any], Any]] = {
    "records": _read_any,
    "columns": _read_any,
    "values": _read_any,
    "index": _read_index,
    "split": _read_split,
    "table": _read_table,
}
