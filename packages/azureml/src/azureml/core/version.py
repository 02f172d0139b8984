"""The release of the old SDK whose interface this is: old code compares it."""

__all__ = ["VERSION"]

VERSION = "1.61.0"
