"""Scoring JSON requests together whose only parameter is a pandas frame by schema."""

import sys
from typing import Any, List, Optional, Tuple

from . import frames
from .arguments import ClientError, parse_object
from .entry_script import KEYWORD, EntryScript


class NotJoinable(Exception):
    """The tables differ in form; their requests are scored one by one."""


class TableJoiner:
    """Turns the bodies of several requests into one frame, with the conversion of the schema."""

    def __init__(self, name: str, kind: Any) -> None:
        self.name = name
        self._kind = kind

    @staticmethod
    def of(script: EntryScript) -> Optional["TableJoiner"]:
        """Return a joiner if the script takes nothing but one converted pandas frame, else None."""
        module = sys.modules.get("moorage_runtime.schema.pandas_type")
        if module is None or script.mode != KEYWORD or script.wants_headers or len(script.parameters) != 1:
            return None
        from .schema.description import find_description  # noqa: PLC0415

        description = find_description(script.run)
        name = script.parameters[0].name
        if description is None or list(description.inputs) != [name]:
            return None
        described = description.inputs[name]
        if type(described.type) is not module.PandasParameterType or not described.convert:
            return None
        return None if described.optional else TableJoiner(name, described.type)

    def join(self, batch: List[frames.Frame]) -> Tuple[Any, List[int]]:
        """Return ``(frame, rows per request)``; row labels are numbered through.

        Raises:
            NotJoinable: columns or types differ, rows have labels of their own, or a request is at fault.
        """
        import pandas  # noqa: PLC0415

        values = [self._value(request) for request in batch]
        together = self._kind.read_together(values)
        if together is not None:
            return together, [len(value) for value in values]
        tables = [self._kind.deserialize_input(value) for value in values]
        first = tables[0]
        for table in tables:
            # The labels of the rows would be lost; numbers from 0 on are no labels.
            if not isinstance(table.index, pandas.RangeIndex) or table.index[:1].tolist() not in ([0], []):
                raise NotJoinable("rows have labels")
            if list(table.columns) != list(first.columns) or list(table.dtypes) != list(first.dtypes):
                raise NotJoinable("columns differ")
        return pandas.concat(tables, ignore_index=True), [len(table) for table in tables]

    def _value(self, request: frames.Frame) -> Any:
        try:
            return parse_object(request.payload)[self.name]
        except (ClientError, KeyError) as error:
            raise NotJoinable("a request is at fault") from error
