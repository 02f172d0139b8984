"""Tracebacks as the script's author wants to see them: without the frames of the runtime."""

import os
import traceback
from typing import Optional, Set

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


def _is_ours(filename: str) -> bool:
    return filename.startswith((_OURS, "<frozen importlib"))


def _strip(report: Optional[traceback.TracebackException], seen: Set[int]) -> None:
    """Remove our frames from a report and from its causes."""
    if report is None or id(report) in seen:
        return
    seen.add(id(report))
    report.stack = traceback.StackSummary.from_list(
        [frame for frame in report.stack if not _is_ours(frame.filename)]
    )
    _strip(report.__cause__, seen)
    _strip(report.__context__, seen)
    for member in getattr(report, "exceptions", None) or ():  # ExceptionGroup, from 3.11 on
        _strip(member, seen)


def user_traceback(error: BaseException) -> str:
    """Return the traceback text of ``error`` and its causes with the user's own frames only."""
    try:
        report = traceback.TracebackException(type(error), error, error.__traceback__)
        _strip(report, set())
        return "".join(report.format()).rstrip("\n")
    except Exception:  # a str() or __repr__ of the user's that fails must not hide the error
        return "".join(traceback.format_tb(error.__traceback__)) + type(error).__name__


def summary(error: BaseException) -> str:
    """Return ``Type: message`` in one line."""
    try:
        return "".join(traceback.format_exception_only(type(error), error)).strip().split("\n")[-1]
    except Exception:
        return type(error).__name__
