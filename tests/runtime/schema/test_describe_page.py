"""The page "Describe your inputs and outputs" shows what is really generated."""

import json
import re
import sys
from pathlib import Path

import pytest

from moorage_runtime.schema import (
    InputError,
    build_documents,
    decorators,
    get_supported_versions,
    numpy_type,
    pandas_type,
    power_bi,
    standard_type,
)

pytest.importorskip("pandas", minversion="2.2", reason="the page speaks of today's pandas")

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "describe-inputs-and-outputs.md").read_text(
    encoding="utf-8"
)
BLOCK = re.compile(r"^```(\w+)(?: +(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = {name or language: content for language, name, content in BLOCK.findall(PAGE)}
ROW = re.compile(r"^\| `(\{.*\})` \| `(.*)` \|$", re.MULTILINE)
OLD_MODULES = {
    "inference_schema.schema_decorators": decorators,
    "inference_schema.parameter_types.numpy_parameter_type": numpy_type,
    "inference_schema.parameter_types.pandas_parameter_type": pandas_type,
    "inference_schema.parameter_types.standard_py_parameter_type": standard_type,
}


@pytest.fixture
def run_of(monkeypatch):
    """Return the ``run`` of a script on the page."""
    for name, module in OLD_MODULES.items():
        monkeypatch.setitem(sys.modules, name, module)

    def load(name):
        namespace = {"__name__": name}
        exec(compile(BLOCKS[name], name, "exec"), namespace)
        return namespace["run"]

    return load


def test_the_document_on_the_page_is_the_generated_one(run_of) -> None:
    generated = build_documents(run_of("score.py"), "my-service", "1.0", "")["2"]["definitions"]
    shown = json.loads(BLOCKS["json"])
    assert json.dumps(shown) == json.dumps(generated)


def test_the_messages_on_the_page_are_the_real_ones(run_of) -> None:
    run = run_of("score.py")
    rows = ROW.findall(PAGE)
    assert len(rows) == 4
    for request, message in rows:
        with pytest.raises(InputError) as caught:
            run(**json.loads(request))
        assert str(caught.value) == message


def test_the_nested_script_suits_power_bi(run_of) -> None:
    run = run_of("nested.py")
    assert power_bi.check(run) == []
    body = build_documents(run, "s", "1", "")["2"]["definitions"]["ServiceInput"]["example"]
    assert run(**body) == {"Results": [30.0]}
    assert get_supported_versions(run) == ["2.0", "3.0", "3.1"]
