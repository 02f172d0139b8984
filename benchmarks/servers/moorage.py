"""Moorage as a deployment runs it: supervisor, front and scorers in a service folder of their own."""

import json
import sys

from benchmarks.servers.base import APPS, MODEL_LIBRARIES, REPOSITORY, Command, Run, Server
from benchmarks.workloads import Workload

# The seeds' script, with its import from sklearn.externals, is served as it stands.
SCRIPTS = {
    "ridge": REPOSITORY / "examples" / "diabetes" / "score.py",
    "floats": APPS / "init_run" / "floats.py",
    "frame": APPS / "init_run" / "frame.py",
    "raw": APPS / "init_run" / "raw.py",
    "slow": APPS / "init_run" / "slow.py",
}


class Moorage(Server):
    peer = "moorage"
    # As in a deployment, what the script imports is not where the server is: the environment of the others,
    # not that of the benchmarks, in which pandas keeps text in another way because of what else is there.
    requirements = MODEL_LIBRARIES
    is_outside = True

    def __init__(self, title: str, *, workers: int = 1, batching: bool = False) -> None:
        self.title = title
        self.workers = workers
        self.batching = batching

    def supports(self, workload: Workload) -> bool:
        if self.batching:
            return workload.key in "beg"
        if self.workers > 1:
            return workload.workers == self.workers
        return super().supports(workload) and not workload.batching

    def command(self, run: Run) -> Command:
        script = SCRIPTS[run.task]
        settings = {
            "name": "bench",
            "app_root": str(script.parent),
            "entry_script": script.name,
            "model_dir": str(run.model_dir),
            "python": str(run.python),
            "worker_count": run.workers,
            "max_batch_size": 64 if self.batching else 1,
        }
        revision = run.folder / "revisions" / "1"
        revision.mkdir(parents=True)
        (run.folder / "logs").mkdir()
        (revision / "service.json").write_text(json.dumps(settings))
        desired = {
            "generation": 1,
            "settings": "revisions/1/service.json",
            "host": "127.0.0.1",
            "port": run.port,
        }
        (run.folder / "desired.json").write_text(json.dumps(desired))
        return Command([sys.executable, "-m", "moorage_server.supervisor", str(run.folder)])


SERVERS: tuple[Server, ...] = (
    Moorage("Moorage"),
    Moorage("Moorage, batching", batching=True),
    Moorage("Moorage, 2 scorers", workers=2),
)
