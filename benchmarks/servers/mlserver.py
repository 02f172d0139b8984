"""MLServer, with its runtime for scikit-learn and the Open Inference Protocol (V2)."""

import json
from typing import Any

from benchmarks.servers.base import APPS, MODEL_LIBRARIES, Command, Request, Run, Server
from benchmarks.workloads import Workload


class MLServer(Server):
    peer = "mlserver"
    title = "MLServer"
    requirements = ("mlserver", "mlserver-sklearn", *MODEL_LIBRARIES)
    tasks = frozenset({"ridge", "floats", "slow"})

    def command(self, run: Run) -> Command:
        # No pool of workers: with one worker the model is fastest in the server's own process.
        settings = {
            "http_port": run.port,
            "grpc_port": 0,
            "metrics_port": 0,
            "metrics_endpoint": None,
            "host": "127.0.0.1",
            "debug": False,
            "parallel_workers": 0,
        }
        model = {
            "name": "model",
            "implementation": "mlserver_app.Slow" if run.task == "slow" else "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": str(run.model_dir / "ridge_model.pkl")},
            "max_batch_size": 64 if run.batching else 0,
            "max_batch_time": 0.001 if run.batching else 0,
        }
        (run.folder / "settings.json").write_text(json.dumps(settings))
        (run.folder / "model-settings.json").write_text(json.dumps(model))
        return Command(
            [str(run.python.parent / "mlserver"), "start", str(run.folder)],
            {"BENCH_TASK": run.task, "BENCH_MODEL_DIR": str(run.model_dir), "PYTHONPATH": str(APPS)},
            run.folder,
        )

    def request(self, workload: Workload) -> Request:
        rows = workload.rows()
        flat = [number for row in rows for number in row]
        data = {"name": "data", "shape": [len(rows), 10], "datatype": "FP64", "data": flat}
        return Request("/v2/models/model/infer", json.dumps({"inputs": [data]}).encode())

    def answer(self, workload: Workload, text: str) -> Any:
        return json.loads(text)["outputs"][0]["data"]


SERVERS: tuple[Server, ...] = (MLServer(),)
