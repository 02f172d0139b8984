"""``mlflow models serve``."""

import json
import subprocess
from typing import Any

from benchmarks.servers.base import APPS, MODEL_LIBRARIES, Command, Request, Run, Server
from benchmarks.workloads import Workload


class MLflow(Server):
    peer = "mlflow"
    title = "MLflow models serve"
    requirements = ("mlflow", *MODEL_LIBRARIES)
    tasks = frozenset({"ridge", "floats"})
    start_timeout_s = 120.0

    def command(self, run: Run) -> Command:
        saved = run.folder / "model"
        source = run.model_dir / "ridge_model.pkl"
        subprocess.run(
            [run.python, APPS / "mlflow_save.py", source, saved], check=True, capture_output=True, timeout=120
        )
        options = ["--model-uri", str(saved), "--host", "127.0.0.1", "--port", str(run.port)]
        options += ["--workers", str(run.workers), "--env-manager", "local"]
        # It looks for uvicorn on the PATH.
        path = f"{run.python.parent}:/usr/bin:/bin"
        return Command([str(run.python), "-m", "mlflow", "models", "serve", *options], {"PATH": path})

    def request(self, workload: Workload) -> Request:
        return Request("/invocations", json.dumps({"inputs": workload.rows()}).encode())

    def answer(self, workload: Workload, text: str) -> Any:
        return json.loads(text)["predictions"]


SERVERS: tuple[Server, ...] = (MLflow(),)
