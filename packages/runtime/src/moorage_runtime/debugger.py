"""Connecting to a debugger before the script is loaded."""

from . import logs


class NoDebugger(Exception):
    """debugpy is missing, or nothing listens on the port."""


def connect(port: int) -> None:
    """Connect to the debugpy listener on ``localhost:port`` and wait until it has attached.

    Raises:
        NoDebugger: that is not possible.
    """
    logs.logger.warning("Debugging is on (port %d): not for production", port)
    try:
        import debugpy  # noqa: PLC0415
    except ImportError:
        raise NoDebugger(
            "a debugger port is set, but the service's environment has no debugpy; add it, or unset the port"
        ) from None
    try:
        debugpy.connect(("localhost", port))
        debugpy.wait_for_client()
    except Exception as error:
        raise NoDebugger(
            "no debugger listens on localhost:%d (%s); start it first, or unset the port" % (port, error)
        ) from error
