"""The rows of a data set as a pandas frame. pandas is imported here only, when rows are asked for."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moorage.datasets.contents import on_disk
from moorage.datasets.dataset import Columns, ColumnType, Dataset, Part, Rows, Step, TableFormat
from moorage.errors import DatasetUnreadable, InvalidArgument
from moorage.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["to_frame"]

_TYPES = {"text": "string", "integer": "Int64", "number": "float64", "boolean": "boolean"}
_LINE_ENDS = ("\n", "\r\n", "\r")


def to_frame(workspace: Workspace | None, dataset: Dataset) -> "pd.DataFrame":
    """Read the files in order of their paths, one below the other, and take the steps.

    ``workspace`` may be None for a data set that was not saved.

    Raises:
        DatasetUnreadable: a file is not what its format says, or pandas (for Parquet: pyarrow) is missing.
        InvalidArgument: a step names a column that is not there.
    """
    table = dataset.table
    if table is None:
        raise DatasetUnreadable("this data set is files, not a table; download them, or make a table of them")
    pd = _pandas()
    with on_disk(workspace, dataset.files) as places:
        frames = [
            _with_path(_read(place, table, path, n), table, path)
            for n, (path, place) in enumerate(places.items())
        ]
    frame = pd.concat(frames, ignore_index=True) if len(frames) != 1 else frames[0]
    frame = _typed(frame, table.column_types)
    for step in dataset.steps:
        frame = _take(frame, step)
    return frame.reset_index(drop=True)


def _pandas() -> Any:
    try:
        import pandas as pd
    except ImportError as error:
        raise DatasetUnreadable("reading a table needs pandas: pip install pandas") from error
    return pd


def _read(place: Path, table: TableFormat, shown: str, number: int) -> "pd.DataFrame":
    pd = _pandas()
    try:
        if table.form == "parquet":
            return pd.read_parquet(place)
        if table.form == "json-lines":
            return _json_lines(place, table)
        if table.separator in _LINE_ENDS:
            return _lines(place, table, number)
        return pd.read_csv(place, **_options(table, number))
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except (ValueError, UnicodeError, LookupError, ImportError) as error:
        raise DatasetUnreadable(f"{shown} cannot be read as {table.form}: {error}") from error


def _options(table: TableFormat, number: int) -> dict[str, Any]:
    """Return the arguments of ``read_csv``."""
    options: dict[str, Any] = {
        "sep": table.separator,
        "encoding": table.encoding,
        "keep_default_na": not table.empty_as_text,
        "header": 0 if _has_header(table, number) else None,
        "on_bad_lines": "skip" if table.skip_bad_lines else "error",
    }
    if len(table.separator) > 1:
        options["engine"] = "python"
    if not table.infer_types:
        options["dtype"] = str
    return options


def _has_header(table: TableFormat, number: int) -> bool:
    return table.headers == "every file" or (table.headers == "first file" and number == 0)


def _lines(place: Path, table: TableFormat, number: int) -> "pd.DataFrame":
    """Read lines as rows of one column, outer quotes removed as in any delimited file."""
    with place.open(encoding=table.encoding, newline="") as file:
        rows = [_unquoted(line) for line in file.read().splitlines() if line.strip()]
    name = rows.pop(0) if rows and _has_header(table, number) else "Column1"
    return _pandas().DataFrame({name: rows})


def _unquoted(line: str) -> str:
    if not (len(line) > 1 and line[0] == line[-1] == '"'):
        return line
    return next(iter(csv.reader([line], delimiter="\0")))[0]


def _json_lines(place: Path, table: TableFormat) -> "pd.DataFrame":
    import json

    rows = []
    with place.open(encoding=table.encoding) as file:
        for line in filter(str.strip, file):
            try:
                rows.append(json.loads(line))
            except ValueError:
                if not table.skip_bad_lines:
                    raise
    return _pandas().DataFrame(rows)


def _with_path(frame: "pd.DataFrame", table: TableFormat, path: str) -> "pd.DataFrame":
    if table.headers == "none" and table.form == "delimited":
        frame.columns = [f"Column{number}" for number in range(1, len(frame.columns) + 1)]
    if table.path_column is not None:
        frame.insert(0, table.path_column, f"/{path}")
    return frame


def _typed(frame: "pd.DataFrame", types: Mapping[str, ColumnType]) -> "pd.DataFrame":
    _check_columns(frame, list(types))
    for name, kind in types.items():
        try:
            frame[name] = (
                _pandas().to_datetime(frame[name]) if kind == "time" else frame[name].astype(_TYPES[kind])
            )
        except (ValueError, TypeError) as error:
            raise DatasetUnreadable(f"the column {name!r} cannot be read as {kind}: {error}") from error
    return frame


def _take(frame: "pd.DataFrame", step: Step) -> "pd.DataFrame":
    match step:
        case Rows(start, count):
            return frame.iloc[start : None if count is None else start + count]
        case Columns(names, drop):
            _check_columns(frame, names)
            return frame.drop(columns=list(names)) if drop else frame[list(names)]
        case Part(low, high, seed):
            numbers = list(_numbers(seed, len(frame)))
            return frame[[low <= number < high for number in numbers]]


def _numbers(seed: int, count: int) -> Iterator[float]:
    import random

    generator = random.Random(seed)
    return (generator.random() for _row in range(count))


def _check_columns(frame: "pd.DataFrame", names: Sequence[str]) -> None:
    missing = [name for name in names if name not in frame.columns]
    if missing:
        known = ", ".join(map(str, frame.columns))
        raise InvalidArgument(
            "columns", f"there is no {', '.join(map(repr, missing))}; the columns are {known}"
        )
