"""The control plane: registry, deployments, services, targets, command line."""

from moorage_runtime.version import __version__

__all__ = ["__version__"]
