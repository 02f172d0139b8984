"""How long it takes from the bytes of a request to the argument of ``run``.

    python -m benchmarks.conversion            all cases, about two minutes
    python -m benchmarks.conversion --quick    about twenty seconds

The same entry functions are decorated once with Moorage and once with the real ``inference-schema``
package, each in a process of its own; the two take turns for some rounds, and the best round counts.
Figures are processor time, so that other work on the machine disturbs less. ``inference-schema``
lives in an environment under ``.cache/`` with the numpy and pandas of this one. "front" is the way through
the server: JSON text to buffers in the front, buffers to array or frame in the scorer.
"""

import argparse
import json
import subprocess
import sys
import time
import timeit
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
REFERENCE = REPOSITORY / ".cache" / "schema-reference"
CASES = {
    "numpy 1x10": (1, 10, "numpy"),
    "numpy 1000x10": (1000, 10, "numpy"),
    "numpy 100x784": (100, 784, "numpy"),
    "pandas 1x10 mixed": (1, 10, "pandas"),
    "pandas 1000x10 mixed": (1000, 10, "pandas"),
}
# What is asked of us: at least so many times faster than inference-schema.
WANTED = {
    "numpy 1x10": 2,
    "numpy 1000x10": 12,
    "numpy 100x784": 8,
    "pandas 1x10 mixed": 5,
    "pandas 1000x10 mixed": 3,
}


def rows_of(name: str) -> Any:
    """Return the value of the parameter: lists of numbers, or records of numbers and text."""
    rows, columns, library = CASES[name]
    if library == "numpy":
        return [[(row * 31 + column * 7) % 997 / 8 for column in range(columns)] for row in range(rows)]
    kinds: list[Callable[[int], Any]] = [
        lambda n: n / 8,
        lambda n: n,
        lambda n: f"text {n}",
        lambda n: n % 2 == 0,
    ]
    return [
        {f"column_{column}": kinds[column % 4](row * 31 + column) for column in range(columns)}
        for row in range(rows)
    ]


def decorated(name: str) -> Callable[..., Any]:
    """Return ``run`` with the schema of a case, from whichever ``inference_schema`` is importable."""
    from inference_schema.schema_decorators import input_schema

    _rows, columns, library = CASES[name]
    if library == "numpy":
        import numpy

        from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType

        kind: Any = NumpyParameterType(numpy.zeros((1, columns)))
    else:
        import pandas

        from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType

        kind = PandasParameterType(pandas.DataFrame(rows_of(name)[:1]))

    @input_schema("data", kind)
    def run(data: Any) -> Any:
        return data

    return run


def from_json(name: str) -> Callable[[], Any]:
    """Return what a scorer does with JSON text: parse, call ``run`` by keyword."""
    run, body, loads = decorated(name), body_of(name), json.loads
    result = run(**loads(body))
    assert result.shape == CASES[name][:2]
    return lambda: run(**loads(body))


def through_front(name: str) -> Callable[[], Any]:
    """Return what the front and the scorer do together."""
    way = array_through_front if CASES[name][2] == "numpy" else table_through_front
    return way(name)


def array_through_front(name: str) -> Callable[[], Any]:
    import numpy

    from moorage_runtime import frames
    from moorage_runtime.schema import array_input
    from moorage_server.description import ArrayInput
    from moorage_server.fastjson import ArrayDecoder

    run, body = decorated(name), body_of(name)
    facts = array_input(run)
    assert facts is not None
    decoder = ArrayDecoder(
        ArrayInput(facts["parameter"], facts["type"], tuple(facts["shape"]), facts["enforce_shape"])
    )
    dtype = numpy.dtype(facts["type"])

    def convert() -> Any:
        payload = decoder.decode(body)
        assert payload is not None
        _, shape, data = frames.unpack_array(payload)
        return run(data=numpy.ndarray(shape, dtype, data).copy())

    assert convert().tolist() == rows_of(name)
    return convert


