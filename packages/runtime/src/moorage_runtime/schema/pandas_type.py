"""pandas frames as samples."""

import inspect
import warnings
from operator import itemgetter
from typing import Any, Dict, List, Optional, Tuple

from moorage_runtime.schema import pandas_labels
from moorage_runtime.schema.abstract_type import AbstractParameterType, Schema
from moorage_runtime.schema.errors import InputError, SampleError, expected, item, member, shown
from moorage_runtime.schema.pandas_columns import Column, columns_of
from moorage_runtime.schema.pandas_frames import read_frame, split_parts
from moorage_runtime.schema.pandas_schema import ORIENTS, frame_schema
from moorage_runtime.schema.pandas_tables import Table

_MAX_LAYOUTS = 64


class PandasParameterType(AbstractParameterType):
    """A frame; inputs are lists of rows or objects of columns, in one of pandas' JSON forms."""

    def __init__(
        self,
        sample_input: Any,
        enforce_column_type: bool = True,
        enforce_shape: bool = True,
        apply_column_names: bool = False,
        orient: str = "records",
    ) -> None:
        """Take the sample.

        Args:
            sample_input: a ``DataFrame``; all of it is shown in the OpenAPI document.
            enforce_column_type: cast columns to the sample's dtypes, by name; unknown ones to object.
            enforce_shape: the number of columns must be the sample's.
            apply_column_names: name the columns of the input after the sample's, by position (deprecated).
            orient: the JSON form: split, records, index, columns, values or table.

        Raises:
            SampleError: the sample is no ``DataFrame``, or ``orient`` is none of these.
        """
        import pandas  # noqa: PLC0415

        if not isinstance(sample_input, pandas.DataFrame):
            raise SampleError(
                "a PandasParameterType needs a pandas DataFrame as its sample, got %s"
                % type(sample_input).__name__
            )
        if orient not in ORIENTS:
            raise SampleError("the orient %r is not one of %s" % (orient, ", ".join(ORIENTS)))
        if apply_column_names:
            warnings.warn(
                "apply_column_names is deprecated: name the columns in the input",
                DeprecationWarning,
                stacklevel=2,
            )
        super().__init__(sample_input)
        self.enforce_column_type = enforce_column_type
        self.enforce_shape = enforce_shape
        self.apply_column_names = apply_column_names
        self.orient = orient
        self._frame_class = pandas.DataFrame
        self._columns = columns_of(sample_input) if sample_input.columns.is_unique else {}
        self._layouts = {}  # type: Dict[Tuple[str, ...], Layout]

    def input_to_swagger(self) -> Schema:
        """Return the schema with its example.

        Raises:
            SampleError: the sample cannot be written as JSON.
        """
        return frame_schema(self.sample_input, self.orient)

    def deserialize_input(self, input_data: Any) -> Any:
        """Return rows or columns as a frame; a frame is returned as it is.

        Raises:
            InputError: the input is no table, has another number of columns, or a value does not
                fit its column.
        """
        if isinstance(input_data, self._frame_class):
            return input_data
        if type(input_data) is Table:
            return input_data.frame()
        if not isinstance(input_data, (list, dict)):
            raise expected("a list of rows, or an object", input_data)
        if self.enforce_column_type and not self.apply_column_names:
            frame = self._read_uniform(input_data)
            if frame is not None:
                return frame
        frame = read_frame(input_data, self.orient)
        self._check_width(frame.shape[1], [str(label) for label in frame.columns])
        if self.apply_column_names:
            if frame.shape[1] != len(self.sample_input.columns):
                raise self._width_error(frame.shape[1], [])
            frame.columns = self.sample_input.columns
        return self._typed(frame, input_data) if self.enforce_column_type else frame

    def _read_uniform(self, value: Any) -> Any:
        """Return a frame from rows that all are of one form, column by column; None: they are not.

        This is what clients send, and many times faster than reading the rows one by one.
        """
        names, columns = None, None
        if self.orient == "split":
            if isinstance(value, dict) and not value.get("index"):
                names, rows = split_parts(value)
                columns = _uniform_lists(rows, len(names))
        elif self.orient not in ("index", "table") and isinstance(value, list):
            names, columns = _uniform_records(value)
        if not names or columns is None or not all(type(name) is str for name in names):
            return None
        self._check_width(len(names), names)
        return self.layout(names).frame([list(column) for column in columns], self._path_of)

    def read_together(self, inputs: List[Any]) -> Any:
        """Return the frame of several inputs, one below the other, in one conversion.

        None: that could differ from converting each for itself, as no value is inferred from its neighbours.
        """
        if not self.reads_rows:
            return None
        rows, names = [], None  # type: List[Any], Optional[List[str]]
        for one in inputs:
            if type(one) is not list or not one or type(one[0]) is not dict:
                return None
            names = names or list(one[0])
            if list(one[0]) != names:
                return None
            rows += one
        names, columns = _uniform_records(rows)
        if columns is None or (self.enforce_shape and len(names) != len(self.sample_input.columns)):
            return None
        return self.layout(names).direct_frame([list(column) for column in columns])

    @property
    def reads_rows(self) -> bool:
        """Whether lists of objects become frames whose columns have the dtypes of the sample."""
        return (
            self.enforce_column_type
            and not self.apply_column_names
            and self.orient not in ("split", "index", "table")
        )

    def layout(self, names: List[str]) -> "Layout":
        """Return the columns of frames with these names."""
        key = tuple(names)
        layout = self._layouts.get(key)
        if layout is None:
            if len(self._layouts) >= _MAX_LAYOUTS:  # names come from requests
                self._layouts.clear()
            layout = self._layouts[key] = Layout(names, self._columns)
        return layout

    def _typed(self, frame: Any, value: Any) -> Any:
        """Return the frame with every column cast to the dtype of its name in the sample."""
        columns = []
        for position, label in enumerate(frame.columns):
            column = self._columns.get(label)
            try:
                columns.append((column or Column()).cast(frame.iloc[:, position]))
            except InputError as error:
                raise self._located(error, value, frame, position) from error
        typed = self._frame_class(dict(enumerate(columns)), columns=range(len(columns)), index=frame.index)
        typed.columns = frame.columns
        return typed

    def _located(self, error: InputError, value: Any, frame: Any, position: int) -> InputError:
        """Return a column's error with the path of the value in the input."""
        label = frame.columns[position]
        if not error.path:
            return InputError(error.reason, member(label))
        row = int(error.path[1:-1])
        if self.orient in ("table", "split"):
            inner = value.get("data")
            cell = _cell(inner[row] if isinstance(inner, list) else None, label, position)
            return InputError(error.reason, ".data" + item(row) + cell)
        if isinstance(value, list):
            return InputError(error.reason, item(row) + _cell(value[row], label, position))
        if self.orient == "index":
            return InputError(error.reason, member(frame.index[row]) + member(label))
        inner = value.get(label, value.get(str(label)))
        step = item(row) if isinstance(inner, list) else member(frame.index[row])
        return InputError(error.reason, member(label) + step)

    def _path_of(self, name: str, position: int, row: Optional[int]) -> str:
        """Return the path of a value in uniform rows."""
        if self.orient == "split":
            return ".data" + (item(row) if row is not None else "") + item(position)
        return (item(row) if row is not None else "") + member(name)

    def _check_width(self, width: int, names: List[str]) -> None:
        if self.enforce_shape and width != len(self.sample_input.columns):
            raise self._width_error(width, names)

    def _width_error(self, width: int, names: List[str]) -> InputError:
        wanted = [str(label) for label in self.sample_input.columns]
        reason = "expected %d columns, got %d" % (len(wanted), width)
        missing = [name for name in wanted if name not in names]
        extra = [name for name in names if name not in wanted]
        if names and missing:
            reason += "; missing: %s" % ", ".join(map(shown, missing[:10]))
        if extra and len(extra) < len(names):
            reason += "; unknown: %s" % ", ".join(map(shown, extra[:10]))
        return InputError(reason)


