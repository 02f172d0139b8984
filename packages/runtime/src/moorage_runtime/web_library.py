"""The request and response classes to build on: Flask's, Werkzeug's, or our own.

Imported only by scripts that deal with HTTP. A Flask that does not fit the Werkzeug beside it fails at
import, as services were used to find out; then Werkzeug alone is tried.
"""

from typing import Any, Tuple

from . import logs


def _find() -> Tuple[str, Any, Any]:
    """Return ``(name, request class, response class)``."""
    try:
        import flask  # noqa: PLC0415

        return "flask", flask.Request, flask.Response
    except ImportError as error:
        if "flask" not in str(error):
            logs.logger.warning("Flask is installed but cannot be imported: %s", error)
    try:
        from werkzeug import wrappers  # noqa: PLC0415

        return "werkzeug", wrappers.Request, wrappers.Response
    except ImportError as error:
        if "werkzeug" not in str(error):
            logs.logger.warning("Werkzeug is installed but cannot be imported: %s", error)
    from .http import request, response  # noqa: PLC0415

    return "moorage", request.Request, response.Response


LIBRARY, RequestBase, ResponseBase = _find()
