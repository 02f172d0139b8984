"""The servers that are measured, in the order of the table. A new one is a file here and a name below."""

import importlib

from benchmarks.servers.base import Server

PEERS = ("moorage", "azureml", "mlserver", "bentoml", "litserve", "ray", "mlflow", "fastapi", "ceilings")


class UnknownPeer(ValueError):
    """A name that is not the name of a file here."""


def servers(names: tuple[str, ...] = PEERS) -> list[Server]:
    """Return the servers of the named files.

    Raises:
        UnknownPeer: there is no such file.
    """
    unknown = sorted(set(names) - set(PEERS))
    if unknown:
        raise UnknownPeer(f"no server is called {', '.join(unknown)}; there are {', '.join(PEERS)}")
    found: list[Server] = []
    for name in names:
        module = importlib.import_module(f"benchmarks.servers.{name}")
        found.extend(module.SERVERS)
    return found
