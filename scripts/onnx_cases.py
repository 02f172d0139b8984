"""Ask a service without a script the test cases that come with the package onnx, as JSON.

    python scripts/onnx_cases.py             all operators and models, one or two minutes
    python scripts/onnx_cases.py simple      only one kind of case

A case counts where ONNX Runtime itself gives the right answer on the CPU; a service must then give it, too.
"""

import json
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

KINDS = ("simple", "pytorch-operator", "pytorch-converted", "node")
SERVED, REFUSED, NOT_SUPPORTED, WRONG = "served", "refused", "not in ONNX Runtime", "wrong"
# Types that no request can carry; a service that gets such a model says so when it starts.
_REFUSALS = ("cannot be given in a request",)


@dataclass(frozen=True)
class Outcome:
    name: str
    status: str
    reason: str = ""


def outcomes(kind: str) -> Iterator[Outcome]:
    """Yield what became of each case of a kind."""
    import onnxruntime
    from onnx.backend.test.loader import load_model_tests

    onnxruntime.set_default_logger_severity(4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the references in numpy
        cases = load_model_tests(kind=kind)
    for case in cases:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield _outcome(case)


def _outcome(case: Any) -> Outcome:
    model, data_sets = _read(case)
    try:
        session = _session(model)
        names = [one.name for one in session.get_inputs()]
        outputs = [one.name for one in session.get_outputs()]
        for inputs, expected in data_sets:
            feeds = {n: v for n, v in zip(names, inputs, strict=False) if v is not None}
            for one, right in zip(session.run(outputs, feeds), expected, strict=True):
                _check(one, right, case)
    except Exception as error:
        return Outcome(
            case.name, NOT_SUPPORTED, str(error).strip().splitlines()[0][:120] if str(error) else ""
        )
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.onnx")
            path.write_bytes(model)
            service = _service(path)
        for inputs, expected in data_sets:
            answer = _ask(service, dict(zip(names, inputs, strict=False)))
            for name, right in zip(outputs, expected, strict=True):
                _check(_as(answer[name], right), right, case)
    except Exception as error:
        text = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        status = REFUSED if any(words in text for words in _REFUSALS) else WRONG
        return Outcome(case.name, status, text)
    return Outcome(case.name, SERVED)


def _read(case: Any) -> tuple[bytes, list[tuple[list[Any], list[Any]]]]:
    """Return the model of a case and its data sets, made or from files."""
    if case.model is not None:
        return case.model.SerializeToString(), case.data_sets
    import onnx

    folder = Path(case.model_dir)
    model = onnx.load(folder / "model.onnx")
    sets = []
    for place in sorted(folder.glob("test_data_set*")):
        pair = []
        for side, values in (("input", model.graph.input), ("output", model.graph.output)):
            found = [place / f"{side}_{index}.pb" for index in range(len(values))]
            pair.append(
                [_value(path, v.type) for path, v in zip(found, values, strict=True) if path.exists()]
            )
        sets.append((pair[0], pair[1]))
    return model.SerializeToString(), sets


def _value(path: Path, kind: Any) -> Any:
    import onnx
    from onnx import numpy_helper

    raw = path.read_bytes()
    if kind.HasField("sequence_type"):
        return numpy_helper.to_list(onnx.SequenceProto.FromString(raw))
    return numpy_helper.to_array(onnx.TensorProto.FromString(raw))


def _session(model: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _service(path: Path) -> Any:
    from moorage_server.nocode.model import Source
    from moorage_server.nocode.service import Deployment, Service

    service = Service()
    service.open(Deployment((Source("m", "1", str(path), "Onnx", None, {}, path.stat().st_size),)))
    return service


def _ask(service: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    from moorage_runtime.model_service import Request
    from moorage_server.nocode.tensors import plain

    body = json.dumps({"inputs": {name: plain(value) for name, value in inputs.items()}}).encode()
    answer = service.answer(Request("POST", "/score", "", {"content-type": "application/json"}, body))
    if answer.status != 200:
        raise AssertionError(answer.body.decode()[:300])
    outputs: dict[str, Any] = json.loads(answer.body)["outputs"]
    return outputs


def _as(got: Any, right: Any) -> Any:
    """Return an answer in JSON in the type that is expected."""
    if isinstance(right, list):
        return [_as(one, other) for one, other in zip(got, right, strict=True)]
    if not isinstance(right, np.ndarray) and not isinstance(right, np.generic):
        return got
    dtype = np.asarray(right).dtype
    if dtype.kind == "c":
        return np.array(got, dtype=float).view(complex)[..., 0] if np.size(got) else np.zeros(0, dtype)
    array = np.array(got, dtype=object if dtype.kind in "OSU" else dtype)
    return array.reshape(np.shape(right)) if not array.size else array


def _check(got: Any, right: Any, case: Any) -> None:
    if right is None or isinstance(right, list):
        if right is not None:
            assert len(got) == len(right)
            for one, other in zip(got, right, strict=True):
                _check(one, other, case)
        else:
            assert got is None
        return
    array, wanted = np.asarray(got), np.asarray(right)
    assert array.shape == wanted.shape, f"the shape is {array.shape}, not {wanted.shape}"
    if wanted.dtype.kind in "OSU":
        np.testing.assert_array_equal(array.astype(str), wanted.astype(str))
    else:
        np.testing.assert_allclose(array, wanted, rtol=max(case.rtol, 1e-3), atol=max(case.atol, 1e-5))


def main(kinds: list[str]) -> int:
    count: Counter[str] = Counter()
    for kind in kinds or KINDS:
        for outcome in outcomes(kind):
            count[outcome.status] += 1
            if outcome.status in (WRONG, REFUSED):
                print(f"{outcome.name}: {outcome.status}: {outcome.reason}", flush=True)
    print(", ".join(f"{number} {status}" for status, number in sorted(count.items())))
    return 1 if count[WRONG] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
