"""Names that somebody may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches

MOST = 3
LONGEST_SEARCH = 2000
"""Names compared at most: each takes some microseconds."""


def close_names(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names most like ``name``, the likeliest first; letter case does not count."""
    by_folded: dict[str, str] = {}
    for position, one in enumerate(known):
        if position >= LONGEST_SEARCH:
            break
        by_folded.setdefault(one.casefold(), one)
    found = get_close_matches(name.casefold(), list(by_folded), n=MOST, cutoff=0.7)
    return [by_folded[one] for one in found if by_folded[one] != name]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean a, b?"`` to be put at the end of a message, or nothing."""
    close = close_names(name, known)
    return f"; did you mean {' or '.join(close)}?" if close else ""
