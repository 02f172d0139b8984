"""Logging inside a scorer, as entry scripts know it.

Logger ``azmlinfsrv`` writes to stdout at INFO, the root logger is at WARNING on stderr, and
``print()`` becomes a record of ``azmlinfsrv.print``. A ``logging.json`` of the user replaces the defaults.
"""

import builtins
import json
import logging
import logging.config
import os
import sys
import time
from typing import Any, List, Optional

NAME = "azmlinfsrv"
logger = logging.getLogger(NAME)

_original_print = builtins.print


class LineFormatter(logging.Formatter):
    """``2024-01-31 12:00:00,123 I [pid] logger - message``, time in UTC."""

    converter = staticmethod(time.gmtime)

    def __init__(self, fmt: Optional[str] = None, datefmt: Optional[str] = None, style: Any = "%") -> None:
        line = "%(asctime)s %(level_letter)s [%(process)d] %(name)s - %(message)s"
        super().__init__(fmt or line, datefmt, style)

    def format(self, record: logging.LogRecord) -> str:
        record.level_letter = record.levelname[:1]
        return super().format(record)


class HealthProbeFilter(logging.Filter):
    """Drops access log lines of health probes."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "GET / HTTP/1.1" not in record.getMessage()


class _StdoutHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to what ``sys.stdout`` is at the moment, not to what it was at start."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stdout

    @stream.setter
    def stream(self, value: Any) -> None:
        pass


def _set_defaults() -> None:
    handler = _StdoutHandler()
    handler.setLevel(logging.INFO)
    handler.setFormatter(LineFormatter())
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def set_up_logging(*folders: str) -> Optional[str]:
    """Configure logging from the first ``logging.json`` in ``folders``, else from the defaults.

    Returns:
        The path of the file in use, or None.

    Raises:
        ValueError: the file is no JSON object or is refused by ``logging.config``.
    """
    # Gives the root logger its stderr handler; basicConfig() in a script then does nothing, as ever.
    logging.basicConfig()
    _set_defaults()
    for folder in folders:
        path = os.path.join(folder, "logging.json")
        if os.path.isfile(path):
            _configure_from(path)
            return path
    return None


def _configure_from(path: str) -> None:
    import logging.config  # noqa: PLC0415 - slow to load, and rarely needed

    try:
        with open(path, "rb") as file:
            logging.config.dictConfig(json.loads(file.read().decode("utf-8")))
    except (ValueError, TypeError, AttributeError, KeyError, ImportError, OSError) as error:
        reason = error if error.__cause__ is None else "%s: %s" % (error, error.__cause__)
        raise ValueError("%s cannot be used: %s" % (path, reason)) from error


def redirect_print() -> None:
    """Send ``print()`` without ``file`` (or to stdout) to the logger ``azmlinfsrv.print``.

    ``end`` and ``flush`` are ignored: one record per call.
    """
    log = logging.getLogger(NAME + ".print")

    def print(
        *values: Any, sep: Optional[str] = " ", end: Any = "\n", file: Any = None, flush: Any = False
    ) -> None:
        if file is not None and file is not sys.stdout:
            _original_print(*values, sep=sep, end=end, file=file, flush=flush)
        elif log.isEnabledFor(logging.INFO):
            log.info("%s", (" " if sep is None else sep).join(map(str, values)))

    print.__doc__ = _original_print.__doc__
    builtins.print = print


def folder_tree(folder: str, max_lines: int = 200) -> str:
    """Return a listing of ``folder``: sorted, folders end with the separator, 4 spaces per level."""
    lines: List[str] = []
    stack = [(folder, 0)]
    while stack and len(lines) <= max_lines:
        path, level = stack.pop()
        # Links are listed, not followed: one that points upwards would never end.
        is_folder = os.path.isdir(path) and (level == 0 or not os.path.islink(path))
        name = path.rstrip(os.sep) if level == 0 else os.path.basename(path)
        lines.append("    " * level + name + (os.sep if is_folder else ""))
        if is_folder:
            try:
                names = sorted(os.listdir(path), reverse=True)
            except OSError as error:
                lines.append("    " * (level + 1) + "(cannot be listed: %s)" % error.strerror)
                continue
            stack.extend((os.path.join(path, name), level + 1) for name in names)
    if len(lines) > max_lines or stack:
        del lines[max_lines:]
        lines.append("... (only the first %d lines are shown)" % max_lines)
    return "\n".join(lines)