def table_through_front(name: str) -> Callable[[], Any]:
    from moorage_runtime.schema.description import find_description
    from moorage_runtime.schema.pandas_tables import TableReader
    from moorage_server.description import TableInput
    from moorage_server.fasttables import TableDecoder

    run, body = decorated(name), body_of(name)
    description = find_description(run)
    assert description is not None
    reader = TableReader.of(description.inputs["data"].type)
    assert reader is not None
    decoder = TableDecoder(TableInput("data", tuple(reader.columns)))

    def convert() -> Any:
        payload = decoder.decode(body)
        assert payload is not None
        return run(data=reader.read(payload))

    assert convert().to_dict("records") == rows_of(name)
    return convert


def body_of(name: str) -> bytes:
    return json.dumps({"data": rows_of(name)}).encode()


def only_parse(name: str) -> Callable[[], Any]:
    body, loads = body_of(name), json.loads
    return lambda: loads(body)


def measure_us(call: Callable[[], Any], seconds: float) -> float:
    """Return the best time of one call in microseconds of processor time."""
    once = max(timeit.timeit(call, number=3, timer=time.process_time) / 3, 1e-7)
    number = max(1, int(0.02 / once))
    repeat = max(3, int(seconds / (once * number)))
    return min(timeit.repeat(call, number=number, repeat=repeat, timer=time.process_time)) / number * 1e6


def answer_questions() -> None:
    """Measure what is asked for on standard input, one JSON line for each, until it ends."""
    ways = {"json.loads": only_parse, "run": from_json, "front": through_front}
    ready: dict[tuple[str, str], Callable[[], Any]] = {}
    for line in sys.stdin:
        question = json.loads(line)
        key = (question["way"], question["case"])
        if key not in ready:
            ready[key] = ways[question["way"]](question["case"])
        print(json.dumps(measure_us(ready[key], question["seconds"])), flush=True)


class Worker:
    """A process that measures with one of the two packages."""

    def __init__(self, python: Path) -> None:
        self._process = subprocess.Popen(
            [str(python), str(Path(__file__).resolve()), "--worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, way: str, case: str, seconds: float) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(
            json.dumps({"way": way, "case": case, "seconds": seconds}), file=self._process.stdin, flush=True
        )
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the measuring process ended with {self._process.wait(10)}")
        return float(answer)

    def close(self) -> None:
        self._process.communicate(timeout=30)


def reference_python() -> Path:
    """Return the interpreter that has ``inference-schema``, after installing it if necessary."""
    python = REFERENCE / "bin" / "python"
    if not python.exists():
        uv = str(Path(sys.executable).parent / "uv")
        wanted = [f"{name}=={metadata.version(name)}" for name in ("numpy", "pandas")]
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(REFERENCE)], check=True)
        # Its release of 2024 imports a module of setuptools that newer ones lack.
        packages = ["inference-schema==1.8", "setuptools<80", *wanted]
        command = [uv, "pip", "install", "--quiet", "--python", str(python), *packages]
        subprocess.run(command, check=True)
    return python


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.conversion", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        answer_questions()
        return 0
    rounds, seconds = (2, 0.3) if options.quick else (5, 0.8)
    ours, reference = Worker(Path(sys.executable)), Worker(reference_python())
    try:
        report(take_turns(ours, reference, rounds, seconds))
    finally:
        ours.close()
        reference.close()
    return 0


def take_turns(ours: Worker, reference: Worker, rounds: int, seconds: float) -> dict[tuple[str, str], float]:
    """Return the best time for every case and way, in microseconds."""
    best: dict[tuple[str, str], float] = {}
    for _ in range(rounds):
        for case in CASES:
            for way in ("json.loads", "run", "front", "inference-schema"):
                worker, asked = (reference, "run") if way == "inference-schema" else (ours, way)
                time_us = worker.ask(asked, case, seconds)
                best[case, way] = min(time_us, best.get((case, way), time_us))
    return best


def report(best: dict[tuple[str, str], float]) -> None:
    print("From the bytes of a request to the argument of run(), microseconds of processor time\n")
    print("| case | json.loads | inference-schema | scorer alone | front and scorer | ratio | wanted |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for case in CASES:
        reference, scorer, front = (
            best[case, "inference-schema"],
            best[case, "run"],
            best[case, "front"],
        )
        ratio = reference / min(scorer, front)
        texts = [f"{cell:,.1f}" for cell in (best[case, "json.loads"], reference, scorer, front)]
        print(f"| {case} | {' | '.join(texts)} | {ratio:.1f}x | {WANTED[case]}x |")


if __name__ == "__main__":
    sys.exit(main())
