"""Scripts whose only parameter is a pandas frame by schema: how it is sent, read, and joined with others."""

import sys
from typing import Any, Dict, List, Optional, Tuple

from . import frames
from .arguments import ClientError, parse_object
from .entry_script import KEYWORD, EntryScript


class NotJoinable(Exception):
    """The tables differ in form; their requests are scored one by one."""


class TableInput:
    """The parameter ``name``, of the ``PandasParameterType`` ``kind``."""

    def __init__(self, name: str, kind: Any) -> None:
        from .schema.pandas_tables import Table, TableReader  # noqa: PLC0415

        self.name = name
        self._kind = kind
        self._reader = TableReader.of(kind)
        self._table = Table

    @staticmethod
    def of(script: EntryScript) -> Optional["TableInput"]:
        """Return the parameter if the script takes nothing but one converted pandas frame, else None."""
        module = sys.modules.get("moorage_runtime.schema.pandas_type")
        if module is None or script.mode != KEYWORD or script.wants_headers or script.wants_request:
            return None
        if len(script.parameters) != 1:
            return None
        from .schema.description import find_description, is_wrapped_by_others  # noqa: PLC0415

        description = find_description(script.run)
        name = script.parameters[0].name
        if description is None or list(description.inputs) != [name]:
            return None
        if is_wrapped_by_others(script.run, description):
            return None
        described = description.inputs[name]
        if type(described.type) is not module.PandasParameterType or not described.convert:
            return None
        return None if described.optional else TableInput(name, described.type)

    def announcement(self) -> Optional[Dict[str, Any]]:
        """Return what the front needs to know to send ``TABLE`` requests; None: it cannot."""
        reader = self._reader
        return None if reader is None else {"parameter": self.name, "columns": reader.columns}

    def arguments(self, payload: frames.BytesLike) -> Dict[str, Any]:
        """Return the arguments of a ``TABLE`` request; the decorator of ``run`` makes a frame of it.

        Raises:
            ProtocolError: none was announced.
        """
        if self._reader is None:
            raise frames.ProtocolError("a table for a script that has announced none")
        return {self.name: self._table(self._reader, payload)}

    def join(self, batch: List[frames.Frame]) -> Tuple[Any, List[int]]:
        """Return ``(frame, rows per request)``; row labels are numbered through.

        Raises:
            NotJoinable: columns or types differ, rows have labels of their own, or a request is at fault.
        """
        if batch[0].kind == frames.TABLE and self._reader is not None:
            together = self._reader.read_together([request.payload for request in batch])
            if together is None:
                raise NotJoinable("columns differ")
            return together
        values = [self._value(request) for request in batch]
        table = self._kind.read_together(values)
        if table is not None:
            return table, [len(value) for value in values]
        return _one_below_the_other([self._kind.deserialize_input(value) for value in values])

    def _value(self, request: frames.Frame) -> Any:
        try:
            return parse_object(request.payload)[self.name]
        except (ClientError, KeyError) as error:
            raise NotJoinable("a request is at fault") from error


def _one_below_the_other(tables: List[Any]) -> Tuple[Any, List[int]]:
    import pandas  # noqa: PLC0415

    first = tables[0]
    for table in tables:
        # The labels of the rows would be lost; numbers from 0 on are no labels.
        if not isinstance(table.index, pandas.RangeIndex) or table.index[:1].tolist() not in ([0], []):
            raise NotJoinable("rows have labels")
        if list(table.columns) != list(first.columns) or list(table.dtypes) != list(first.dtypes):
            raise NotJoinable("columns differ")
    return pandas.concat(tables, ignore_index=True), [len(table) for table in tables]
