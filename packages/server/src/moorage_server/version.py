"""How the server names itself to clients."""

from moorage_runtime.version import __version__


def server_version() -> str:
    """Return the value of ``x-ms-server-version``; clients of the old server look for its prefix."""
    return f"azmlinfsrv/{__version__}"
