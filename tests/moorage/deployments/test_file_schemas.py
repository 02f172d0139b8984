"""The schemas for editors agree with the readers of the files, and with the keys of the old command line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.deployments import parse_deployment_config, parse_inference_config
from moorage.deployments.file_schemas import KINDS, deployment_schema, inference_schema
from moorage.errors import InvalidConfiguration

jsonschema = pytest.importorskip("jsonschema", reason="files are checked with jsonschema")
OLD_KEYS = json.loads((Path(__file__).parent / "old_keys.json").read_text(encoding="utf-8"))


def is_valid(schema: Any, value: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


def properties(schema: Any, root: Any) -> Iterator[tuple[str, Any]]:
    """Yield every property below a schema, through references."""
    reference = schema.get("$ref")
    if reference:
        yield from properties(root["$defs"][reference.rpartition("/")[2]], root)
    for one in schema.get("anyOf", ()):
        yield from properties(one, root)
    for key, value in schema.get("properties", {}).items():
        yield key, value
        yield from properties(value, root)


@pytest.mark.parametrize("schema", [inference_schema(), deployment_schema()], ids=["inference", "deployment"])
def test_the_schemas_are_schemas_and_explain_every_key(schema: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    roots = [schema, *(schema["$defs"][kind] for kind in KINDS if kind in schema["$defs"])]
    found = [pair for root in roots for pair in properties(root, schema)]
    assert len(found) > 20
    unexplained = {key for key, value in found if key != "computeType" and not value.get("description")}
    assert unexplained == set(), "say in moorage.deployments.key_meanings what they mean"


@pytest.mark.parametrize("kind", OLD_KEYS)
def test_every_key_of_the_old_files_is_known(kind: str) -> None:
    root = inference_schema() if kind == "inference" else deployment_schema()
    schema = root if kind == "inference" else root["$defs"][kind]
    assert set(OLD_KEYS[kind]) <= {key for key, _ in properties(schema, root)}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"computeType": "LOCAL", "port": 8890, "workerCount": 2}, True),
        ({"computeType": "aci", "containerResourceRequirements": {"cpu": 1, "memoryInGB": 2}}, True),
        ({"computeType": "Aks", "autoScaler": {"minReplicas": 2}, "authEnabled": None}, True),
        ({"computeType": "aksendpoint", "versionName": "v2", "$schema": "./x.json"}, True),
        ({"computeType": "moon"}, False),
        ({"port": 8890}, False),
        ({"computeType": "local", "port": "8890"}, False),
        ({"computeType": "local", "autoScaler": {}}, False),
        ({"computeType": "aks", "autoScaler": {"speed": 1}}, False),
    ],
)
def test_deployment_files(value: Any, expected: bool) -> None:
    assert is_valid(deployment_schema(), value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"entryScript": "score.py", "environment": {"name": "e", "newerKey": 1}}, True),
        ({"entryScript": "score.py", "baseImageRegistry": {"address": "example.com"}}, True),
        ({"entryscript": "score.py"}, False),
        ({"entryScript": "score.py", "environment": {"name": "AzureML-mine"}}, False),
        (
            {"entryScript": "score.py", "environment": {"name": "e", "python": {"condaDependencies": 3}}},
            False,
        ),
    ],
)
def test_inference_files(value: Any, expected: bool) -> None:
    assert is_valid(inference_schema(), value) is expected


_VALUES = st.none() | st.booleans() | st.integers(0, 3) | st.floats(0.1, 2) | st.text("ab", max_size=3)
_KEYS = ["port", "workerCount", "scoringTimeoutMs", "authEnabled", "keys", "host", "niceness", "corsOrigins"]


@settings(deadline=None)  # reads and writes a file
@given(st.dictionaries(st.sampled_from(_KEYS), _VALUES | st.just({"primaryKey": "x"}), max_size=3))
def test_an_editor_and_the_reader_agree(tmp_path_factory: Any, values: dict[str, Any]) -> None:
    """What the schema refuses is refused; rules that connect keys are the reader's alone."""
    value = {"computeType": "local", **values}
    path = tmp_path_factory.mktemp("agree") / "dc.json"
    path.write_text(json.dumps(value))
    problems = []
    try:
        parse_deployment_config(path, on_warning=problems.append)
    except InvalidConfiguration:
        return
    assert problems == []
    assert is_valid(deployment_schema(), value)


def test_a_file_may_name_its_schema(tmp_path: Path) -> None:
    problems: list[str] = []
    (tmp_path / "dc.json").write_text('{"$schema": "./dc.schema.json", "computeType": "local"}')
    (tmp_path / "ic.json").write_text('{"$schema": "./ic.schema.json", "entryScript": "score.py"}')
    parse_deployment_config(tmp_path / "dc.json", on_warning=problems.append)
    parse_inference_config(tmp_path / "ic.json", on_warning=problems.append)
    assert problems == []
