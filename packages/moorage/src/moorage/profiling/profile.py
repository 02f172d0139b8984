"""What profiling found out: times, use of processor and memory, and what it recommends."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from moorage.errors import InvalidName

__all__ = ["Measured", "Profile", "check_profile_name", "percentile", "recommended"]

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,30}[a-z0-9]")
NAME_RULE = "3 to 32 lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit"
_HEADROOM = 1.25
_STEP = 0.1
PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)


@dataclass(frozen=True, slots=True)
class Measured:
    """What was seen while requests were sent one after the other.

    ``latency_ms``: percentiles of successful requests by their number, such as ``{"50": 1.2, "99.9": 3.4}``.
    ``cpu_cores``: processor time of front and scorer by the time that passed. ``memory_bytes``: the peak of
    both together, ``scorer_memory_bytes`` of the scorer alone; None where the system does not tell.
    """

    total_requests: int
    successful_requests: int
    elapsed_s: float
    start_s: float
    average_ms: float | None
    latency_ms: Mapping[str, float]
    cpu_cores: float | None
    memory_bytes: int | None
    scorer_memory_bytes: int | None

    @property
    def success_percent(self) -> float:
        return 100 * self.successful_requests / self.total_requests if self.total_requests else 0.0

    @property
    def requests_per_s(self) -> float:
        return self.total_requests / self.elapsed_s if self.elapsed_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Profile:
    """One profiling run; ``error`` and no measurement when the service could not be measured."""

    name: str
    state: Literal["Succeeded", "Failed"]
    model_ids: tuple[str, ...]
    created_at: datetime
    created_by: str = ""
    description: str | None = None
    input_dataset_id: str | None = None
    requested_cpu_cores: float | None = None
    requested_memory_gb: float | None = None
    measured: Measured | None = None
    recommended_cpu_cores: float | None = None
    recommended_memory_gb: float | None = None
    error: str | None = None
    log: str = ""

    def document(self) -> dict[str, Any]:
        """Return everything but name and creation, as JSON values; `read_profile` is the way back."""
        found = asdict(self)
        for key in ("name", "created_at", "created_by"):
            del found[key]
        return {**found, "model_ids": list(self.model_ids)}

    def details(self) -> dict[str, Any]:
        """Return what was found out with the keys of the old platform; what is not known is left out."""
        seen = self.measured
        found: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "state": self.state,
            "createdTime": self.created_at.isoformat(),
            "requestedCpu": self.requested_cpu_cores,
            "requestedMemoryInGB": self.requested_memory_gb,
        }
        if seen is not None:
            found |= {
                "maxUtilizedMemoryInGB": None if seen.memory_bytes is None else seen.memory_bytes / 1e9,
                "maxUtilizedCpu": seen.cpu_cores,
                "totalQueries": seen.total_requests,
                "successQueries": seen.successful_requests,
                "successRate": seen.success_percent,
                "averageLatencyInMs": seen.average_ms,
                **{
                    f"latencyPercentile{percent.replace('.', '')}InMs": value
                    for percent, value in seen.latency_ms.items()
                },
                "measuredQueriesPerSecond": seen.requests_per_s,
            }
        found |= {
            "recommendedMemoryInGB": self.recommended_memory_gb,
            "recommendedCpu": self.recommended_cpu_cores,
            "error": None if self.error is None else {"code": "ProfilingFailed", "message": self.error},
        }
        return {key: value for key, value in found.items() if value is not None}


def read_profile(name: str, document: Mapping[str, Any], created_at: datetime, created_by: str) -> Profile:
    """Return the profile of a stored document."""
    values = dict(document)
    measured = values.pop("measured")
    return Profile(
        name=name,
        created_at=created_at,
        created_by=created_by,
        measured=None if measured is None else Measured(**measured),
        **{**values, "model_ids": tuple(values["model_ids"])},
    )


def check_profile_name(name: object) -> str:
    """Return the name if it is allowed; raises `InvalidName`."""
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        raise InvalidName("profile", name, NAME_RULE)
    return name


def recommended(measured: Measured) -> tuple[float | None, float | None]:
    """Return cores and GB to ask for: what was used and a quarter more, in steps of a tenth upwards."""
    memory = measured.memory_bytes
    return (
        None if measured.cpu_cores is None else _rounded_up(measured.cpu_cores),
        None if memory is None else _rounded_up(memory / 1e9),
    )


def _rounded_up(used: float) -> float:
    return round(max(1, math.ceil(used * _HEADROOM / _STEP - 1e-9)) * _STEP, 1)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest value that ``percent`` of the ``ordered`` (ascending, not empty) do not exceed."""
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]
