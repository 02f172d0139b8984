"""The pages about rolling out, staying up and sharing do what they say."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
pytestmark = pytest.mark.slow
ReadAlong = Callable[[Path], str]


def test_roll_out_and_roll_back(read_along: ReadAlong) -> None:
    output = read_along(DOCS / "roll-out-and-roll-back.md")
    answers = re.findall(r'^"?(one|two|three|four)"?$', output, re.MULTILINE)
    assert answers == ["one", "two", "three", "three", "three"]
    assert '"kind": "canary"' in output
    assert '"three" and "four"' in output
    assert "kept" in output
    assert "service.rolled-back" in output


def test_keep_services_up(read_along: ReadAlong) -> None:
    output = read_along(DOCS / "keep-services-up.md")
    assert re.search(r"^Stopped$", output, re.MULTILINE)
    assert "staying-up/hello started" in output
    assert "ExecStart=" in output


def test_share_a_workspace(read_along: ReadAlong) -> None:
    output = read_along(DOCS / "share-a-workspace.md")
    assert output.count('"m:1"') == 3  # registered, moved, restored
    assert "1 contents, 0 services\n[]" in output  # the check found nothing
