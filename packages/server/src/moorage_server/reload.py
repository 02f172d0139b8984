"""Changes in a source folder, for development: ``--reload``."""

from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import DefaultFilter, awatch

_SETTLE_MS = 50  # editors write a file in several steps
_STEP_MS = 50


async def changes_below(folder: Path) -> AsyncIterator[Path]:
    """Yield the path of a file that changed, once per burst of changes.

    Version control, caches and virtual environments are left out, as are byte-compiled files.
    """
    async for changes in awatch(
        folder, watch_filter=DefaultFilter(), debounce=_SETTLE_MS, step=_STEP_MS, recursive=True
    ):
        yield Path(sorted(changes)[0][1])
