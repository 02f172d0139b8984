"""Reviewed documents, and a look at what an input error says."""

import json
from pathlib import Path

import pytest

SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.fixture
def snapshot():
    """Return a reviewed JSON file by name."""

    def read(name):
        return json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))

    return read
