"""Models without a script beside others' ways to serve the same file: python -m benchmarks.nocode.

A Ridge and a forest of 100 trees, one row and a thousand rows; then an ONNX network at 16 connections, beside
what ONNX Runtime alone and a constant HTTP answer take one after the other.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np

from benchmarks import environments, wrk
from benchmarks.processes import DidNotStart, free_port, running
from benchmarks.servers import azureml, base, bentoml, ceilings, mlserver
from benchmarks.workloads import rows_of_integers

TRAIN = """\
import sys, joblib
from pathlib import Path
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
kinds = {"ridge": Ridge(), "forest": RandomForestRegressor(100, random_state=0)}
for name, model in kinds.items():
    folder = Path(sys.argv[1], name)
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model.fit(*load_diabetes(return_X_y=True)), folder / "ridge_model.pkl")
"""
ROWS, HIDDEN = 10, 64
# What is aimed at: by whom, how many times as many requests per second with one row of ten numbers; and the
# share of ONNX Runtime and a constant answer taken in turn.
TARGETS = {"azureml": 12.0, "mlserver": 5.0, "bentoml": 12.0}
SHARE = 0.8


@dataclass(frozen=True)
class Case:
    """What is asked: a model, how many rows, over how many connections."""

    title: str
    model: str
    rows: int
    connections: int


CASES = (
    Case("Ridge, 1x10", "ridge", 1, 16),
    Case("Ridge, 1000x10", "ridge", 1000, 4),
    Case("forest of 100 trees, 1x10", "forest", 1, 16),
    Case("forest of 100 trees, 1000x10", "forest", 1000, 4),
)


class WithoutScript(base.Server):
    """Moorage, as `moor model deploy -n name -m model:1` sets a service up."""

    peer = "moorage"
    name = "Moorage, without a script"

    def __init__(self, framework: str = "ScikitLearn", file: str = "ridge_model.pkl") -> None:
        self.title = self.name
        self._framework, self._file = framework, file

    def command(self, run: base.Run) -> base.Command:
        from moorage_server import nocode

        script = Path(nocode.__file__).with_name("moorage_no_code.py")
        revision = run.folder / "revisions" / "1"
        app = revision / "app"
        app.mkdir(parents=True)
        (run.folder / "logs").mkdir()
        (app / script.name).write_text(script.read_text())
        model = {"name": "m", "version": "1", "path": str(run.model_dir / self._file)}
        content = {"models": [{**model, "framework": self._framework}]}
        settings = {
            "name": "bench",
            "app_root": str(app),
            "entry_script": script.name,
            "python": sys.executable,
            "environment": {"MOORAGE_NO_CODE": json.dumps(content)},
        }
        (revision / "service.json").write_text(json.dumps(settings))
        desired = {"generation": 1, "settings": "revisions/1/service.json", "host": "127.0.0.1"}
        (run.folder / "desired.json").write_text(json.dumps({**desired, "port": run.port}))
        return base.Command([sys.executable, "-m", "moorage_server.supervisor", str(run.folder)])


def servers() -> tuple[base.Server, ...]:
    """Return who is measured with scikit-learn models."""
    return (WithoutScript(), azureml.AzureML(1), *mlserver.SERVERS, *bentoml.SERVERS)


def request_for(server: base.Server, rows: list[list[float]]) -> base.Request:
    """Return the request for some rows in the form that the server wants."""
    if isinstance(server, mlserver.MLServer):
        flat = [number for row in rows for number in row]
        tensor = {"name": "data", "shape": [len(rows), ROWS], "datatype": "FP64", "data": flat}
        body = {"inputs": [tensor]}
        return base.Request("/v2/models/model/infer", json.dumps(body).encode())
    path = server.path(base_workload())
    return base.Request(path, json.dumps({"data": rows}).encode())


def base_workload() -> Any:
    """Return the workload whose address the others answer at."""
    from benchmarks.workloads import BY_KEY

    return BY_KEY["b"]


def numbers(text: str) -> Any:
    """Return the predictions in an answer, whatever is around them."""
    value = json.loads(text)
    while isinstance(value, dict):
        value = value["outputs"][0]["data"] if "outputs" in value else next(iter(value.values()))
    return np.ravel(value)


def measured(server: base.Server, models: Path, python: Path, seconds: float) -> Iterator[tuple[Case, float]]:
    """Yield requests per second for every case; a wrong answer ends the server's turn."""
    right: dict[str, Any] = {}
    for model in ("ridge", "forest"):
        cases = [case for case in CASES if case.model == model]
        with tempfile.TemporaryDirectory(prefix="moorage-bench-") as name:
            folder, service = Path(name), Path(name, "service")
            service.mkdir()
            port = free_port()
            run = base.Run("ridge", port, 1, False, python, models / model, service)
            first = request_for(server, rows_of_integers(1))
            with running(server.command(run), port, first, folder / "log", server.start_timeout_s) as live:
                for case in cases:
                    rows = rows_of_integers(case.rows)
                    request = request_for(server, rows)
                    answer = httpx.post(
                        live.address + request.path,
                        content=request.body,
                        headers={"Content-Type": request.content_type},
                        timeout=30,
                    )
                    seen = numbers(answer.raise_for_status().text)
                    expected = right.setdefault(case.title, predictions(model, rows))
                    if not np.allclose(seen, expected, rtol=1e-5):
                        raise DidNotStart(f"{server.title} answers {case.title} wrongly")
                    wrk.load(live.address, request, case.connections, 1, folder)
                    seen_load = wrk.load(live.address, request, case.connections, seconds, folder)
                    yield case, seen_load.requests_per_s


