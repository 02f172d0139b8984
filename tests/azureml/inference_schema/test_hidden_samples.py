"""A deployment that keeps its samples to itself."""

import json
import urllib.request
from pathlib import Path

import pytest

from moorage import services
from moorage.deployments import InferenceConfig, parse_deployment_config
from moorage.workspace import Workspace

SCRIPT = """
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema

def init():
    pass

@input_schema("note", StandardPythonParameterType("only for our eyes"))
def run(note):
    return note
"""


def test_samples_are_not_in_the_documents_when_the_deployment_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOORAGE_HOME", str(tmp_path / "home"))
    source = tmp_path / "source"
    source.mkdir()
    (source / "score.py").write_text(SCRIPT)
    (tmp_path / "deployment.json").write_text(json.dumps({"computeType": "local", "publicExamples": False}))
    workspace = Workspace.create("samples", home=tmp_path / "home")
    try:
        service = services.deploy(
            workspace,
            "quiet",
            [],
            InferenceConfig(entry_script="score.py", source_directory=str(source)),
            parse_deployment_config(tmp_path / "deployment.json"),
        )
        try:
            assert service.swagger_uri is not None
            for version in ("2", "3", "3.1"):
                with urllib.request.urlopen(f"{service.swagger_uri}?version={version}", timeout=10) as answer:
                    text = answer.read().decode()
                assert "only for our eyes" not in text
                assert '"note"' in text
        finally:
            services.delete(workspace, "quiet")
    finally:
        workspace.close()
