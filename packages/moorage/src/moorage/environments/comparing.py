"""What differs between two locks."""

from collections.abc import Mapping
from dataclasses import dataclass

from moorage.environments.locking import Lock


@dataclass(frozen=True, slots=True)
class Difference:
    """``before`` or ``after`` is None for a package that only the other one has; "python" is one of them."""

    name: str
    before: str | None
    after: str | None


def differences(before: Lock, after: Lock) -> list[Difference]:
    """Return every package whose version differs, by name; Python first."""
    one, other = _with_python(before), _with_python(after)
    names = sorted({*one, *other}, key=lambda name: (name != "python", name))
    return [Difference(n, one.get(n), other.get(n)) for n in names if one.get(n) != other.get(n)]


def _with_python(lock: Lock) -> Mapping[str, str]:
    # A package of both is the index's: that is installed last.
    return {"python": lock.python, **lock.conda_packages, **lock.packages}
