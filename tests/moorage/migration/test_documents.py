"""Pipelines, conda and requirements files, and configuration files."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.migration import scan


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- script: az ml model list\n", [(1, "works", "az ml model list")]),
        (
            "a:\n  - script: |\n\n      x\n      az ml model list \\\n        -n a\n",
            [(5, "works", "az ml model list")],
        ),
        (
            "a:\n  script: >-\n    az ml model list\n    --unheard\n",
            [(2, "unclear", "az ml model list --unheard")],
        ),
        (
            "run: 'az ml model list'\n---\nrun: az ml model show\n",
            [(1, "works", "az ml model list"), (3, "works", "az ml model show")],
        ),
        ("- bash: 'echo az ml model list'\n", []),
        ("# az ml model list\na: b\n", []),
        ("steps:\n- uses: Azure/aml-deploy@v1\n", [(2, "notSupported", "uses Azure/aml-deploy@v1")]),
        ("- task: AzureMLModelDeploy@1 # azureml\n", [(1, "notSupported", "task AzureMLModelDeploy@1")]),
        ("dependencies:\n- pip:\n  - azureml-defaults\n", [(3, "differs", "azureml-defaults")]),
        ("dependencies: [conda-forge::azureml-x]\n", [(1, "notSupported", "azureml-x")]),
        (
            "- script: |\n    python - <<E\n    import azureml.explain\n    E\n",
            [(3, "notSupported", "azureml.explain")],
        ),
        (
            "- script: |\n    from azureml.core import Workspace\n    Workspace.list('s')\n",
            [(2, "works", "azureml.core.Workspace"), (3, "differs", "Workspace.list")],
        ),
        ("a: [\n# azureml\naz ml model list\n", [(4, "notRead"), (3, "works", "az ml model list")]),
        ("a: {{ template }}\nb: az ml model list\n", None),
    ],
)
def test_yaml(said, text: str, expected: list[Any] | None) -> None:
    found = said(text, "a.yml")
    if expected is None:
        assert [one[1] for one in found][-1] in {"works", "notRead"}
    else:
        assert sorted(found, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    ("text", "verdict", "message"),
    [
        ('{"computeType": "LOCAL", "port": 8890}', "works", ""),
        ('{\n "computeType": "aci"}', "differs", "container of this machine"),
        ('{"computeType": "fpga"}', "notSupported", "none of local"),
        ('{"computeType": "local",\n "port": "x"}', "notSupported", "port"),
        ('{"computeType": "local",\n "unheard": 1}', "unclear", "unheard"),
        ('{"entryScript": "score.py"}', "works", ""),
        ('{"entryScript": "score.py", "condaFile": "missing.yml"}', "works", ""),
        ('{"entryScript": 5}', "notSupported", "entryScript"),
        ('{"entryScript": "score.py"', "notRead", "JSON"),
        ('{"workspace_name": "w", "subscription_id": "s"}', "differs", "moor workspace create -w w"),
    ],
)
def test_configuration_files(tmp_path, text: str, verdict: str, message: str) -> None:
    (tmp_path / "some.json").write_text(text)
    findings = scan(tmp_path).findings
    assert [one.judgement.verdict.value for one in findings if message in one.judgement.text][-1] == verdict
    assert all(str(tmp_path) not in one.judgement.text for one in findings)
    assert all("tmp" not in one.judgement.text for one in findings)


def test_requirements(said) -> None:
    text = "numpy\nAzureML_Core[x]>=1.2  # why\n-r other.txt\nazureml-mlflow\nnot-azureml\n"
    assert said(text, "dev-requirements.txt") == [
        (2, "differs", "azureml-core"),
        (4, "notSupported", "azureml-mlflow"),
    ]


def test_other_json_is_data(said) -> None:
    assert said('{"text": "az ml model list", "computeType": 5, "azureml": [1]}', "a.json") == []


PIECES = st.sampled_from(
    ["computeType: ", "entryScript: ", "- ", "|\n", "  az ml x", "&a ", "*a", "{", "azureml", "\n"]
)


@given(st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join), st.sampled_from(["a.yml", "a.json"]))
def test_any_text_is_scanned(tmp_path_factory: pytest.TempPathFactory, text: str, name: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / name).write_text(text + "\n# azureml")
    assert scan(folder).files == 1
