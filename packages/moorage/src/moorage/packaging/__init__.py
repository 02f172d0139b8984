"""Models and scripts as images that run without Moorage."""

from moorage.packaging.package import Package, find, package, pull, save

__all__ = ["Package", "find", "package", "pull", "save"]
