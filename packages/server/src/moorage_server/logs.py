"""Log lines in the format of the contract (section 9), on standard output."""

import logging
import sys
import time


class LineFormatter(logging.Formatter):
    """``2026-07-01 10:00:00,123 I [4711] azmlinfsrv - text``: UTC, first letter of the level, process id."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(letter)s [%(process)d] %(name)s - %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.letter = record.levelname[:1]
        return super().format(record)


def set_up_logging(level: int = logging.INFO) -> None:
    """Send the server's own log to standard output; called by commands only."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LineFormatter())
    for name in ("azmlinfsrv", "moorage_server", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING if name == "uvicorn.error" else level)
