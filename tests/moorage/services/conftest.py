"""Services with real supervisors, fronts and scorers, in a workspace of their own."""

import time
from dataclasses import replace

import pytest

from moorage import models
from moorage.deployments import InferenceConfig
from moorage.targets.local import daemon, target
from moorage_server.supervision import files
from moorage_server.supervision.candidate_records import CandidateStatus
from moorage_server.supervision.records import Desired, Failure, GenerationStatus, Status

ECHO = """\
import json, os

def init():
    global answer
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.txt")) as file:
        answer = file.read().strip()

def run(data):
    return {"answer": answer, "got": json.loads(data)}
"""


@pytest.fixture
def script(tmp_path):
    """Write an entry script into a folder of its own and return its configuration."""

    def write(text=ECHO, name="score.py", folder="src"):
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return InferenceConfig(entry_script=path)

    return write


@pytest.fixture
def model(workspace, tmp_path):
    """Register a version of the model "m" whose file says what is given."""

    def register(content="one"):
        path = tmp_path / "model.txt"
        path.write_text(content)
        return models.register(workspace, path, "m")

    return register


@pytest.fixture(autouse=True)
def _nothing_left(request):
    if "workspace" in request.fixturenames:
        request.getfixturevalue("ended_services")


@pytest.fixture
def wait_for():
    def wait(condition, *, timeout_s=30.0):
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.02)
        raise AssertionError(f"{condition} did not come true within {timeout_s} s")

    return wait


class AtOnce:
    """Does what ``desired.json`` says, and writes what a supervisor would."""

    def wake(self, folder):
        (folder / _RUNS).touch()
        desired = Desired.from_json(files.read_json(folder / files.DESIRED))
        before = self.status(folder)
        live = before.generation if before else None
        failed = {g.number: g.error for g in before.generations if g.error} if before else {}
        candidate = before.candidate if before else None
        wanted, beside = desired.generation, desired.candidate
        if beside is None:
            candidate = None
        elif candidate is None or candidate.generation != beside.generation:
            state = "rejected" if self.is_bad(folder, beside.settings) else "serving"
            error = Failure("init", "BAD") if state == "rejected" else None
            candidate = CandidateStatus(
                beside.generation, beside.kind, beside.share_percent, state, error=error
            )
        elif candidate.state == "promoted":
            wanted = beside.generation
        settings = beside.settings if beside and wanted == beside.generation else desired.settings
        if self.is_bad(folder, settings):
            failed[wanted] = Failure("init", "BAD")
        else:
            live = wanted
            failed.pop(wanted, None)
        self.write(folder, live, failed, candidate)

    def end(self, folder):
        (folder / _RUNS).unlink(missing_ok=True)

    def is_running(self, folder):
        return (folder / _RUNS).exists()

    def is_bad(self, folder, settings):
        return "BAD" in (folder / settings).with_name("app").joinpath("score.py").read_text()

    def status(self, folder):
        content = files.read_json(folder / files.STATUS)
        return Status.from_json(content) if content else None

    def write(self, folder, live, failed, candidate):
        generations = [GenerationStatus(n, "failed", "s", error=e) for n, e in failed.items() if n != live]
        if live is not None:
            generations.append(GenerationStatus(live, "ready", "s", accepts=True))
        state = "failed" if live is None else "running"
        status = Status(1, state, "127.0.0.1", 5001, live, tuple(generations), "", candidate)
        files.write_json(folder / files.STATUS, status.to_json())

    # what a real one does by itself

    def decide(self, folder, state):
        """The time of the canary is over, or it was worse."""
        status = self.status(folder)
        error = Failure("canary", "worse") if state == "rejected" else None
        candidate = replace(status.candidate, state=state, error=error)
        live = candidate.generation if state == "promoted" else status.generation
        self.write(folder, live, {}, candidate)


_RUNS = "fake-supervisor"


@pytest.fixture
def at_once(monkeypatch, tmp_path):
    """Replace supervisors by one that does at once what it is told; a script with the word BAD fails."""
    fake = AtOnce()
    monkeypatch.setenv("MOORAGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MOORAGE_ENVIRONMENTS", "as-is")
    monkeypatch.setattr(daemon, "wake", fake.wake)
    monkeypatch.setattr(daemon, "end", fake.end)
    monkeypatch.setattr(daemon, "is_kept", fake.is_running)
    monkeypatch.setattr(target, "supervisor_pid", lambda folder: 1 if fake.is_running(folder) else None)
    return fake
