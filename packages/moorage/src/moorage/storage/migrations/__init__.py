"""The schema's history: one numbered file per step, applied by Alembic when a workspace is opened."""

from functools import cache
from pathlib import Path

VERSIONS = Path(__file__).parent / "versions"


@cache
def newest_revision() -> str:
    """Return the number of the last step, from the file names: opening must not import Alembic each time."""
    return max(path.name[:4] for path in VERSIONS.glob("[0-9][0-9][0-9][0-9]_*.py"))
