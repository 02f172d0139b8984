"""Changes in a source folder, for development: ``--reload``."""

import logging
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

from watchfiles import Change, DefaultFilter, awatch

logger = logging.getLogger(__name__)

_SETTLE_MS = 50  # editors write a file in several steps
_STEP_MS = 50
_TIMES, _WITHIN_S = 3, 10.0  # nobody saves a file so often


class _Followed(DefaultFilter):
    """Leaves out version control, caches, virtual environments, and what the service itself writes.

    A script may write beside itself, and the log may be there: to follow that would never end.
    """

    def __init__(self) -> None:
        super().__init__()
        outputs = [os.fstat(stream.fileno()) for stream in (sys.__stdout__, sys.__stderr__) if stream]
        self._outputs = {(found.st_dev, found.st_ino) for found in outputs}
        self._changed_at: dict[str, list[float]] = {}
        self._left_out: set[str] = set()

    def __call__(self, change: Change, path: str) -> bool:
        return path not in self._left_out and super().__call__(change, path)

    def is_to_be_followed(self, path: str) -> bool:
        """Whether a change calls for loading the script again; to be asked once for each change."""
        if path.endswith(".py"):
            return True
        if self._is_output(path):
            self._left_out.add(path)
            return False
        now = monotonic()
        times = [*(at for at in self._changed_at.get(path, ()) if now - at < _WITHIN_S), now]
        self._changed_at[path] = times
        if len(times) < _TIMES:
            return True
        self._left_out.add(path)
        logger.warning("%s changes again and again: it is not followed any more", path)
        return False

    def _is_output(self, path: str) -> bool:
        try:
            found = Path(path).stat()
        except OSError:  # it is gone
            return False
        return (found.st_dev, found.st_ino) in self._outputs


async def changes_below(folder: Path) -> AsyncIterator[Path]:
    """Yield the path of a file that changed, once per burst of changes."""
    followed = _Followed()
    async for changes in awatch(
        folder, watch_filter=followed, debounce=_SETTLE_MS, step=_STEP_MS, recursive=True
    ):
        paths = [path for path in sorted({path for _, path in changes}) if followed.is_to_be_followed(path)]
        if paths:
            yield Path(paths[0])
