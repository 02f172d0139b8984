"""A progress bar for large files, on terminals."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

LARGE_BYTES = 50 * 1024 * 1024


@contextmanager
def transfer_progress(title: str, is_quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Give a function that takes (bytes done, bytes in all) and draws a bar when there are many."""
    bar: Any = None
    task: Any = None

    def show(done_bytes: int, total_bytes: int) -> None:
        nonlocal bar, task
        if bar is None and total_bytes >= LARGE_BYTES and not is_quiet and sys.stderr.isatty():
            bar = _new_bar()
            task = bar.add_task(title, total=total_bytes)
            bar.start()
        if bar is not None:
            bar.update(task, completed=done_bytes)

    try:
        yield show
    finally:
        if bar is not None:
            bar.stop()


def _new_bar() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
