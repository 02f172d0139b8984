"""The version of every Moorage distribution; the only place where it is written."""

__version__ = "0.1.0"
