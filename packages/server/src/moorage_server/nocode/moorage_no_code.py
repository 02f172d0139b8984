"""The entry script of a deployment without a script: Moorage's own, copied into the revision."""

from moorage_server.nocode.service import Service

MOORAGE_SERVICE = Service()


def init() -> None:
    """Load the models that the deployment names."""
    MOORAGE_SERVICE.load()


def run(data: object) -> object:
    """Score rows of numbers."""
    return MOORAGE_SERVICE.run(data)
