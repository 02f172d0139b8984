"""``AMLResponse``: the response that old entry scripts build."""

import json
from typing import Any, Dict, Union

from .web_library import ResponseBase

_Base: Any = ResponseBase
_FAILED_HEADER = "x-ms-run-function-failed"


class AMLResponse(_Base):  # type: ignore[misc]
    """A Flask or Werkzeug response where the environment has them, else one with the same surface.

    Args:
        message: text, bytes, or an iterable of them (streamed, one chunk per item, if it has no length);
            any JSON value with ``json_str``. None gives ``{}``.
        status_code: a number, ``"404"`` or ``"200 Fine"``; None means 200.
        response_headers: name to text. A value with commas becomes one header per piece; the value of
            ``Content-Type`` is taken as it is and replaces the default.
        json_str: write ``message`` as JSON, with content type ``application/json``.
        run_function_failed: sent as ``x-ms-run-function-failed``.

    Raises:
        TypeError: ``message`` is no JSON value, or the value of a header is no text.
        ValueError: a header has a line break.
    """

    default_mimetype = "text/html"

    def __init__(  # noqa: PLR0917 - the old signature
        self,
        message: Any,
        status_code: Union[int, str, None],
        response_headers: Dict[str, str] = {},  # noqa: B006 - part of the old signature, never changed
        json_str: bool = False,
        run_function_failed: bool = False,
    ) -> None:
        if message is None:
            body, content_type = "{}", "application/json"
        elif json_str:
            body, content_type = json.dumps(message), "application/json"
        else:
            body, content_type = message, None
        super().__init__(body, status=status_code, content_type=content_type)
        self.headers[_FAILED_HEADER] = str(run_function_failed)
        for name, value in (response_headers or {}).items():
            if not isinstance(value, str):
                raise TypeError("the header %s has the value %r; text is needed" % (name, value))
            if name.lower() == "content-type":
                self.headers["Content-Type"] = value
                continue
            for piece in value.split(","):
                self.headers.add(name, piece.strip())
