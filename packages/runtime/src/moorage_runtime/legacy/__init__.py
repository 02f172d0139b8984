"""Stand-ins for the import names of old entry scripts, without any installation.

``finder`` answers imports, ``names`` lists what is answered; the other modules are what the names stand for.
"""

from .finder import install

__all__ = ["install"]
