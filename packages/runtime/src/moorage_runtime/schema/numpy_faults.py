"""Find the item that keeps a nested list from becoming an array.

Only called when numpy has refused a whole input, so it may take its time; it still halves its
way through long lists instead of trying every item.
"""

from typing import Any, List, Optional, Tuple

from moorage_runtime.schema.errors import InputError, expected, item, member, shown
from moorage_runtime.schema.numpy_schema import words_for

_ERRORS = (ValueError, TypeError, OverflowError, LookupError)


def find_fault(
    value: Any, dtype: Any, dimensions: int, tail: Tuple[int, ...], error: Exception
) -> InputError:
    """Return the error for the first item of ``value`` that does not fit.

    Args:
        value: nested lists; records in them are tuples in the order of the fields.
        dtype: what the items have to become; None: numpy may choose.
        dimensions: of the sample.
        tail: the sizes that every dimension after the first must have; empty: any.
        error: what numpy said of the whole; used when no single item is to blame.
    """
    fault = _search(value, dtype, dimensions, tail)
    if fault is not None:
        return fault
    return InputError("expected %s: %s" % (_whole(dtype, dimensions), error))


def shape_fault(value: Any, found: Tuple[int, ...], dimensions: int, tail: Tuple[int, ...]) -> InputError:
    """Return the error for an array of the shape ``found`` where the sample has another."""
    wanted = "x".join(["n"] + [str(size) for size in tail])
    if len(found) != dimensions:
        return InputError(
            "expected %d dimensions (%s), got %d (%s)"
            % (dimensions, wanted, len(found), "x".join(map(str, found)) or "a single value")
        )
    path = ""
    for dimension, wanted_size in enumerate(tail, 1):
        size = found[dimension]
        if not isinstance(value, (list, tuple)) or not value:
            break
        path, value = path + item(0), value[0]
        if size != wanted_size:
            return InputError("expected %d items as in the sample, got %d" % (wanted_size, size), path)
    return InputError("expected the shape %s, got %s" % (wanted, "x".join(map(str, found))))


def _search(value: Any, dtype: Any, depth: int, tail: Tuple[int, ...]) -> Optional[InputError]:
    if depth == 0:
        return _item_fault(value, dtype)
    if not isinstance(value, (list, tuple)):
        return expected("a list", value)
    if depth == 1:
        return _first_bad_item(list(value), dtype)
    fault = _uneven(list(value), tail[0] if tail else None)
    if fault is not None:
        return fault
    for index in _suspects(list(value), dtype):
        fault = _search(value[index], dtype, depth - 1, tail[1:])
        if fault is not None:
            return fault.inside(item(index))
    return None


def _uneven(rows: List[Any], wanted: Optional[int]) -> Optional[InputError]:
    """Return the error for the first row that is not a list of ``wanted`` items (None: as the first)."""
    for index, row in enumerate(rows):
        if not isinstance(row, (list, tuple)):
            return expected("a list" if wanted is None else "a list of %d items" % wanted, row, item(index))
        if wanted is None:
            wanted = len(row)
        if len(row) != wanted:
            return InputError("expected %d items, got %d" % (wanted, len(row)), item(index))
    return None


def _suspects(rows: List[Any], dtype: Any) -> List[int]:
    """Return the index of the first row that numpy refuses, or every index if none is found."""
    index = _halve(rows, dtype)
    return list(range(len(rows))) if index is None else [index]


def _first_bad_item(items: List[Any], dtype: Any) -> Optional[InputError]:
    single = dtype is None or (dtype.names is None and dtype.kind != "O")
    for index, element in enumerate(items):
        if single and isinstance(element, (list, tuple, dict)):
            return expected("a single value" if dtype is None else words_for(dtype), element, item(index))
    bad = _halve(items, dtype)
    fault = None if bad is None else _item_fault(items[bad], dtype)
    return None if bad is None or fault is None else fault.inside(item(bad))


def _halve(elements: List[Any], dtype: Any) -> Optional[int]:
    """Return the index of the first element that does not become an array, if one does not."""
    if _fits(elements, dtype):
        return None
    low, high = 0, len(elements)
    while high - low > 1:
        middle = (low + high) // 2
        if _fits(elements[low:middle], dtype):
            low = middle
        else:
            high = middle
    return None if _fits(elements[low:high], dtype) else low


def _fits(elements: List[Any], dtype: Any) -> bool:
    import numpy  # noqa: PLC0415

    try:
        numpy.array(elements, dtype=dtype)
    except _ERRORS:
        return False
    return True


def _item_fault(value: Any, dtype: Any) -> Optional[InputError]:
    import numpy  # noqa: PLC0415

    if _fits([value], dtype):
        return None
    if dtype is not None and dtype.names is not None and isinstance(value, tuple):
        return _field_fault(value, dtype)
    words = "a value" if dtype is None else words_for(dtype)
    if dtype is not None and dtype.kind in "iu" and type(value) is int:
        limits = numpy.iinfo(dtype)
        words = "an integer from %d to %d" % (limits.min, limits.max)
    return InputError("expected %s, got %s" % (words, shown(value)))


def _field_fault(record: Any, dtype: Any) -> InputError:
    for position, name in enumerate(dtype.names):
        fault = _item_fault(record[position], dtype.fields[name][0])
        if fault is not None:
            return fault.inside(member(name))
    return InputError("expected %s" % words_for(dtype))


def _whole(dtype: Any, dimensions: int) -> str:
    what = "an array" if dtype is None else "an array of %s" % dtype
    return what + " with %d dimensions" % dimensions
