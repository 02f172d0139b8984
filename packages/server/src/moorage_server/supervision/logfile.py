"""One log for everything that a service prints: whole lines, rotated by size, never in the way."""

import contextlib
import os
import time
from collections import deque
from pathlib import Path

MAX_BYTES = 10 * 1024 * 1024
KEPT_FILES = 5
# A line without an end is cut here, so that a script which prints no newline costs no memory.
MAX_LINE_BYTES = 64 * 1024
TAIL_LINES = 40


class RotatingLog:
    """Append to ``path``; beyond ``max_bytes`` it becomes ``path.1`` (and so on up to ``kept_files``).

    What cannot be written because the disk is full is counted and dropped: a service goes on
    answering without its log, and says in the log how much is missing once there is room again.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, kept_files: int = KEPT_FILES) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._kept_files = kept_files
        self._descriptor: int | None = None
        self._size = 0
        self._lost_bytes = 0
        self._open()

    def write(self, lines: bytes) -> None:
        """Append whole lines."""
        if self._size and self._size + len(lines) > self._max_bytes:
            self._rotate()
        if self._descriptor is None:
            self._open()
        try:
            if self._lost_bytes and self._descriptor is not None:
                notice = b"%s: %d bytes of this log are missing, there was no room to write them\n"
                self._put(notice % (timestamp().encode(), self._lost_bytes))
                self._lost_bytes = 0
            self._put(lines)
        except OSError:
            self._lost_bytes += len(lines)

    def say(self, text: str) -> None:
        """Append a line of the supervisor itself."""
        self.write(f"{timestamp()} supervisor {text}\n".encode(errors="backslashreplace"))

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _put(self, lines: bytes) -> None:
        if self._descriptor is None:
            raise OSError("the log is not open")
        view = memoryview(lines)
        while view:
            written = os.write(self._descriptor, view)
            self._size += written
            view = view[written:]

    def _open(self) -> None:
        with contextlib.suppress(OSError):
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self.path, flags, 0o600)
            self._size = os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        with contextlib.suppress(OSError):
            for number in range(self._kept_files - 1, 0, -1):
                older = rotated(self.path, number)
                if older.exists():
                    older.replace(rotated(self.path, number + 1))
            self.path.replace(rotated(self.path, 1))
            self.close()
            self._size = 0


class Lines:
    """Cut the output of one process into lines and remember the last few of them."""

    def __init__(self) -> None:
        self._rest = b""
        self._tail: deque[bytes] = deque(maxlen=TAIL_LINES)

    def feed(self, data: bytes) -> bytes:
        """Return the whole lines that are complete now; what follows the last newline waits."""
        head, newline, rest = (self._rest + data).rpartition(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            head, newline, rest = head + newline + rest, b"\n", b""
        self._rest = rest
        if newline:
            self._tail.extend(head.split(b"\n")[-TAIL_LINES:])
        return head + newline

    def finish(self) -> bytes:
        """Return what is left when nothing follows any more."""
        return self.feed(b"\n") if self._rest else b""

    def tail(self) -> str:
        """Return the last lines as text, for the report on a process that just died."""
        return b"\n".join([*self._tail, self._rest]).decode(errors="replace").strip()


def rotated(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def last_lines(path: Path, count: int) -> str:
    """Return the last ``count`` lines of a log, reaching back into its rotated files."""
    lines: deque[str] = deque()
    number = 0
    while len(lines) < count:
        try:
            found = _read(path if number == 0 else rotated(path, number), count - len(lines))
        except FileNotFoundError:
            # Between two renames of a rotation the newest file has no name for a moment.
            if number > 0:
                break
            found = []
        lines.extendleft(reversed(found))
        number += 1
    return "".join(lines)


def _read(path: Path, count: int) -> list[str]:
    """Return up to ``count`` last lines of one file, reading from its end."""
    with path.open("rb") as file:
        position = file.seek(0, os.SEEK_END)
        blocks: deque[bytes] = deque()
        newlines = 0
        while position > 0 and newlines <= count:
            step = min(position, 64 * 1024)
            position -= step
            file.seek(position)
            block = file.read(step)
            newlines += block.count(b"\n")
            blocks.appendleft(block)
    text = b"".join(blocks).decode(errors="replace")
    return text.splitlines(keepends=True)[-count:] if count else []


def timestamp() -> str:
    """Return the time in UTC with milliseconds, such as ``2026-07-01T12:00:00.000Z``."""
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"
