"""Models in memory, asked without a server: what the entry script of a deployment without a script does."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moorage_runtime.model_service import Answer, Request

pytest.importorskip("onnxruntime", reason="models without a script need moorage-server[onnx]")


@dataclass
class Asked:
    """A service and ways to ask it."""

    service: Any

    @property
    def model(self) -> Any:
        return self.service.first

    def ask(
        self,
        body: Any,
        path: str = "/score",
        query: str = "",
        kind: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"content-type": kind, **(headers or {})}
        return self.service.answer(Request("POST", path, query, given, raw))

    def score(self, body: Any, **options: Any) -> Any:
        """Return the decoded answer; it has to be a good one."""
        answer = self.ask(body, **options)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def refusal(self, body: Any, status: int = 400, **options: Any) -> str:
        """Return the message of an answer that has to be a refusal."""
        answer = self.ask(body, **options)
        assert answer.status == status, answer.body
        content = json.loads(answer.body)
        assert len(content) == 1
        return str(content.get("message") or content["error"])

    def get(self, path: str) -> Any:
        answer = self.service.answer(Request("GET", path, "", {}, b""))
        assert answer.status == 200, answer.body
        return json.loads(answer.body)


@pytest.fixture
def serve() -> Callable[..., Asked]:
    """Return a function that serves a model file: ``serve(path, "Onnx", option=value)``."""
    from moorage_server.nocode.model import Source
    from moorage_server.nocode.service import Deployment, Service

    def made(path: Path, framework: str | None, cache: Path | None = None, **options: str) -> Asked:
        named = {name.replace("__", "."): value for name, value in options.items()}
        service = Service()
        size = path.stat().st_size
        source = Source("model", "1", str(path), framework, None, named, size)
        service.open(Deployment((source,)), cache)
        return Asked(service)

    return made


@pytest.fixture
def fit(tmp_path: Path) -> Callable[..., tuple[Path, Any, Any]]:
    """Return a function that fits an estimator on the diabetes or iris data, and saves it with joblib."""

    def made(estimator: Any, data: str = "diabetes") -> tuple[Path, Any, Any]:
        import joblib
        from sklearn import datasets

        rows, target = getattr(datasets, f"load_{data}")(return_X_y=True)
        estimator.fit(rows, target)
        path = tmp_path / "model.pkl"
        joblib.dump(estimator, path)
        return path, estimator, rows[::30]

    return made


@pytest.fixture
def graph(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that saves an ONNX graph: ``graph(nodes, inputs, outputs, constants)``.

    Inputs and outputs are (name, type, shape), or a ready description of the value.
    """
    from onnx import TensorProto, helper, numpy_helper, save_model

    def value(one: Any) -> Any:
        if not isinstance(one, tuple):
            return one
        name, kind, shape = one
        return helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape)

    def made(
        nodes: list[Any], inputs: list[Any], outputs: list[Any], name: str = "model.onnx", **more: Any
    ) -> Path:
        constants = [numpy_helper.from_array(np.asarray(v), k) for k, v in more.pop("constants", {}).items()]
        opset = more.pop("opset", 18)
        built = helper.make_graph(nodes, "g", [*map(value, inputs)], [*map(value, outputs)], constants)
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
        path = tmp_path / name
        save_model(helper.make_model(built, opset_imports=opsets, ir_version=more.pop("ir", 9)), path)
        return path

    return made
