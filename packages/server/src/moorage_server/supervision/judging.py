"""Whether a canary is worse than the revision beside it: counts in, a verdict out."""

import math

from .candidate_records import Counts
from .failures import Failure

CANARY_STAGE = "canary"
# Fewer answers than these say little about a revision.
FEWEST_ANSWERS = 20
# Worse by more than this share of the answers, and by more than chance explains.
WORSE_BY = 0.05
BEYOND_CHANCE = 3.0


def is_worse(counts: Counts) -> bool:
    """Tell whether a canary fails more often than the revision beside it, and not by chance.

    From 20 answers on: its share of errors is higher by more than five of a hundred, and the difference is
    more than three times its standard error, as if both were equally good.
    """
    if counts.count < FEWEST_ANSWERS:
        return False
    share = counts.failed / counts.count
    live_share = counts.live_failed / counts.live_count if counts.live_count else 0.0
    if share - live_share <= WORSE_BY:
        return False
    live_count = max(1, counts.live_count)
    pooled = (counts.failed + counts.live_failed) / (counts.count + counts.live_count)
    error = math.sqrt(pooled * (1 - pooled) * (1 / counts.count + 1 / live_count))
    return error == 0 or (share - live_share) / error > BEYOND_CHANCE


def is_fit(counts: Counts) -> bool:
    """Tell whether a canary whose time is over may take over: it did not fail more often than it answered."""
    return counts.count >= FEWEST_ANSWERS or 2 * counts.failed <= counts.count


def failure_of(counts: Counts) -> Failure:
    """Say why it is taken back."""
    text = (
        f"{counts.failed} of its {counts.count} answers were errors, "
        f"and {counts.live_failed} of {counts.live_count} of the revision beside it"
    )
    return Failure(CANARY_STAGE, text)