class Layout:
    """The columns of one set of names: their labels and how each is cast."""

    def __init__(self, names: List[str], known: Dict[Any, Column]) -> None:
        import pandas  # noqa: PLC0415

        self._names = names
        self._labels = pandas_labels.converted(names)
        self.columns = [known.get(label) or Column() for label in self._labels]
        self._frame_class = pandas.DataFrame
        self._range_index = pandas.RangeIndex
        self._from_arrays = _trusting_constructor()

    def frame(self, columns: List[List[Any]], path_of: Any) -> Any:
        """Return the frame for values by column.

        Raises:
            InputError: with the path that ``path_of(name, position, row)`` gives.
        """
        arrays = []
        for position, column in enumerate(self.columns):
            try:
                arrays.append(column.array(columns[position]))
            except InputError as error:
                row = int(error.path[1:-1]) if error.path else None
                raise InputError(error.reason, path_of(self._names[position], position, row)) from error
        return self.assemble(arrays, len(columns[0]))

    def direct_frame(self, columns: List[List[Any]]) -> Any:
        """Return the frame for values by column, or None if any of them needs inference."""
        arrays = []
        for column, values in zip(self.columns, columns):
            array = column.direct(values)
            if array is None:
                return None
            arrays.append(array)
        return self.assemble(arrays, len(columns[0]))

    def assemble(self, arrays: List[Any], count: int) -> Any:
        """Return the frame of ``count`` rows whose columns are ``arrays``."""
        index = self._range_index(count)
        # Views of the labels: a script may name them, and the next request has them again.
        if self._from_arrays is not None:
            # Four times faster than the constructor for one row. The JSON reader of pandas 3 uses
            # it too; the arrays are whole columns of one length, so there is nothing to verify.
            return self._from_arrays(arrays, self._labels.view(), index, verify_integrity=False)
        frame = self._frame_class(dict(enumerate(arrays)), columns=range(len(arrays)), index=index)
        frame.columns = self._labels.view()
        return frame


def _trusting_constructor() -> Any:
    """Return the constructor that takes arrays as they are, or None where this pandas has none."""
    import pandas  # noqa: PLC0415

    found = getattr(pandas.DataFrame, "_from_arrays", None)
    if found is None or "verify_integrity" not in inspect.signature(found).parameters:
        return None
    return found


def _uniform_lists(rows: List[Any], width: int) -> Any:
    """Return the columns of lists of one length, or None."""
    if set(map(type, rows)) != {list} or set(map(len, rows)) != {width}:
        return None
    return zip(*rows)


def _uniform_records(rows: List[Any]) -> Tuple[List[str], Any]:
    """Return names and columns of objects with the same members; the columns are None for others."""
    if set(map(type, rows)) != {dict} or set(map(len, rows)) != {len(rows[0])}:
        return [], None
    names = list(rows[0])
    try:
        if len(names) == 1:
            return names, [[row[names[0]] for row in rows]]
        return names, list(zip(*map(itemgetter(*names), rows))) if names else None
    except KeyError:
        return [], None


def _cell(row: Any, label: Any, position: int) -> str:
    return item(position) if isinstance(row, list) else member(label)
