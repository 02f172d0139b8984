"""JSON text of rows with named values to columns, without a Python object per value.

``native/tables.c`` reads the text where it could be compiled; without it the general path does. As with
arrays (see ``fastjson``) a body is only accepted when the frame that the scorer makes of the columns is
beyond doubt the one that it would make of the text.
"""

from typing import Final

from moorage_server.description import TableInput
from moorage_server.native import IS_NATIVE, MAX_BYTES, readers

_KINDS: Final = frozenset("dibst")
_MAX_COLUMNS: Final = 4096  # of native/tables.c


class TableDecoder:
    """Turns ``{"data": [{"region": "north", "items": 3}, ...]}`` into the payload of a ``TABLE`` request."""

    def __init__(self, expected: TableInput) -> None:
        self._key = expected.parameter
        self._names = tuple(name for name, _ in expected.columns)
        self._kinds = "".join(kind for _, kind in expected.columns)

    @staticmethod
    def suits(expected: TableInput | None) -> bool:
        """Whether tables of that kind can be decoded here at all."""
        return (
            IS_NATIVE
            and expected is not None
            and 0 < len(expected.columns) <= _MAX_COLUMNS
            and all(kind in _KINDS and _is_utf8(name) for name, kind in expected.columns)
            and expected.parameter.isidentifier()  # written in JSON as it is
        )

    def decode(self, body: bytes) -> bytes | None:
        """Return the payload, or None when the general path must decide."""
        if len(body) > MAX_BYTES:
            return None
        return readers.parse_table(body, self._key, self._names, self._kinds)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a pair
        return False
    return True
