"""``moor model profile``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def script(place: Path, answer: Callable[..., Any]) -> Path:
    (place / "score.py").write_text("def init(): pass\ndef run(data): return len(data)\n")
    (place / "model.pkl").write_bytes(b"weights")
    answer("workspace", "create", "-w", "lab")
    answer("model", "register", "-n", "mymodel", "-p", "model.pkl")
    return place / "score.py"


def test_a_profile_says_what_to_ask_for(script: Path, answer: Callable[..., Any]) -> None:
    found = answer(
        "model", "profile", "-n", "myprofile", "-m", "mymodel:1", "--es", "score.py", "-d", "[1]",
        "--cc", "1", "--gb", "0.5", "-t", "profile.json",
    )  # fmt: skip
    assert (found["name"], found["state"], found["successRate"]) == ("myprofile", "Succeeded", 100)
    assert (found["requestedCpu"], found["requestedMemoryInGB"]) == (1, 0.5)
    written = json.loads(Path("profile.json").read_text())
    assert written["recommendedCpu"] == found["recommendedCpu"]


def test_a_data_set_gives_the_requests(script: Path, answer: Callable[..., Any]) -> None:
    from moorage import datasets
    from moorage.datasets import Dataset, LocalFile, TableFormat
    from moorage.workspace import Workspace

    Path("requests.txt").write_text("[1]\n[2]\n[3]\n")
    lines = TableFormat("delimited", separator="\n", headers="none")
    with Workspace.open("lab") as workspace:
        file = LocalFile("requests.txt", Path("requests.txt").absolute())
        kept = datasets.register(workspace, Dataset((file,), lines), "requests")
    found = answer("model", "profile", "-n", "three", "--es", "score.py", "--idi", str(kept.id))
    assert found["totalQueries"] == 3


def test_what_is_wrong_is_said(script: Path, invoke: Callable[..., Any]) -> None:
    missing = invoke("model", "profile", "-n", "myprofile", "--es", "score.py")
    assert (missing.exit_code, "--input-data" in missing.stderr) == (2, True)
    assert invoke("model", "profile", "-n", "myprofile", "-d", "1").exit_code == 2
    script.write_text("def init(): raise OSError('no weights')\ndef run(data): return 1\n")
    failed = invoke("model", "profile", "-n", "myprofile", "--es", "score.py", "-d", "1")
    assert failed.exit_code == 1
    assert "no weights" in json.loads(failed.stdout)["error"]["message"]
