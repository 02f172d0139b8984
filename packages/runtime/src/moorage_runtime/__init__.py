"""Run an entry script (``init()``, ``run()``) in the user's own interpreter.

Standard library only, Python 3.6 and later: this package is loaded into environments that
belong to the user, beside pins that we must never meet.
"""

from .version import __version__

__all__ = ["__version__"]
