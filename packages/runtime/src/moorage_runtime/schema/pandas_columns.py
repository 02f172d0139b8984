"""One column of a frame, cast to the dtype that it has in the sample.

``Column.array`` casts a list of JSON values. The common cases (a list of one Python type that is
the dtype's own) go straight to an array; everything else goes the way of pandas' JSON reader:
infer a type, then cast. Both give the same; tests hold them against each other.
"""

import math
from typing import Any, Callable, Dict, FrozenSet, List, Optional, Tuple

from moorage_runtime.schema.errors import InputError, shown
from moorage_runtime.schema.pandas_frames import filled
from moorage_runtime.schema.pandas_schema import is_period

Builder = Callable[[List[Any]], Any]

_NULL = type(None)
TEXTS = ("s", "t")  # kinds of columns in TABLE requests that are no numbers: text, text or null
_ERRORS = (ValueError, TypeError, OverflowError, LookupError, AttributeError, NotImplementedError)


class Column:
    """How the values of one column become an array; without a sample it is an unknown column."""

    def __init__(self, sample: Any = None) -> None:
        import pandas  # noqa: PLC0415

        self._series = pandas.Series
        self.dtype = object if sample is None else sample.dtype  # type: Any
        # Of the sample, since the dtypes of old pandas do not know their categories.
        self._known = sample.cat if _is_category(self.dtype) else None
        self._kinds, self._build = _direct(self.dtype)
        self.code = _code(
            self.dtype
        )  # the kind of column in TABLE requests; None: it cannot be sent like that

    def array(self, values: List[Any]) -> Any:
        """Return a list of JSON values as an array (numpy's or pandas' own).

        Raises:
            InputError: with the path of the value, ``[17]``.
        """
        direct = self.direct(values)
        if direct is not None:
            return direct
        series = self.cast(self._series(values) if values else self._series(values, dtype=object))
        return _array_of(series)

    def direct(self, values: List[Any]) -> Any:
        """Return the array of values that need no inference, whatever stands beside them; None: they do."""
        if self._build is not None and self._kinds.issuperset(map(type, values)):
            try:
                return self._build(values)
            except OverflowError:
                pass  # more digits than 64 bits hold; pandas has its own way with them
        return None

    def of_plain(self, values: Any) -> Any:
        """Return the array of what a ``TABLE`` request brings: an array of numbers, or a list of texts."""
        if type(values) is not list:
            if values.dtype == self.dtype:
                return values
            if values.dtype.kind != "f":
                return values.astype(self.dtype)
            values = values.tolist()  # numbers too large for float32 get the warnings or errors of a list
        assert self._build is not None  # else there is no code
        return self._build(values)

    def cast(self, read: Any) -> Any:
        """Return a Series, as the reader infers it, in the dtype of the column.

        Raises:
            InputError: with the position of the value, ``[17]``.
        """
        try:
            return self._cast(read)
        except _ERRORS as error:
            raise self._fault(read, error) from error

    def _cast(self, read: Any) -> Any:
        import pandas  # noqa: PLC0415

        if read.dtype.kind == "O":
            read = filled(read)
        kind = getattr(self.dtype, "kind", "O")
        if kind == "m":
            read = pandas.to_timedelta(read)
        elif is_period(self.dtype):
            moments = pandas.PeriodIndex(read.where(read.notnull(), None), freq=self.dtype.freq)
            return self._series(moments, index=read.index)
        elif self._known is not None:
            return self._series(_categories(read, self._known), index=read.index)
        if kind == "M" and not getattr(self.dtype, "tz", None) and getattr(read.dtype, "tz", None):
            raise ValueError("the sample has no time zone")
        return read.astype(self.dtype)

    def _fault(self, read: Any, error: Exception) -> InputError:
        """Return the error for the first value that cannot be cast, found by halving."""
        values = list(read)
        low, high = 0, len(values)
        while high - low > 1:
            middle = (low + high) // 2
            if self._fits(values[low:middle]):
                low = middle
            else:
                high = middle
        if high - low != 1 or self._fits(values[low:high]):
            return InputError("expected %s: %s" % (self.words(), error))
        value = None if _is_missing(values[low]) else values[low]
        return InputError("expected %s, got %s" % (self.words(), shown(value)), "[%d]" % low)

    def _fits(self, values: List[Any]) -> bool:
        try:
            self._cast(self._series(values))
        except _ERRORS:
            return False
        return True

    def words(self) -> str:
        """Say what a value of the column is called in an error."""
        kind = getattr(self.dtype, "kind", "O")
        if kind == "M":
            zone = getattr(self.dtype, "tz", None)
            return "a date and time such as 2020-01-02T03:04:05" + (" without a zone" if zone is None else "")
        words = {"i": "an integer", "u": "an integer", "f": "a number", "b": "true or false"}
        words["m"] = 'a duration such as "1 days 02:00:00"'
        if kind in words:
            return words[kind]
        return "a period such as 2020-03" if is_period(self.dtype) else "a value of type %s" % self.dtype


