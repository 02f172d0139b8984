"""azureml-inference-server-http, the server that the scripts were written for.

Its scripts differ from Moorage's in one line: ``from sklearn.externals import joblib`` became
``import joblib``, because today's scikit-learn has no ``sklearn.externals`` any more.
"""

from benchmarks.servers.base import APPS, MODEL_LIBRARIES, Command, Run, Server
from benchmarks.workloads import Workload


class AzureML(Server):
    peer = "azureml"
    requirements = (
        "azureml-inference-server-http",
        "inference-schema[numpy-support,pandas-support]",
        *MODEL_LIBRARIES,
    )

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.title = f"azureml-inference-server-http, {workers} worker{'s' if workers > 1 else ''}"

    def supports(self, workload: Workload) -> bool:
        # With two workers it is the yardstick for a machine with two cores, too.
        return workload.workers == 1 or self.workers == workload.workers

    def command(self, run: Run) -> Command:
        script = APPS / "init_run" / f"{run.task}.py"
        server = run.python.parent / "azmlinfsrv"
        return Command(
            [
                str(server),
                *("--entry_script", str(script)),
                *("--model_dir", str(run.model_dir)),
                *("--port", str(run.port)),
                *("--worker_count", str(run.workers)),
            ]
        )


SERVERS: tuple[Server, ...] = (AzureML(1), AzureML(2))
