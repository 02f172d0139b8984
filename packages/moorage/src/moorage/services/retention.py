"""Which revisions of a service are kept."""

from collections.abc import Collection, Sequence

KEPT_REVISIONS = 5


def kept_revisions(served: Sequence[int], withdrawn: Collection[int], live: int) -> set[int]:
    """Return the revisions to keep, of those that ``served`` (oldest first): the last few.

    Among them is always the one that a rollback goes to: revisions that were taken back are newer, and
    would push it out.
    """
    way_back = [number for number in served if number < live and number not in withdrawn]
    kept = {live, *way_back[-1:]}
    others = [number for number in reversed(served) if number not in kept]
    return kept | set(others[: KEPT_REVISIONS - len(kept)])
