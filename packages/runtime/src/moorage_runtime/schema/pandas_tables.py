"""Frames from requests that come by column: numbers as buffers, text in one piece (``TABLE`` requests).

The front makes such requests of JSON rows that need no inference, so each column goes straight into the dtype
that it has in the sample. ``docs/protocol.md`` says how the payload is made.
"""

import math
import struct
from typing import Any, Dict, List, Optional, Sequence, Tuple

from moorage_runtime.frames import BytesLike, ProtocolError
from moorage_runtime.schema import pandas_labels
from moorage_runtime.schema.pandas_columns import TEXTS

_read_u32 = struct.Struct("<I").unpack_from
_BUFFERS = {"d": "<f8", "i": "<i8", "b": "?"}
_MAX_FORMS = 64
_SEPARATOR, _NULL = "\0", "\1"  # neither can be in a text or a name of such a request
_GARBLED = (struct.error, TypeError, ValueError, IndexError)


class Table:
    """The argument of a ``TABLE`` request: made a frame where JSON rows would be, when ``run`` is called."""

    __slots__ = ("_payload", "_reader")

    def __init__(self, reader: "TableReader", payload: BytesLike) -> None:
        self._reader = reader
        self._payload = payload

    def frame(self) -> Any:
        """Return the frame.

        Raises:
            InputError: as for the rows in JSON.
            ProtocolError: the payload is not of this form.
        """
        return self._reader.read(self._payload)


class _Form:
    """Names and kinds of the columns in one order, as a client sends them."""

    def __init__(self, head: bytes) -> None:
        import numpy  # noqa: PLC0415

        columns = head.decode("utf-8").split(_SEPARATOR)
        self.names = [column[1:] for column in columns]
        self.kinds = [column[:1] for column in columns]
        if not all(kind in _BUFFERS or kind in TEXTS for kind in self.kinds):
            raise ProtocolError("a table with columns of the kinds %r" % (self.kinds,))
        kinds = list(enumerate(self.kinds))
        self.numbers = [(place, numpy.dtype(_BUFFERS[kind])) for place, kind in kinds if kind in _BUFFERS]
        self.texts = [place for place, kind in kinds if kind in TEXTS]


class TableReader:
    """Makes frames of the payloads for one sample."""

    def __init__(self, kind: Any, kinds: Dict[str, str]) -> None:
        """Take a ``PandasParameterType`` and the kinds of its columns by name; see :meth:`of`."""
        import numpy  # noqa: PLC0415

        # Sorted: the samples of two processes may differ in order, as that of a set does.
        self.columns = sorted(kinds.items())
        self._kind = kind
        self._kinds = kinds
        self._forms: Dict[bytes, _Form] = {}
        self._ndarray, self._concatenate = numpy.ndarray, numpy.concatenate

    @staticmethod
    def of(kind: Any) -> Optional["TableReader"]:
        """Return a reader if every column of the sample can be sent like that, else None."""
        names = list(kind.sample_input.columns)
        if not names or not kind.reads_rows or not kind.sample_input.columns.is_unique:
            return None
        if not all(type(name) is str for name in names):
            return None
        try:
            if (
                list(pandas_labels.converted(names)) != names
            ):  # pandas' reader takes them for numbers or dates
                return None
        except (ValueError, ArithmeticError):  # it fails at them
            return None
        codes = [column.code for column in kind.layout(names).columns]
        return None if None in codes else TableReader(kind, dict(zip(names, codes)))

    def read(self, payload: BytesLike) -> Any:
        """Return the frame of one request.

        Raises:
            InputError: as for the rows in JSON.
            ProtocolError: the payload is not of this form.
        """
        rows, form, parts = self._parts(payload)
        # Copies are aligned, own their memory and may be written to.
        return self._frame(form, rows, [part if type(part) is list else part.copy() for part in parts])

    def read_together(self, payloads: Sequence[BytesLike]) -> Optional[Tuple[Any, List[int]]]:
        """Return ``(frame, rows per request)``, one below the other; None: their columns differ in order.

        Raises:
            ProtocolError: a payload is not of this form.
        """
        requests = [self._parts(payload) for payload in payloads]
        form = requests[0][1]
        if any(other is not form for _, other, _ in requests):
            return None
        values: List[Any] = []
        for parts in zip(*(parts for _, _, parts in requests)):
            is_text = type(parts[0]) is list
            values.append([text for part in parts for text in part] if is_text else self._concatenate(parts))
        counts = [rows for rows, _, _ in requests]
        return self._frame(form, sum(counts), values), counts

    def _frame(self, form: _Form, rows: int, values: List[Any]) -> Any:
        layout = self._kind.layout(form.names)
        if [column.code for column in layout.columns] != form.kinds:
            # The sample is another one in the process that the front has asked: as if JSON had come.
            columns = [value if type(value) is list else _items(value) for value in values]
            return self._kind.deserialize_input([dict(zip(form.names, row)) for row in zip(*columns)])
        arrays = [column.of_plain(value) for column, value in zip(layout.columns, values)]
        return layout.assemble(arrays, rows)

    def _parts(self, payload: BytesLike) -> Tuple[int, _Form, List[Any]]:
        """Return the number of rows, and each column as a view on its numbers or a list of its texts."""
        try:
            rows, at = _read_u32(payload)[0], 8 + _read_u32(payload, 4)[0]
            head = bytes(payload[8:at])
            form = self._forms.get(head) or self._new_form(head)
            parts: List[Any] = [None] * len(form.names)
            for place, dtype in form.numbers:
                parts[place] = self._ndarray((rows,), dtype, payload, at)
                at += rows * dtype.itemsize
            for place in form.texts:
                end = at + 4 + _read_u32(payload, at)[0]
                text = bytes(payload[at + 4 : end]).decode("utf-8")
                at = end
                texts = text.split(_SEPARATOR)
                if len(texts) != rows:
                    raise ProtocolError("a column has %d texts, its table %d rows" % (len(texts), rows))
                parts[place] = [None if t == _NULL else t for t in texts] if _NULL in text else texts
        except _GARBLED as error:
            raise ProtocolError("a table does not fit its message: %s" % error) from error
        if at != len(payload):
            raise ProtocolError("a table has %d bytes, its message %d" % (at, len(payload)))
        return rows, form, parts

    def _new_form(self, head: bytes) -> _Form:
        if len(self._forms) >= _MAX_FORMS:  # the order is the client's choice
            self._forms.clear()
        form = self._forms[head] = _Form(head)
        return form


def _items(numbers: Any) -> List[Any]:
    """Return the JSON values of a column: NaN was null."""
    return [None if isinstance(x, float) and math.isnan(x) else x for x in numbers.tolist()]
