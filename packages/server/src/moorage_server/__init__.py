"""The data plane: one HTTP front per service, and the supervisor that keeps it up."""

from moorage_runtime.version import __version__

__all__ = ["__version__"]
