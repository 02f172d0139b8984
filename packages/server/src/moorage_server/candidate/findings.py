"""What a mirror has found so far: counts, and a bounded sample of the pairs that differ."""

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from moorage_server.candidate.comparison import Answered

KEPT_PAIRS = 20
# Of each text in a sample; whoever wants to see more sends the request again.
SHOWN_CHARACTERS = 1000
MOST_REASONS = 50
_INDEX = re.compile(r"\[[0-9]+\]")


@dataclass(slots=True)
class Findings:
    """``sent``: copies given to the shadow; ``dropped``: not sent, it had too much to do already.

    Of those that were sent: ``same``, ``different``, ``not_compared`` (too large, streamed, too much to
    compare), or not answered yet. ``failed``: of the different ones, those that the shadow could not answer.
    """

    generation: int
    sent: int = 0
    dropped: int = 0
    same: int = 0
    different: int = 0
    failed: int = 0
    not_compared: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    pairs: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT_PAIRS))

    def found(self, request: bytes, live: Answered, shadow: Answered, what: str, at: str) -> None:
        """Note a pair that differs."""
        self.different += 1
        if shadow.status >= 500 > live.status:
            self.failed += 1
        where = _INDEX.sub("[]", what.partition(":")[0])  # which row it was says little
        if where in self.reasons or len(self.reasons) < MOST_REASONS:
            self.reasons[where] = self.reasons.get(where, 0) + 1
        self.pairs.append(
            {
                "at": at,
                "difference": what,
                "request": _text(request),
                "live": {"status": live.status, "body": _text(live.body)},
                "shadow": {"status": shadow.status, "body": _text(shadow.body)},
            }
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "generation": self.generation,
            "sent": self.sent,
            "dropped": self.dropped,
            "same": self.same,
            "different": self.different,
            "failed": self.failed,
            "notCompared": self.not_compared,
            "reasons": dict(self.reasons),
            "pairs": list(self.pairs),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any], generation: int) -> "Findings":
        """Carry on with what an earlier front wrote; afresh if that was about another revision."""
        if value.get("generation") != generation:
            return cls(generation)
        try:
            return cls(
                generation,
                sent=int(value["sent"]),
                dropped=int(value["dropped"]),
                same=int(value["same"]),
                different=int(value["different"]),
                failed=int(value["failed"]),
                not_compared=int(value["notCompared"]),
                reasons={str(name): int(count) for name, count in value["reasons"].items()},
                pairs=deque(value["pairs"], maxlen=KEPT_PAIRS),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return cls(generation)


def _text(data: bytes) -> str:
    text = data[: 4 * SHOWN_CHARACTERS].decode("utf-8", "replace")
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."
