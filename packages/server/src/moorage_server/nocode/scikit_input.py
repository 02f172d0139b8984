"""What a fitted scikit-learn estimator takes: how many columns, which names, and JSON rows to its input."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from moorage_runtime.schema.errors import shown
from moorage_server.nocode.errors import InvalidInput

_TEXT_STEPS = ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer")
_RECORD_STEPS = ("DictVectorizer", "FeatureHasher")


class Columns:
    """The input of an estimator. ``kind``: table, text (a list of texts) or records (a list of objects)."""

    def __init__(self, estimator: Any) -> None:
        first = first_step(estimator)
        kind = type(first).__name__
        self.kind = "text" if kind in _TEXT_STEPS else "records" if kind in _RECORD_STEPS else "table"
        self.names = self._names(estimator)
        count = getattr(estimator, "n_features_in_", None)
        if count is None:
            count = getattr(first, "n_features_in_", None)
        self.count: int | None = int(count) if isinstance(count, (int, np.integer)) else None
        self.is_by_column = kind == "ColumnTransformer" and self.names is not None
        self.frames = self._frames()

    @staticmethod
    def _names(estimator: Any) -> tuple[str, ...] | None:
        names = getattr(estimator, "feature_names_in_", None)
        if names is None:
            names = getattr(first_step(estimator), "feature_names_in_", None)
        return None if names is None else tuple(map(str, names))

    def take_names(self, names: tuple[str, ...]) -> bool:
        """Name the columns of a table that has no names of its own; tell whether they fit."""
        fits = self.kind == "table" and self.names is None and self.count == len(names) == len(set(names))
        if fits:
            self.names = names
        return fits

    def _frames(self) -> Any:
        """Return pandas if the estimator was fitted on a frame and pandas is there."""
        if self.names is None:
            return None
        try:
            import pandas
        except ImportError:
            return None
        return pandas

    def from_json(self, value: Any) -> Any:
        """Return the input for JSON rows: lists, objects, texts, or one object of columns.

        Raises:
            InvalidInput: the rows do not fit.
        """
        if self.kind == "text":
            return self._texts(value)
        if isinstance(value, dict):
            return self.from_columns(value)
        if not isinstance(value, list):
            raise InvalidInput(f"expected a list of rows, got {shown(value)}", "data")
        if not value:
            raise InvalidInput("expected at least one row", "data")
        if isinstance(value[0], dict):
            return value if self.kind == "records" else self._from_records(value)
        return self.from_rows(_table_array(value))

    def from_rows(self, array: Any) -> Any:
        """Return the input for an array of rows.

        Raises:
            InvalidInput: not as many columns as the model has.
        """
        if self.kind == "text":
            return array.ravel()
        if array.ndim != 2:
            text = f"expected rows of values ([[1, 2], [3, 4]]), got an array of {array.ndim} dimensions"
            raise InvalidInput(text, "data")
        if self.count is not None and array.shape[1] != self.count:
            text = f"expected {self.count} values in each row, got {array.shape[1]}"
            if self.names:
                text += f"; the columns are {', '.join(self.names)}"
            raise InvalidInput(text, "data")
        if self.frames is None or self.names is None:
            return array
        if array.dtype != object:
            return self.frames.DataFrame(array, columns=list(self.names))
        columns = {name: _column(array[:, index]) for index, name in enumerate(self.names)}
        return self.frames.DataFrame(columns)

    def from_columns(self, columns: dict[str, Any]) -> Any:
        """Return the input for values by column name.

        Raises:
            InvalidInput: a column is missing or unknown, or they are of different lengths.
        """
        if self.names is None:
            raise InvalidInput(
                "the model was not fitted with named columns; give rows in their order", "data"
            )
        self._check_names(columns)
        arrays = [_column(columns[name]) for name in self.names]
        lengths = {len(array) if array.ndim else -1 for array in arrays}
        if len(lengths) != 1 or -1 in lengths:
            raise InvalidInput("the columns must be lists of the same length", "data")
        if self.frames is not None:
            return self.frames.DataFrame(dict(zip(self.names, arrays, strict=True)))
        return np.column_stack(arrays)

    def _check_names(self, given: Any) -> None:
        names = self.names or ()
        missing = [name for name in names if name not in given]
        unknown = [str(name) for name in given if name not in names]
        if missing or unknown:
            words = [f"lacks {', '.join(missing)}"] if missing else []
            words += [f"has {', '.join(unknown)[:200]}, which the model does not know"] if unknown else []
            text = f"the table {' and '.join(words)}; the columns are {', '.join(names)}"
            raise InvalidInput(text, "data")

    def _from_records(self, rows: list[Any]) -> Any:
        if self.names is None:
            raise InvalidInput("the model was not fitted with named columns; give rows as lists", "data")
        for index, row in enumerate(rows):
            if not isinstance(row, dict):
                raise InvalidInput(f"expected an object, got {shown(row)}", f"data[{index}]")
            if row.keys() != rows[0].keys():
                raise InvalidInput("has other members than the first row", f"data[{index}]")
        self._check_names(rows[0])
        return self.from_columns({name: [row[name] for row in rows] for name in self.names})

    def _texts(self, value: Any) -> Any:
        rows = value if isinstance(value, list) else [value]
        if rows and all(isinstance(row, list) and len(row) == 1 for row in rows):
            rows = [row[0] for row in rows]
        for index, row in enumerate(rows):
            if not isinstance(row, str):
                raise InvalidInput(f"expected a text, got {shown(row)}", f"data[{index}]")
        return rows


def first_step(estimator: Any) -> Any:
    """Return the step that gets the input: of a pipeline the first one, of a search the best."""
    while True:
        steps = getattr(estimator, "steps", None)
        if isinstance(steps, list) and steps:
            usable = [step for _, step in steps if step is not None and step != "passthrough"]
            if not usable:
                return estimator
            estimator = usable[0]
            continue
        best = getattr(estimator, "best_estimator_", None)
        if best is None:
            return estimator
        estimator = best


def _table_array(value: Sequence[Any]) -> Any:
    """Return rows as an array: numbers where they all are, else objects."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InvalidInput("the rows are of different lengths", "data") from error
    if array.dtype.kind in "biuf":
        return array
    array = np.array(value, dtype=object)
    if array.ndim == 2 and all(
        item is None or (isinstance(item, (int, float)) and not isinstance(item, bool)) for item in array.flat
    ):
        return array.astype(np.float64)
    if any(isinstance(item, (list, dict)) for item in array.flat):
        raise InvalidInput("the rows are of different lengths, or hold lists", "data")
    return array


def _column(values: Any) -> Any:
    """Return one column: numbers where all are (null is NaN), else objects."""
    array = values if isinstance(values, np.ndarray) else np.array(values, dtype=object)
    if array.dtype != object:
        return array
    kinds = {type(item) for item in array.flat}
    if kinds <= {int, float, type(None)} and kinds != {type(None)}:
        return array.astype(np.int64) if kinds == {int} and _are_small(array) else array.astype(np.float64)
    return array.astype(bool) if kinds == {bool} else array


def _are_small(array: Any) -> bool:
    return all(-(2**63) <= item < 2**63 for item in array.flat)
