"""The compiled readers of JSON text (``native/``), where they could be built."""

import sys
from typing import Final

try:
    from moorage_server import _numbers
except ImportError:  # built where there was no C compiler, or for another kind of machine
    _numbers = None  # type: ignore[assignment]

readers = _numbers
IS_NATIVE: Final = _numbers is not None and sys.byteorder == "little"
MAX_BYTES: Final = 8_000_000  # a larger body would keep the event loop busy for too long
