"""Reviewed documents, kept as files."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no fault of an example.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.fixture
def check_snapshot():
    """Compare a document with the reviewed file of a name, byte for byte.

    ``UPDATE_SNAPSHOTS=1`` writes the files instead: read every change before it is committed.
    """

    def check(name, document):
        path = SNAPSHOTS / (name + ".json")
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        if os.environ.get("UPDATE_SNAPSHOTS"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return check