def predictions(model: str, rows: list[list[float]]) -> Any:
    """Return the right answers, by the same scikit-learn as that of all servers."""
    from sklearn.datasets import load_diabetes
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import Ridge

    made = Ridge() if model == "ridge" else RandomForestRegressor(100, random_state=0)
    return made.fit(*load_diabetes(return_X_y=True)).predict(rows)


# ONNX


def network(path: Path) -> None:
    """Save a network of 10, 64, 64 and 1 units."""
    from onnx import TensorProto, helper, numpy_helper, save_model

    random = np.random.default_rng(0)
    sizes = (ROWS, HIDDEN, HIDDEN, 1)
    nodes, constants, last = [], [], "x"
    for index, (before, after) in enumerate(pairwise(sizes)):
        weights = random.normal(size=(before, after)).astype(np.float32)
        constants.append(numpy_helper.from_array(weights, f"w{index}"))
        nodes.append(helper.make_node("MatMul", [last, f"w{index}"], [f"m{index}"]))
        last = f"r{index}" if after > 1 else "y"
        nodes.append(helper.make_node("Relu" if after > 1 else "Identity", [f"m{index}"], [last]))
    value = helper.make_tensor_value_info
    inputs = [value("x", TensorProto.FLOAT, ["n", ROWS])]
    outputs = [value("y", TensorProto.FLOAT, ["n", 1])]
    graph = helper.make_graph(nodes, "network", inputs, outputs, constants)
    opsets = [helper.make_opsetid("", 17)]
    save_model(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


def bare_runs_per_s(path: Path, seconds: float) -> float:
    """Return how often ONNX Runtime alone runs one row per second, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    row = {"x": np.array(rows_of_integers(1), np.float32)}
    count, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        session.run(["y"], row)
        count += 1
    return count / elapsed


def measured_network(seconds: float) -> dict[str, float]:
    """Return requests per second at 16 connections: a constant answer, both in turn, a service."""
    request = base.Request("/score", json.dumps({"data": rows_of_integers(1)}).encode())
    seen: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="moorage-bench-") as name:
        folder = Path(name)
        network(folder / "model.onnx")
        bare = bare_runs_per_s(folder / "model.onnx", seconds)
        for server in (ceilings.Constant(), WithoutScript("Onnx", "model.onnx")):
            service = folder / f"service-{server.peer}"
            service.mkdir()
            port = free_port()
            run = base.Run("ridge", port, 1, False, Path(sys.executable), folder, service)
            with running(server.command(run), port, request, folder / "log", 60) as live:
                wrk.load(live.address, request, 16, 1, folder)
                seen[server.title] = wrk.load(live.address, request, 16, seconds, folder).requests_per_s
    constant = seen[ceilings.Constant.title]
    seen["both in turn"] = 1 / (1 / constant + 1 / bare)
    seen["ONNX Runtime alone, without HTTP"] = bare
    return seen


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.nocode", description="Models without a script."
    )
    parser.add_argument("--quick", action="store_true", help="one short round, without the other servers")
    parser.add_argument("--rounds", type=int)
    options = parser.parse_args()
    if not wrk.is_installed():
        print("wrk, which makes the load, is not installed: models without a script are not measured")
        return 0
    # All of it in less than five minutes: four servers, each started twice in a round.
    seconds, rounds = (2, 1) if options.quick else (3, options.rounds or 2)
    figures: dict[str, dict[str, list[float]]] = {}
    peers: dict[str, str] = {}
    for server in servers()[: 2 if options.quick else None]:
        peers[server.title] = server.peer
        try:
            python = environments.python_for(server)
            models = environments.PEERS / server.peer / "no-code"
            subprocess.run([python, "-c", TRAIN, models], check=True, timeout=120)
            for _ in range(rounds):
                for case, per_s in measured(server, models, python, seconds):
                    figures.setdefault(server.title, {}).setdefault(case.title, []).append(per_s)
        except (
            environments.CannotBeInstalled,
            DidNotStart,
            httpx.HTTPError,
            subprocess.SubprocessError,
        ) as error:
            print(f"{server.title}: {error}", file=sys.stderr)
    print(f"\nRequests per second, {rounds} round(s) of {seconds} s\n")
    print("| | " + " | ".join(case.title for case in CASES) + " |")
    print("|---|" + "---:|" * len(CASES))
    for title, row in figures.items():
        cells = [f"{median(row[case.title]):,.0f}" if case.title in row else "" for case in CASES]
        print(f"| {title} | {' | '.join(cells)} |")
    turns = [measured_network(seconds) for _ in range(rounds)]
    seen = {title: median(turn[title] for turn in turns) for title in turns[0]}
    print("\nONNX network, 1x10, 16 connections\n")
    for title, per_s in seen.items():
        print(f"- {title}: {per_s:,.0f}/s")
    print("\nAgainst the targets\n")
    for line in verdicts(figures, peers, seen):
        print(f"- {line}")
    return 0


def verdicts(
    figures: dict[str, dict[str, list[float]]], peers: dict[str, str], network: dict[str, float]
) -> Iterator[str]:
    """Yield a line for each target: what was reached, and whether that is enough.

    ``peers`` gives the peer of each title in ``figures``; ``network`` is what `measured_network` returns.
    """
    ours = figures.get(WithoutScript.name, {})
    for case in (case for case in CASES if case.title in ours):
        for title, row in figures.items():
            if title == WithoutScript.name or case.title not in row:
                continue
            times = median(ours[case.title]) / median(row[case.title])
            target = TARGETS.get(peers[title]) if case.rows == 1 else None
            yield f"{case.title}: {times:.1f} times {title}{_against(times, target, '{:g} times')}"
    share = network[WithoutScript.name] / network["both in turn"]
    text = f"ONNX network: {share:.0%} of ONNX Runtime and a constant answer in turn"
    yield text + _against(share, SHARE, "{:.0%}")


def _against(reached: float, target: float | None, form: str) -> str:
    if target is None:
        return ""
    return f" (target {form.format(target)}: {'reached' if reached >= target else 'MISSED'})"


if __name__ == "__main__":
    sys.exit(main())
