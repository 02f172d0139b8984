"""The OpenAPI document of a live service, in the hands of strangers: a fuzzer and a client generator."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

Serve = Callable[[str], AbstractContextManager[str]]
CLIENT_ENVIRONMENT = Path(__file__).resolve().parents[3] / ".cache" / "schema-client" / "bin"

SCRIPT = """
    import numpy as np
    import pandas as pd
    from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
    from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
    from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
    from inference_schema.schema_decorators import input_schema, output_schema

    inputs = StandardPythonParameterType({
        "rows": NumpyParameterType(np.array([[1.5, 2.0], [3.0, 4.5]])),
        "people": PandasParameterType(pd.DataFrame({"name": ["Ann", "Bo"], "age": [30, 41]})),
        "note": StandardPythonParameterType("hello"),
    })

    def init():
        pass

    @input_schema("Inputs", inputs)
    @input_schema("factor", StandardPythonParameterType(2.0), optional=True)
    @output_schema(StandardPythonParameterType({
        "sums": NumpyParameterType(np.array([3.5, 7.5])),
        "names": StandardPythonParameterType(["Ann", "Bo"]),
    }))
    def run(Inputs, factor=1.0):
        rows = Inputs.get("rows", np.zeros((0, 2)))
        people = Inputs.get("people", pd.DataFrame({"name": []}))
        with np.errstate(all="ignore"):
            sums = np.nan_to_num(rows.sum(axis=1) * (factor or 1.0))
        return {"sums": sums.tolist(), "names": [str(name) for name in people["name"]]}
"""


@pytest.fixture(scope="module")
def address(serve: Serve) -> Iterator[str]:
    with serve(SCRIPT) as address:
        yield address


def document(address: str, version: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{address}/swagger.json?version={version}", timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


@pytest.mark.parametrize("version", ["2", "3", "3.1"])
def test_the_live_documents_are_valid(address: str, version: str) -> None:
    from openapi_spec_validator import validate

    validate(document(address, version))


def test_the_example_of_the_document_is_answered(address: str) -> None:
    example = document(address, "2")["definitions"]["ServiceInput"]["example"]
    request = urllib.request.Request(
        address + "/score", json.dumps(example).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer) == {"sums": [7.0, 15.0], "names": ["Ann", "Bo"]}


FUZZ = """
import sys
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
schema = schemathesis.openapi.from_url(sys.argv[1] + "/swagger.json?version=3")
schema.config.update(base_url=sys.argv[1])
calls = 0
for result in schema.get_all_operations():
    operation = result.ok()
    print(operation.label)

    @settings(max_examples=60, deadline=None, derandomize=True, database=None,
              suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
    @given(case=operation.as_strategy())
    def check(case):
        global calls
        calls += 1
        case.call_and_validate(checks=CHECKS)

    check()
print("calls:", calls)
"""


def test_a_fuzzer_finds_no_fault_of_the_server(address: str) -> None:
    pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    # In a process of its own: the library changes what other tests of this process would see.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FUZZ, address],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    assert int(done.stdout.split("calls:")[1]) > 60


CALL = """
import json
import sys
from service_client import Client
from service_client.api.default import run_ml_service, service_health_check
from service_client.models import ServiceInput

client = Client(base_url=sys.argv[1])
print(service_health_check.sync_detailed(client=client).status_code.value)
body = ServiceInput.from_dict(json.loads(sys.argv[2]))
answer = run_ml_service.sync_detailed(client=client, body=body)
print(answer.status_code.value, json.dumps(answer.parsed.to_dict()))
body.inputs.rows = [[1.0]]
refused = run_ml_service.sync_detailed(client=client, body=body)
print(refused.status_code.value, refused.content.decode())
"""


def test_a_generated_client_gets_its_answers(address: str, tmp_path: Path) -> None:
    generator = CLIENT_ENVIRONMENT / "openapi-python-client"
    if not generator.exists():
        pytest.skip("openapi-python-client is not there; scripts/test-schema-matrix client installs it")
    specification = document(address, "3")
    (tmp_path / "openapi.json").write_text(json.dumps(specification))
    (tmp_path / "config.yml").write_text(
        "project_name_override: service\npackage_name_override: service_client\npost_hooks: []\n"
    )
    options = [
        "--path",
        "openapi.json",
        "--config",
        "config.yml",
        "--meta",
        "none",
        "--output-path",
        "service_client",
    ]
    generated = subprocess.run(
        [str(generator), "generate", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert generated.returncode == 0, generated.stdout + generated.stderr
    example = specification["components"]["schemas"]["ServiceInput"]["example"]
    called = subprocess.run(
        [str(CLIENT_ENVIRONMENT / "python"), "-c", CALL, address, json.dumps(example)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert called.returncode == 0, called.stderr
    health, answer, refused = called.stdout.splitlines()
    assert health == "200"
    assert json.loads(answer[4:]) == {"sums": [7.0, 15.0], "names": ["Ann", "Bo"]}
    assert refused.startswith("400 ")
    assert "Inputs.rows[0]: expected 2 items as in the sample, got 1" in refused
