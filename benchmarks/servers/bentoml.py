"""BentoML."""

from benchmarks.servers.base import APPS, MODEL_LIBRARIES, Command, Run, Server
from benchmarks.workloads import Workload


class BentoML(Server):
    peer = "bentoml"
    title = "BentoML"
    requirements = ("bentoml", *MODEL_LIBRARIES)
    tasks = frozenset({"ridge", "floats", "frame", "slow"})

    def command(self, run: Run) -> Command:
        options = ["--host", "127.0.0.1", "--port", str(run.port), "--working-dir", str(APPS)]
        return Command(
            [str(run.python), "-m", "bentoml", "serve", "bentoml_app:Score", *options],
            {
                "BENCH_TASK": run.task,
                "BENCH_MODEL_DIR": str(run.model_dir),
                "BENCH_WORKERS": str(run.workers),
                "BENCH_BATCHING": str(int(run.batching)),
                "BENTOML_HOME": str(run.folder),
                "BENTOML_DO_NOT_TRACK": "True",
            },
        )

    def path(self, workload: Workload) -> str:
        return "/frame" if workload.task == "frame" else "/score"


SERVERS: tuple[Server, ...] = (BentoML(),)
