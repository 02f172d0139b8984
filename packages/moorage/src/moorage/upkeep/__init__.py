"""Looking after a whole workspace: moving, backing up, restoring, checking, clearing away."""

from moorage.models.unused import GRACE_S, remove_unused_blobs
from moorage.upkeep.archive import backup, restore
from moorage.upkeep.checking import Finding, check
from moorage.upkeep.moving import Moved, migrate

__all__ = [
    "GRACE_S",
    "Finding",
    "Moved",
    "backup",
    "check",
    "migrate",
    "remove_unused_blobs",
    "restore",
]