def _direct(dtype: Any) -> Tuple[FrozenSet[type], Optional[Builder]]:
    """Return the Python types whose lists become an array of ``dtype`` at once, and how."""
    import numpy  # noqa: PLC0415

    def plain(target: Any) -> Builder:
        return lambda values: numpy.array(values, dtype=target)

    def wrapping(values: List[Any]) -> Any:
        # Through 64 bits, as the reader does: too large for int8 wraps around without an error.
        return numpy.array(values, dtype="int64").astype(dtype)

    if isinstance(dtype, numpy.dtype):
        if dtype.kind == "f" and dtype.itemsize in (4, 8):
            return frozenset((float, int, _NULL)), plain(dtype)
        if dtype.kind in "iu":
            return frozenset((int,)), plain(dtype) if dtype == numpy.dtype("int64") else wrapping
        if dtype.kind == "b":
            return frozenset((bool,)), plain(dtype)
    if getattr(dtype, "kind", "O") == "O" and isinstance(dtype, (type, numpy.dtype)):
        return frozenset((str,)), plain(object)
    if _is_text(dtype):
        return frozenset((str, _NULL)), _text_builder(dtype)
    return frozenset(), None


def _code(dtype: Any) -> Optional[str]:
    """Return the kind of column in ``TABLE`` requests: what :func:`_direct` takes, at most."""
    import numpy  # noqa: PLC0415

    if isinstance(dtype, numpy.dtype):
        if dtype.kind == "f":
            return "d" if dtype.itemsize in (4, 8) else None
        return {"i": "i", "u": "i", "b": "b", "O": "s"}.get(dtype.kind)
    return "t" if _is_text(dtype) else None


def _text_builder(dtype: Any) -> Builder:
    from_sequence = dtype.construct_array_type()._from_sequence

    def build(values: List[Any]) -> Any:
        return from_sequence(values, dtype=dtype)

    return build


def _is_text(dtype: Any) -> bool:
    return type(dtype).__name__ == "StringDtype"


def _is_category(dtype: Any) -> bool:
    return type(dtype).__name__ == "CategoricalDtype"


def _categories(read: Any, known: Any) -> Any:
    """Return a column as categories; a value that is none of them is missing.

    ``astype`` does the same, but newest pandas warns about it and will refuse it.
    """
    import pandas  # noqa: PLC0415

    codes = known.categories.get_indexer(pandas.Index(read))
    return pandas.Categorical.from_codes(codes, categories=known.categories, ordered=known.ordered)


def _array_of(series: Any) -> Any:
    """Return what a frame keeps of a Series: a numpy array, or an array of pandas' own."""
    import numpy  # noqa: PLC0415

    if isinstance(series.dtype, numpy.dtype) and series.dtype.kind not in "Mm":
        return series.values
    return getattr(series, "array", series)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def columns_of(sample: Any) -> Dict[Any, Column]:
    """Return the columns of a sample frame by label."""
    return {label: Column(sample.iloc[:, i]) for i, label in enumerate(sample.columns)}
