"""``multipart/form-data`` read from a stream: fields in memory, large files on disk.

Memory use is bounded: by the read size, by ``max_field_bytes`` per field and by ``max_parts``; what a file
holds beyond ``spool_bytes`` goes to a temporary file.
"""

import io
import re
import tempfile
from typing import Any, BinaryIO, List, Optional, Tuple

from .errors import RequestEntityTooLarge
from .headers import Headers, parse_options
from .uploads import FileStorage

MAX_FIELD_BYTES = 500_000
MAX_PARTS = 1000
_READ_BYTES = 65536
_SPOOL_BYTES = 512 * 1024
_MAX_HEAD_BYTES = 65536
_LINE_END = re.compile(rb"\r\n|\n|\r")

Fields = List[Tuple[str, str]]
Files = List[Tuple[str, FileStorage]]


class MalformedMultipart(ValueError):
    """The body does not follow the format."""


class _Upload:
    """Collects the content of a file: in memory first, on disk when it grows."""

    def __init__(self) -> None:
        self.stream: BinaryIO = io.BytesIO()
        self._size = 0

    def write(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > _SPOOL_BYTES and isinstance(self.stream, io.BytesIO):
            on_disk: Any = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - lives as long as the request
            on_disk.write(self.stream.getvalue())
            self.stream = on_disk
        self.stream.write(data)


class _Field:
    """Collects the content of a field."""

    def __init__(self, max_bytes: int) -> None:
        self._pieces: List[bytes] = []
        self._room = max_bytes

    def write(self, data: bytes) -> None:
        self._room -= len(data)
        if self._room < 0:
            raise RequestEntityTooLarge("A field of the form is too large.")
        self._pieces.append(data)

    def content(self) -> bytes:
        return b"".join(self._pieces)


class MultipartReader:
    """Reads one body; ``stream`` needs only ``read(size)``.

    Lines may end with CR LF or, as some clients write, with LF alone.
    """

    def __init__(
        self,
        stream: Any,
        boundary: bytes,
        max_field_bytes: int = MAX_FIELD_BYTES,
        max_parts: int = MAX_PARTS,
    ) -> None:
        if not boundary or len(boundary) > 256:
            raise MalformedMultipart("there is no boundary, or it is too long")
        self._stream = stream
        self._buffer = b""
        self._dashes = b"--" + boundary
        # What a delimiter cut in two by a read can be at most.
        self._margin = len(boundary) + 4
        self._max_field_bytes = max_field_bytes
        self._max_parts = max_parts

    def read(self) -> Tuple[Fields, Files]:
        """Return ``(fields, files)`` in the order of the body.

        Raises:
            MalformedMultipart: the body does not follow the format or ends early.
            RequestEntityTooLarge: a field or the number of parts exceeds its limit.
        """
        fields: Fields = []
        files: Files = []
        # As if a line ended before the body: the first delimiter is like the others.
        self._buffer = b"\r\n"
        self._copy_until_delimiter(None)
        while self._next_part():
            if len(fields) + len(files) >= self._max_parts:
                raise RequestEntityTooLarge("The form has too many parts.")
            headers = self._read_head()
            _, parameters = parse_options(headers.get("Content-Disposition"))
            name = parameters.get("name")
            if name is None:
                raise MalformedMultipart("a part has no name")
            filename = parameters.get("filename")
            if filename is None:
                field = _Field(self._max_field_bytes)
                self._copy_until_delimiter(field)
                fields.append((name, _decode(field.content(), headers)))
            else:
                upload = _Upload()
                self._copy_until_delimiter(upload)
                upload.stream.seek(0)
                files.append((name, FileStorage(upload.stream, filename, name, headers=headers)))
        return fields, files

    def _more(self) -> bool:
        data = self._stream.read(_READ_BYTES)
        self._buffer += data
        return bool(data)

    def _copy_until_delimiter(self, target: Any) -> None:
        """Hand what comes before the next delimiter to ``target``; drop the delimiter."""
        while True:
            found = self._find_delimiter()
            if found:
                if target is not None:
                    target.write(self._buffer[: found[0]])
                self._buffer = self._buffer[found[1] :]
                return
            keep = max(0, len(self._buffer) - self._margin)
            if target is not None:
                target.write(self._buffer[:keep])
            self._buffer = self._buffer[keep:]
            if not self._more():
                raise MalformedMultipart("the body ends within a part")

    def _find_delimiter(self) -> Optional[Tuple[int, int]]:
        """Return where the next delimiter, which includes the line end before it, begins and ends."""
        buffer = self._buffer
        position = buffer.find(self._dashes)
        while position >= 0:
            before = buffer[max(0, position - 2) : position]
            if before[-1:] in (b"\r", b"\n"):
                return position - (2 if before == b"\r\n" else 1), position + len(self._dashes)
            position = buffer.find(self._dashes, position + 1)
        return None

    def _next_part(self) -> bool:
        """Skip the rest of the delimiter's line; False after the closing one."""
        while True:
            if self._buffer.startswith(b"--"):
                return False
            stripped = self._buffer.lstrip(b" \t")
            match = _LINE_END.match(stripped)
            # A CR at the very end may be the first half of a line end.
            if match and not (match.group() == b"\r" and len(stripped) == 1):
                self._buffer = stripped[match.end() :]
                return True
            if len(stripped) >= 2:
                raise MalformedMultipart("something follows a boundary in its line")
            if len(self._buffer) > _MAX_HEAD_BYTES or not self._more():
                raise MalformedMultipart("the body ends after a boundary")

    def _read_head(self) -> Headers:
        """Read the header lines of a part."""
        while True:
            end = _head_end(self._buffer)
            if end is not None:
                head = self._buffer[: end[0]]
                self._buffer = self._buffer[end[1] :]
                return _parse_head(head)
            if len(self._buffer) > _MAX_HEAD_BYTES:
                raise MalformedMultipart("the head of a part is too long")
            if not self._more():
                raise MalformedMultipart("the body ends within the head of a part")


_HEAD_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def _head_end(data: bytes) -> Optional[Tuple[int, int]]:
    """Return where the head's text ends and where the content begins."""
    first = _LINE_END.match(data)
    if first and not (first.group() == b"\r" and len(data) == 1):
        # No header at all. The line end also belongs to a delimiter that may follow at once.
        return 0, first.end()
    match = _HEAD_END.search(data)
    if match is None:
        return None
    # The second line end is left where an empty content is followed by its delimiter directly.
    return match.start(), match.end()


def _parse_head(head: bytes) -> Headers:
    headers = Headers()
    lines: List[str] = []
    for raw in _LINE_END.split(head):
        line = raw.decode("utf-8", "replace")
        if line[:1] in (" ", "\t") and lines:
            lines[-1] += " " + line.strip()  # folded
        elif line:
            lines.append(line)
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and name.strip():
            headers.add(name.strip(), value.strip())
    return headers


def _decode(content: bytes, headers: Headers) -> str:
    _, parameters = parse_options(headers.get("Content-Type"))
    charset = parameters.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "ascii", "us-ascii", "iso-8859-1"):
        charset = "utf-8"
    return content.decode(charset, "replace")
