"""Whether a canary is worse, or far slower, than the revision beside it: counts in, a verdict out."""

import math

from .candidate_records import Counts
from .failures import Failure

CANARY_STAGE = "canary"
# Fewer answers than these say little about a revision.
FEWEST_ANSWERS = 20
# Worse by more than this share of the answers, and by more than chance explains.
WORSE_BY = 0.05
BEYOND_CHANCE = 3.0
# More of its requests than this share may not be slow.
MOST_SLOW = 0.1


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


def is_slow(counts: Counts) -> bool:
    """Tell whether a canary takes too long: from 20 requests on, more than a tenth of them were slow or hang.

    What slow is was decided where the requests are: see `moorage_server.candidate.slowness`.
    """
    known = counts.count + counts.hanging
    return known >= FEWEST_ANSWERS and counts.slow + counts.hanging > MOST_SLOW * known


def is_fit(counts: Counts) -> bool:
    """Tell whether a canary whose time is over may take over: it did well at least as often as not."""
    if is_slow(counts):
        return False
    if counts.count >= FEWEST_ANSWERS:
        return True
    bad = max(counts.failed, counts.slow) + counts.hanging
    return 2 * bad <= counts.count + counts.hanging


def verdict(counts: Counts) -> Failure | None:
    """Say why a canary is to be taken back, None if it may go on."""
    return failure_of(counts) if is_worse(counts) or is_slow(counts) else None


def failure_of(counts: Counts) -> Failure:
    """Say why it is taken back."""
    is_late = is_slow(counts) or counts.slow + counts.hanging > counts.failed
    if is_late and not is_worse(counts):
        known, late = counts.count + counts.hanging, counts.slow + counts.hanging
        held = f", {counts.hanging} of them have not ended" if counts.hanging else ""
        limit = f"more than {counts.slow_after_ms} ms"
        return Failure(CANARY_STAGE, f"{late} of its {known} requests took {limit}{held}")
    text = (
        f"{counts.failed} of its {counts.count} answers were errors, "
        f"and {counts.live_failed} of {counts.live_count} of the revision beside it"
    )
    return Failure(CANARY_STAGE, text)
