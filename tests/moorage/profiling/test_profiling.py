"""Profiling: real services on trial, and the arithmetic of what is recommended."""

import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from moorage import profiling
from moorage.datasets import Dataset, LocalFile, TableFormat
from moorage.deployments import InferenceConfig, LocalConfig
from moorage.errors import InvalidArgument, InvalidName, ModelNotFound, ProfileNotFound
from moorage.profiling import running
from moorage.profiling.processes import cpu_seconds, peak_memory_bytes
from moorage.profiling.profile import Measured, Profile, percentile, read_profile, recommended
from moorage.services import list_services
from moorage.workspace import Workspace

ECHO = "def init(): pass\ndef run(data): return data\n"
BROKEN = "def init(): raise RuntimeError('no weights')\ndef run(data): return data\n"
# Holds 80 MB, and uses the processor all the time.
HUNGRY = (
    "import json\ndef init():\n    global kept\n    kept = b'x' * 80_000_000\n"
    "def run(data):\n    sum(range(200_000))\n    return len(json.loads(data))\n"
)


@pytest.fixture
def config(tmp_path: Path) -> InferenceConfig:
    (tmp_path / "score.py").write_text(ECHO)
    return InferenceConfig(entry_script=str(tmp_path / "score.py"))


def test_a_service_is_measured_and_leaves_nothing_behind(
    workspace: Workspace, tmp_path: Path, config: InferenceConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_trial, polls_us = running.on_trial, []

    def observed(workspace: Workspace, ids: Any, script: Any, deployment: LocalConfig, **more: Any) -> Any:
        polls_us.append(deployment.spin_us)
        return on_trial(workspace, ids, script, deployment, **more)

    monkeypatch.setattr(running, "on_trial", observed)
    (tmp_path / "score.py").write_text(HUNGRY)
    made = profiling.profile(workspace, "my-profile", [], config, [b"[1, 2]"], longest_s=0.5, description="d")
    assert (made.state, made.error, made.description) == ("Succeeded", None, "d")
    assert polls_us == [0]  # the processor time is that of work
    seen = made.measured
    assert seen is not None
    assert seen.total_requests == seen.successful_requests > 5
    assert 0 < seen.latency_ms["50"] <= seen.latency_ms["90"] <= seen.latency_ms["99.9"]
    assert seen.average_ms is not None
    assert seen.average_ms >= 0.1
    if sys.platform == "linux":
        assert seen.scorer_memory_bytes is not None
        assert 80e6 < seen.scorer_memory_bytes < 1e9
        assert made.recommended_memory_gb is not None
        assert 0.2 <= made.recommended_memory_gb < 2
        assert seen.cpu_cores is not None
        assert 0.05 < seen.cpu_cores < 2.5
    assert profiling.get(workspace, "my-profile") == made
    assert profiling.list_profiles(workspace) == [made]
    assert list_services(workspace) == []
    assert list((workspace.path / "profiling").iterdir()) == []


def test_several_requests_are_sent_once_each_and_failures_count(
    workspace: Workspace, tmp_path: Path, config: InferenceConfig
) -> None:
    (tmp_path / "score.py").write_text("def init(): pass\ndef run(data): return 1 / int(data)\n")
    made = profiling.profile(workspace, "some-fail", [], config, [b"1", b"2", b"0", b"4"])
    assert made.measured is not None
    assert (made.measured.total_requests, made.measured.successful_requests) == (4, 3)
    assert made.state == "Succeeded"
    assert made.error is not None
    assert "status 500" in made.error
    assert "division by zero" in made.log


def test_a_script_that_fails_makes_a_failed_profile(
    workspace: Workspace, tmp_path: Path, config: InferenceConfig
) -> None:
    (tmp_path / "score.py").write_text(BROKEN)
    made = profiling.profile(workspace, "broken", [], config, [b"{}"])
    assert (made.state, made.measured, made.recommended_cpu_cores) == ("Failed", None, None)
    assert made.error is not None
    assert "no weights" in made.error
    assert profiling.get(workspace, "broken") == made
    assert list((workspace.path / "profiling").iterdir()) == []


def test_what_cannot_be_started_raises_and_keeps_nothing(
    workspace: Workspace, config: InferenceConfig
) -> None:
    with pytest.raises(ModelNotFound):
        profiling.profile(workspace, "profile", ["nothing:1"], config, [b"{}"])
    with pytest.raises(InvalidName, match="lower-case"):
        profiling.profile(workspace, "No", [], config, [b"{}"])
    with pytest.raises(InvalidArgument, match=r"0\.1 to 3\.5"):
        profiling.profile(workspace, "profile", [], config, [b"{}"], cpu_cores=9)
    with pytest.raises(InvalidArgument, match="data set with rows"):
        profiling.profile(workspace, "profile", [], config, [])
    with pytest.raises(ProfileNotFound, match="'profile'"):
        profiling.get(workspace, "profile")


def test_a_killed_run_is_cleared_away_by_the_next(
    workspace: Workspace, tmp_path: Path, config: InferenceConfig
) -> None:
    (tmp_path / "profiler.py").write_text(
        "import os, sys\n"
        "from moorage.deployments import InferenceConfig, LocalConfig\n"
        "from moorage.profiling.trial import TrialLog, on_trial\n"
        "from moorage.workspace import Workspace\n"
        "config = InferenceConfig(entry_script=sys.argv[1])\n"
        "with on_trial(Workspace.open('test'), [], config, LocalConfig(), log=TrialLog()) as trial:\n"
        "    print(trial.pids()[0], flush=True)\n"
        "    os._exit(9)\n"
    )
    killed = subprocess.run(
        [sys.executable, tmp_path / "profiler.py", str(config.entry_script)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert killed.returncode == 9, killed.stderr
    front = int(killed.stdout)
    assert len(list((workspace.path / "profiling").iterdir())) == 1
    profiling.profile(workspace, "after-that", [], config, [b"{}"], longest_s=0.1)
    assert list((workspace.path / "profiling").iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(front, 0)


def test_requests_are_the_rows_of_one_column(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text('{"a": 1}\n{"a": 2}\n')
    lines = TableFormat("delimited", separator="\n", headers="none")
    file = LocalFile("r.txt", tmp_path / "r.txt")
    assert profiling.requests_of(workspace, Dataset((file,), lines)) == [b'{"a": 1}', b'{"a": 2}']
    with pytest.raises(InvalidArgument, match="a table is needed"):
        profiling.requests_of(workspace, Dataset((file,)))
    (tmp_path / "r.txt").write_text("a,b\n1,2\n")
    with pytest.raises(InvalidArgument, match="columns a, b"):
        profiling.requests_of(workspace, Dataset((file,), TableFormat("delimited")))


def measured(cpu_cores: float | None, memory_bytes: int | None) -> Measured:
    return Measured(10, 10, 1.0, 0.2, 1.0, {"50": 1.0}, cpu_cores, memory_bytes, memory_bytes)


@pytest.mark.parametrize(
    ("cpu_cores", "memory_bytes", "asked"),
    [
        (0.01, 1_000_000, (0.1, 0.1)),
        (0.08, 80_000_000, (0.1, 0.1)),
        (0.081, 81_000_000, (0.2, 0.2)),
        (1.0, 1_000_000_000, (1.3, 1.3)),
        (None, None, (None, None)),
    ],
)
def test_a_quarter_more_is_recommended_in_tenths(
    cpu_cores: float | None, memory_bytes: int | None, asked: tuple[float | None, float | None]
) -> None:
    assert recommended(measured(cpu_cores, memory_bytes)) == asked


def test_percentiles() -> None:
    hundred = [float(number) for number in range(1, 101)]
    assert [percentile(hundred, one) for one in (50, 90, 99, 99.9)] == [50, 90, 99, 100]
    assert percentile([7.0], 50) == 7


def test_a_profile_is_read_as_it_was_written() -> None:
    made = Profile("n", "Succeeded", ("m:1",), datetime.now(timezone.utc), "me", measured=measured(1.0, 5))
    assert read_profile("n", made.document(), made.created_at, "me") == made


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_this_process_uses_memory_and_time() -> None:
    memory, time_s = peak_memory_bytes([os.getpid()]), cpu_seconds([os.getpid()])
    assert memory is not None
    assert memory > 5_000_000
    assert time_s is not None
    assert time_s > 0
    assert (peak_memory_bytes([2**30]), cpu_seconds([2**30])) == (None, None)
