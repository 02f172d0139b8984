"""What every fault needs: a workspace of its own with a service, and the checks that nothing was lost."""

import contextlib
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moorage import models, services
from moorage.deployments import InferenceConfig, LocalConfig
from moorage.errors import MoorageError
from moorage.workspace import Workspace
from moorage_server.supervision import files, lock, orphans

RATE = 200.0
ANSWERS_WITHIN_S = 5.0
DEADLINE_S = 60.0

ECHO = """
import os

def init():
    global answer
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.txt")) as file:
        answer = file.read()

def run(data):
    return {"answer": answer, "pid": os.getpid()}
"""


@dataclass
class Report:
    """One line of the table. ``may_fail``: so many requests were running in what was killed."""

    fault: str
    injected: int = 0
    sent: int = 0
    failed: int = 0
    reset: int = 0
    may_fail: int = 0
    longest_gap_s: float = 0.0
    lost: list[str] = field(default_factory=list)
    note: str = ""

    @property
    def is_good(self) -> bool:
        return not self.lost and self.failed + self.reset <= self.may_fail


class Stage:
    """A workspace with two versions of a model, and a random number generator whose seed is printed."""

    def __init__(self, home: Path, seconds: float, seed: int) -> None:
        self.home, self.seconds, self.random = home, seconds, random.Random(seed)
        self.workspace = Workspace.create("chaos", home=home)
        self.script_folder = home / "scripts"
        self.script_folder.mkdir(parents=True)
        for text in ("one", "two"):
            path = home / "model.txt"
            path.write_text(text)
            models.register(self.workspace, path, "m")

    def script(self, text: str = ECHO, name: str = "score.py") -> InferenceConfig:
        path = self.script_folder / name
        path.write_text(text)
        return InferenceConfig(entry_script=path)

    def deploy(self, name: str = "svc", text: str = ECHO, **config: Any) -> services.Service:
        script = self.script(text, f"{name}.py")
        return services.deploy(self.workspace, name, ["m:1"], script, LocalConfig(**config))

    def folder(self, name: str = "svc") -> Path:
        return self.workspace.path / "services" / name

    def generation(self, name: str = "svc") -> dict[str, Any]:
        """Return what the supervisor says of the generation that serves."""
        status = files.read_json(self.folder(name) / files.STATUS) or {}
        live = [g for g in status.get("generations", ()) if g["number"] == status.get("generation")]
        return live[0] if live else {}

    def until(self, condition: Callable[[], Any], what: str, within_s: float = DEADLINE_S) -> Any:
        deadline = time.monotonic() + within_s
        while True:
            with contextlib.suppress(MoorageError, KeyError, IndexError, json.JSONDecodeError):
                value = condition()
                if value:
                    return value
            if time.monotonic() >= deadline:
                raise AssertionError(f"{what} did not come true within {within_s:g} s")
            time.sleep(0.02)

    def until_healthy(self, name: str = "svc") -> None:
        self.until(lambda: services.get(self.workspace, name).state == "Healthy", f"{name} is healthy")

    def losses(self, name: str | None = "svc") -> list[str]:
        """Return what is not as it should be: the service, the models, their contents."""
        found = []
        if name is not None:
            try:
                self.until_healthy(name)
                status = services.run(self.workspace, name, "1").status
                if status != 200:
                    found.append(f"{name} answers {status}")
            except (AssertionError, MoorageError) as error:
                found.append(f"{name}: {error}")
        kept = models.list_models(self.workspace)
        versions = sorted(model.version for model in kept if model.name == "m")
        if versions[:2] != [1, 2] or len(set(versions)) != len(versions):
            found.append(f"versions of m: {versions}")
        for model in kept:
            for file in model.files:
                try:
                    self.workspace.blobs.verify(file.sha256)
                except MoorageError as error:
                    found.append(f"{model.id}: {error}")
        return found

    def end(self, name: str) -> list[str]:
        """Delete a service and return what is left of it."""
        services.delete(self.workspace, name)
        left = orphans.marked(orphans.mark(self.folder(name)))
        found = [f"{len(left)} processes of {name}"] if left else []
        if lock.keeper_pid(self.folder(name)) or self.folder(name).exists():
            found.append(f"the keeper or the folder of {name}")
        return found

    def close(self) -> None:
        """End everything, whatever happened before."""
        for folder in (self.workspace.path / "services").glob("[a-z]*"):
            with contextlib.suppress(MoorageError, OSError):
                services.delete(self.workspace, folder.name)
        self.workspace.close()
