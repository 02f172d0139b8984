"""Row and column labels as pandas' JSON reader makes them.

The reader turns text labels into integers, floats or dates when all of them look like that, with
rules that differ from version to version. Clients and scripts know the outcome, so pandas itself
is asked; the answers are kept, since the same columns come with every request.
"""

import json
import warnings
from io import StringIO
from typing import Any, List

_MAX_KEPT = 256
_MAX_LABELS = 2000
_kept: Any = {}


def converted(labels: List[Any]) -> Any:
    """Return an ``Index`` with the labels, given as the names of JSON members."""
    key = tuple(labels)
    index = _kept.get(key)
    if index is None:
        index = _ask(labels)
        # Labels come from requests: a client that sends ever new ones must not fill the memory.
        if len(key) <= _MAX_LABELS:
            if len(_kept) >= _MAX_KEPT:
                _kept.clear()
            _kept[key] = index
    return index


def converted_rows(labels: Any) -> Any:
    """Return the row labels, an ``Index`` of text, as the reader gives them; quick for ``0, 1, 2``."""
    numbers = _small_integers(labels)
    return _ask(list(labels)) if numbers is None else numbers


def _small_integers(labels: Any) -> Any:
    """Return the labels as integers if all are, and none could be meant as a date or loses digits."""
    import pandas  # noqa: PLC0415

    if not len(labels) or not all(isinstance(x, str) and x.isdigit() and len(x) < 8 for x in labels):
        return None
    if any(x != "0" and x.startswith("0") for x in labels):
        return None
    return pandas.Index([int(x) for x in labels])


def _ask(labels: List[Any]) -> Any:
    import pandas  # noqa: PLC0415

    text = json.dumps({"columns": labels, "index": [], "data": []})
    with warnings.catch_warnings():
        # The reader tries dates on every label and warns about those that are none.
        warnings.simplefilter("ignore")
        return pandas.read_json(StringIO(text), orient="split", dtype=False).columns
