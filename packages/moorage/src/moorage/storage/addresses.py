"""Addresses of databases and stores as people may see them."""

from urllib.parse import urlsplit, urlunsplit


def shown(url: str) -> str:
    """Return an address without what may be secret: password and query (account keys, signatures).

    What is no address at all is not shown.
    """
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(an address that is not understood)"
    user = f"{parts.username}:***@" if parts.username and parts.password else ""
    if parts.username and not parts.password:
        user = f"{parts.username}@"
    host = parts.hostname or ""
    return urlunsplit((parts.scheme, f"{user}{host}{port}", parts.path, "***" if parts.query else "", ""))
