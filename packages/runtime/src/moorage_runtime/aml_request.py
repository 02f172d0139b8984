"""``AMLRequest``: the request that ``@rawhttp`` hands over."""

from typing import Any

from . import upload_pieces
from .raw_http import rawhttp
from .web_library import LIBRARY, RequestBase

__all__ = ["AMLRequest", "rawhttp"]

_Base: Any = RequestBase
_KEEPS_DASHES = LIBRARY != "moorage" and upload_pieces.are_needed()


class AMLRequest(_Base):  # type: ignore[misc]
    """A Flask or Werkzeug request where the environment has them, else one with the same surface.

    Fields of a form are limited to 500000 bytes, forms to 1000 parts; beyond, reading them raises the
    413 exception of the library.
    """

    max_form_memory_size = 500_000
    max_form_parts = 1000

    def _get_stream_for_parsing(self) -> Any:
        """Return the body for Werkzeug's form parsers, which ask for it here."""
        stream = super()._get_stream_for_parsing()
        return upload_pieces.UnbrokenDashes(stream) if _KEEPS_DASHES else stream
