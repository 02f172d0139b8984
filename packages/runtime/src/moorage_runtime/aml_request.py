"""``AMLRequest``: the request that ``@rawhttp`` hands over."""

from typing import Any

from .raw_http import rawhttp
from .web_library import RequestBase

__all__ = ["AMLRequest", "rawhttp"]

_Base: Any = RequestBase


class AMLRequest(_Base):  # type: ignore[misc]
    """A Flask or Werkzeug request where the environment has them, else one with the same surface.

    Fields of a form are limited to 500000 bytes, forms to 1000 parts; beyond, reading them raises the
    413 exception of the library.
    """

    max_form_memory_size = 500_000
    max_form_parts = 1000
