"""The schema examples of the published Azure ML articles, run as they stand.

The articles are not part of the repository: they are looked for beside the checkout.
"""

import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from moorage_runtime.schema import build_documents, get_input_schema, get_output_schema, power_bi

pd = pytest.importorskip("pandas")

ARTICLES = Path(__file__).resolve().parents[4] / "shared" / "seeds"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
# The stand-ins that a scorer offers, as far as these scripts go.
STAND_INS = {
    "sklearn": {},
    "sklearn.externals": {"joblib": types.SimpleNamespace(load=None)},
    "sklearn.linear_model": {"Ridge": object},
    "azureml": {},
    "azureml.train": {},
    "azureml.train.automl": {},
    "azureml.core": {},
    "azureml.core.model": {"Model": object},
    "inference_schema": {},
    "inference_schema.parameter_types": {},
}
OLD_MODULES = {
    "schema_decorators": "decorators",
    "parameter_types.numpy_parameter_type": "numpy_type",
    "parameter_types.pandas_parameter_type": "pandas_type",
    "parameter_types.standard_py_parameter_type": "standard_type",
}


def scripts():
    found = []
    for article in sorted(ARTICLES.glob("*.txt")) if ARTICLES.is_dir() else []:
        blocks = BLOCK.findall(article.read_text(encoding="utf-8"))
        decorated = [block for block in blocks if "@input_schema(" in block]
        found += [pytest.param(block, id=f"{article.stem[:3]}-{n}") for n, block in enumerate(decorated)]
    return found


SCRIPTS = scripts()
needs_articles = pytest.mark.skipif(not SCRIPTS, reason="the articles are not beside this checkout")


class Echo:
    """A model that gives back the first column, whatever it gets."""

    def predict(self, data):
        return np.asarray(data)[:, 0]


@pytest.fixture
def load(monkeypatch):
    """Return a function that imports a script of an article with the stand-ins in place."""
    for name, content in STAND_INS.items():
        module = types.ModuleType(name)
        module.__path__ = []
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    for old, new in OLD_MODULES.items():
        current = __import__("moorage_runtime.schema." + new, fromlist=["*"])
        monkeypatch.setitem(sys.modules, "inference_schema." + old, current)

    def load_script(text):
        namespace = {"__name__": "score"}
        exec(compile(text, "score.py", "exec"), namespace)
        namespace["model"] = Echo()
        return namespace["run"]

    return load_script


@needs_articles
@pytest.mark.parametrize("text", SCRIPTS)
def test_every_example_answers_its_own_sample(load, text) -> None:
    run = load(text)
    body = get_input_schema(run)["example"]
    result = run(**body)
    # The scripts catch everything and return the text of it: a list means that it worked.
    assert isinstance(result, list), result
    documents = build_documents(run, "myservice", "1.0", "")
    assert list(documents) == ["2", "3", "3.1"]


@needs_articles
@pytest.mark.parametrize("text", [script for script in SCRIPTS if "Inputs" in script.values[0]])
def test_power_bi_finds_the_examples_with_inputs(load, text) -> None:
    run = load(text)
    body = get_input_schema(run)["example"]
    assert list(body) == ["Inputs", "GlobalParameters"]
    assert run(**body) == [1.0, 10.0]
    assert get_output_schema(run)["example"] == {"Results": [1.0, 1.0]}
    findings = power_bi.check(run)
    assert [f.severity for f in findings] == ["note"] * len(findings)


@needs_articles
@pytest.mark.parametrize("text", [script for script in SCRIPTS if "'inputs'" in script.values[0]])
def test_power_bi_misses_the_older_example_in_lower_case(load, text) -> None:
    run = load(text)
    assert run(**get_input_schema(run)["example"]) == [1.0, 10.0]
    findings = power_bi.check(run)
    assert {f.where for f in findings if f.severity == "error"} == {"inputs", "global_parameters", "result"}


@needs_articles
def test_the_examples_were_found() -> None:
    marks = ("'Inputs'", "'inputs'", "input_name_1")
    kinds = [sum(mark in script.values[0] for script in SCRIPTS) for mark in marks]
    assert kinds == [3, 1, 1]
    assert len(SCRIPTS) == 7
