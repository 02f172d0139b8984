"""LitServe, of the makers of PyTorch Lightning."""

from benchmarks.servers.base import APPS, MODEL_LIBRARIES, Command, Run, Server
from benchmarks.workloads import Workload


class LitServe(Server):
    peer = "litserve"
    title = "LitServe"
    requirements = ("litserve", *MODEL_LIBRARIES)
    tasks = frozenset({"ridge", "floats", "frame", "slow"})

    def command(self, run: Run) -> Command:
        batch_size = 64 if run.batching else 1
        return Command(
            [
                str(run.python),
                str(APPS / "litserve_app.py"),
                *map(str, (run.port, run.workers, batch_size)),
            ],
            {"BENCH_TASK": run.task, "BENCH_MODEL_DIR": str(run.model_dir)},
        )

    def path(self, workload: Workload) -> str:
        return "/predict"


SERVERS: tuple[Server, ...] = (LitServe(),)
