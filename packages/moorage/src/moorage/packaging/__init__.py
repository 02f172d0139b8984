"""Models and scripts as images that run without Moorage."""

from moorage.packaging.edge import manifest
from moorage.packaging.package import (
    Package,
    check_free,
    find,
    image_location,
    package,
    pull,
    remove_older,
    save,
)

__all__ = [
    "Package",
    "check_free",
    "find",
    "image_location",
    "manifest",
    "package",
    "pull",
    "remove_older",
    "save",
]
