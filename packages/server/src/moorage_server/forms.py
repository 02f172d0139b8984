"""Form bodies for undecorated scripts: the old framework consumed them before the script saw anything."""

import re

from moorage_server.limits import MAX_MULTIPART_FIELD_BYTES, MAX_MULTIPART_PARTS

_BOUNDARY = re.compile(rb';\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_FILE = re.compile(rb"\r\ncontent-disposition:[^\r\n]*;\s*filename\*?=", re.IGNORECASE)


class FormTooLarge(Exception):
    """A multipart form has too many parts, or a field that is too large."""


def is_form(content_type: bytes | None) -> bool:
    """Whether the old framework would have parsed a body of that type."""
    if content_type is None:
        return False
    kind = content_type.split(b";", 1)[0].strip().lower()
    if kind == b"application/x-www-form-urlencoded":
        return True
    return kind == b"multipart/form-data" and boundary_of(content_type) is not None


def boundary_of(content_type: bytes) -> bytes | None:
    match = _BOUNDARY.search(content_type)
    return None if match is None else match[1] or match[2]


def check_form(content_type: bytes, body: bytes) -> None:
    """Apply the limits for multipart forms; other forms have none.

    Raises:
        FormTooLarge: over the limits.
    """
    if not content_type.lstrip().lower().startswith(b"multipart/"):
        return
    delimiter = b"--" + (boundary_of(content_type) or b"")
    position, parts = body.find(delimiter), 0
    while position >= 0:
        start = position + len(delimiter)
        if body[start : start + 2] == b"--":
            return
        parts += 1
        if parts > MAX_MULTIPART_PARTS:
            raise FormTooLarge(f"the form has more than {MAX_MULTIPART_PARTS} parts")
        position = body.find(b"\r\n" + delimiter, start)
        end = position if position >= 0 else len(body)
        content = body.find(b"\r\n\r\n", start, end)
        is_large = content >= 0 and end - content - 4 > MAX_MULTIPART_FIELD_BYTES
        if is_large and not _FILE.search(body, start, content + 2):
            raise FormTooLarge(f"a field of the form is larger than {MAX_MULTIPART_FIELD_BYTES} bytes")
        if position >= 0:
            position += 2
