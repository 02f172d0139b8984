"""Tables as CSV: a line of column names, then rows; for models that take tables."""

import csv
import io
from typing import Any

from moorage_server.nocode.errors import InvalidInput
from moorage_server.nocode.model import Inputs, Model

CSV = "text/csv"


def read(model: Model, body: bytes) -> Inputs:
    """Return the input of a model for a table: by column name where the model has names, else in order.

    Raises:
        InvalidInput: it is no such table, or the model takes none.
    """
    if not model.accepts_frames:
        raise InvalidInput("this model does not take tables; ask with JSON")
    try:
        lines = [line for line in csv.reader(io.StringIO(body.decode("utf-8-sig")), strict=True) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"the table cannot be read: {error}") from None
    if len(lines) < 2:
        raise InvalidInput("expected a line of column names and at least one row")
    names, rows = lines[0], lines[1:]
    for index, row in enumerate(rows):
        if len(row) != len(names):
            raise InvalidInput(f"row {index + 1} has {len(row)} values, the first line {len(names)}")
    columns = [_typed([row[place] for row in rows]) for place in range(len(names))]
    if model.columns is not None:
        return {"data": dict(zip(names, columns, strict=True))}
    return {"data": [list(row) for row in zip(*columns, strict=True)]}


def _typed(values: list[str]) -> list[Any]:
    """Return numbers where all are, None for empty ones; else the texts."""
    try:
        return [None if not value.strip() else float(value) for value in values]
    except ValueError:
        return list(values)
