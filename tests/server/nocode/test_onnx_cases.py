"""Test cases of the package onnx as requests; `make graphs` takes all of them, some 1,900."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def cases():
    spec = importlib.util.spec_from_file_location("onnx_cases", ROOT / "scripts" / "onnx_cases.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["onnx_cases"] = module  # its dataclass looks itself up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["onnx_cases"]


@pytest.mark.parametrize(("kind", "least"), [("simple", 10), ("pytorch-operator", 20)])
def test_what_onnx_runtime_answers_a_service_answers(cases, kind, least):
    found = list(cases.outcomes(kind))
    assert [one for one in found if one.status == cases.WRONG] == []
    assert sum(one.status == cases.SERVED for one in found) >= least


def test_a_wrong_answer_is_noticed(cases, monkeypatch):
    ask = cases._ask
    monkeypatch.setattr(cases, "_ask", lambda *a: {n: [1e9] for n in ask(*a)})
    assert any(one.status == cases.WRONG for one in cases.outcomes("pytorch-operator"))
