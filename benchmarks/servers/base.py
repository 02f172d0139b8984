"""What a server to be measured has to say of itself."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.workloads import Task, Workload

APPS = Path(__file__).resolve().parent.parent / "apps"
REPOSITORY = APPS.parent.parent
# What predicts is the same for all, release by release: only what is around it is compared.
MODEL_LIBRARIES = tuple(f"{name}=={version(name)}" for name in ("scikit-learn", "joblib", "pandas"))


@dataclass(frozen=True)
class Run:
    """One start of a server."""

    task: Task
    port: int
    workers: int
    batching: bool
    python: Path  # interpreter of the environment in which the server is installed
    model_dir: Path  # holds ridge_model.pkl, made by that interpreter
    folder: Path  # empty, for what the server writes


@dataclass(frozen=True)
class Command:
    arguments: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None  # where to run


@dataclass(frozen=True)
class Request:
    path: str
    body: bytes
    content_type: str = "application/json"


class Server(ABC):
    """A server with a certain number of workers; ``peer`` names its environment and its file here."""

    title: str
    peer: ClassVar[str]
    requirements: ClassVar[tuple[str, ...]] = ()  # of its environment; none: that of the benchmarks
    is_outside: ClassVar[bool] = False  # comes from this repository, not from its environment
    tasks: ClassVar[frozenset[Task]] = frozenset({"ridge", "floats", "frame", "raw", "slow"})
    workers: int = 1
    start_timeout_s: ClassVar[float] = 60.0
    readiness_path: ClassVar[str] = "/"

    def supports(self, workload: Workload) -> bool:
        """Whether the workload is measured with this server."""
        return workload.task in self.tasks and workload.workers <= self.workers

    @abstractmethod
    def command(self, run: Run) -> Command: ...

    def request(self, workload: Workload) -> Request:
        """Return what a client sends; the same content for all, in the form that the server wants."""
        rows = workload.rows()
        if workload.task == "raw":
            return Request(self.path(workload), rows, "application/octet-stream")
        return Request(self.path(workload), json.dumps({"data": rows}).encode())

    def path(self, workload: Workload) -> str:
        return "/score"

    def answer(self, workload: Workload, text: str) -> Any:
        """Return the numbers in an answer, to be compared with the right ones."""
        return json.loads(text)
