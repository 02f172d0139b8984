"""Our types and the real ``inference-schema`` package side by side, with the same numpy and pandas.

The package is in the environment that ``python -m benchmarks.conversion`` makes; it is never a dependency.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pandas", minversion="2.2", reason="inference-schema is there with today's pandas")

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / ".cache" / "schema-reference" / "bin" / "python"
CASES = Path(__file__).parent / "reference_cases.py"

# Where we differ on purpose; docs/decisions/0011 and 0012 say why.
ON_PURPOSE = re.compile(
    r"schema: numpy (bool|S|O|M8)$"  # examples that the service itself accepts
    r"|versions: numpy c8$"  # only the schema is refused
    r"|input: numpy O: "  # items may be lists
    r"|input: numpy m8\[[sD]\]: \[null\]$"  # a duration may be missing
    r"|input: standard (bytearray|date|range|OrderedDict|float64): "  # can be read at all
    r"|input: numpy (record|sub-array): \[\"2020"  # a text is no record, though it has a length
)


@pytest.fixture(scope="module")
def both():
    """Return the results of the real package and ours."""
    if not REFERENCE.exists():
        pytest.skip("inference-schema is not there; python -m benchmarks.conversion --quick installs it")
    found = []
    for python in (REFERENCE, Path(sys.executable)):
        found.append(json.loads(subprocess.check_output([str(python), str(CASES)], timeout=200)))
    if found[0]["numpy and pandas"] != found[1]["numpy and pandas"]:
        pytest.skip("inference-schema is there with another numpy or pandas; remove .cache/schema-reference")
    return found


def test_samples_and_inputs_become_what_they_became(both) -> None:
    reference, ours = both
    assert list(reference) == list(ours)
    assert len(reference) > 2000
    differing = [key for key in reference if reference[key] != ours[key]]
    assert [key for key in differing if not ON_PURPOSE.match(key)] == []


def test_inputs_that_become_something_else_failed_before(both) -> None:
    reference, ours = both
    for key in reference:
        if reference[key] != ours[key] and key.startswith("input: "):
            assert "error" in (reference[key], ours[key])
