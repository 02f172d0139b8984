"""Telling HTTP response objects from plain results, without loading any web library."""

import sys


def is_response_class(kind: type) -> bool:
    """Return whether objects of a class are HTTP responses, of whichever library is loaded."""
    ours = sys.modules.get(__package__ + ".http.response")
    if ours is not None and issubclass(kind, ours.Response):
        return True
    wrappers = sys.modules.get("werkzeug.wrappers")
    if wrappers is None:
        return False
    # Old releases have a smaller class at the bottom, from which Response is derived.
    bases = [one for one in wrappers.Response.__mro__ if one.__name__ in ("BaseResponse", "Response")]
    return issubclass(kind, tuple(bases))
