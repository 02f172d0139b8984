"""Models and scripts as images that run without Moorage."""

from moorage.packaging.edge import manifest
from moorage.packaging.package import Package, find, image_location, package, pull, save

__all__ = ["Package", "find", "image_location", "manifest", "package", "pull", "save"]
