"""What ``moor migrate scan`` says agrees with what is here: its tables, name by name."""

import importlib
import importlib.util
import inspect
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from azureml.core import Workspace
from azureml.core.compute import AksCompute
from azureml.exceptions import ComputeTargetException, NotYetAvailable
from moorage import services
from moorage.deployments import parse_deployment_config
from moorage.migration import Verdict, tables
from moorage.migration.differences import COMMANDS, OUTSIDE, SDK, module_advice
from moorage.migration.documents import COMPUTE_TYPES
from moorage.migration.python_code import scan_lines
from moorage.migration.scanning import Project
from moorage.migration.sources import Source

ROOT = Path(__file__).resolve().parents[2]
OLD_SDK = json.loads((Path(__file__).parent / "data" / "sdk-v1.json").read_text())
IMPORTS = (Path(__file__).parent / "data" / "imports.txt").read_text().splitlines()


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = ROOT / "scripts" / "migration_tables.py"
    spec = importlib.util.spec_from_file_location("migration_tables", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["migration_tables"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["sdk.json", "commands.json", "differences.md"])
def test_the_tables_are_what_the_sources_say(script: ModuleType, name: str) -> None:
    path = script.DIFFERENCES if name == "differences.md" else script.FOLDER / name
    wanted = script.differences_page() if name == "differences.md" else script.tables()[name]
    assert path.read_text() == wanted, f"{name} is behind the sources: run scripts/migration_tables.py"


@pytest.mark.parametrize("module", tables.modules())
def test_every_name_of_the_table_can_be_imported(module: str) -> None:
    names = tables.module_names(module)
    assert names is not None
    found = importlib.import_module(module)
    for name, key in names.items():
        assert hasattr(found, name)
        entry = tables.name_entry(key)
        assert entry is not None
        if entry.kind == "class" and entry.instead is None:
            check_members(getattr(found, name), key)


def check_members(found: Any, key: str) -> None:
    for name in tables.members_of(key):
        entry = tables.member_of(key, name)
        assert entry is not None
        if entry.kind == "method":
            function = getattr(found, name)
            taken = inspect.signature(function).parameters
            if not entry.any_keyword and not hasattr(function, "__wrapped__"):
                assert set(entry.parameters or ()) <= set(taken), f"{key}.{name}"


def test_every_documented_name_is_in_the_table() -> None:
    for module, classes in OLD_SDK.items():
        names = tables.module_names(module)
        assert names is not None
        for name, entry in classes.items():
            if "." in name:
                continue
            key = names[name]
            known = set(tables.members_of(key))
            missing = {*entry["methods"], *entry["properties"], *entry["instance_attributes"]} - known
            assert missing == set(), f"{module}.{name}"


@pytest.mark.parametrize("line", IMPORTS)
def test_every_old_import_is_known(line: str) -> None:
    source = Source(Path("a.py"), line, Project(None))
    scan_lines(source, [line])
    assert source.findings
    assert {one.judgement.verdict for one in source.findings} <= {Verdict.WORKS, Verdict.DIFFERS}


@pytest.mark.parametrize("key", SDK)
def test_every_reviewed_difference_is_about_something_that_is_there(key: str) -> None:
    name, _, parameter = key.partition("(")
    owner, _, member = name.rpartition(".")
    entry = tables.constructor_of(name) if name in tables.all_keys() else tables.member_of(owner, member)
    assert entry is not None
    assert entry.key == name, "differences are kept where the member is defined"
    if parameter:
        wanted = parameter.removesuffix(")").partition("=")[0]
        assert wanted in (entry.parameters or ()) or entry.any_keyword


@pytest.mark.parametrize("module", [one for one in OUTSIDE if tables.module_names(one) is None])
def test_modules_that_are_not_here_are_not_here(module: str) -> None:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    assert spec is None
    assert module_advice(f"{module}.inner") == OUTSIDE[module]


@pytest.mark.parametrize("key", [one for one in tables.all_keys() if (tables.name_entry(one) or one).instead])
def test_what_is_refused_says_so(key: str) -> None:
    entry = tables.name_entry(key)
    assert entry is not None
    module, _, name = key.rpartition(".")
    target = getattr(importlib.import_module(module), name)
    with pytest.raises(NotYetAvailable) as caught:
        target(*([None] * len(entry.parameters or ())))
    assert (entry.instead or "").split("...")[0] in str(caught.value)


@pytest.mark.parametrize("key", COMMANDS)
def test_every_difference_of_a_command_is_about_one(key: str) -> None:
    name, _, condition = key.partition("(")
    command = tables.commands()[name]
    flag = condition.removesuffix(")").partition("=")[0]
    assert not flag or flag in command["flags"].values()
    assert "instead" not in command


def test_clusters_are_not_found(ws: Workspace) -> None:
    with pytest.raises(ComputeTargetException):
        AksCompute(ws, "cluster")
    assert (ws.compute_targets, ws.get_default_compute_target("CPU")) == ({}, None)


@pytest.mark.parametrize("kind", [one for one in COMPUTE_TYPES if one != "container"])
def test_no_kind_of_service_is_refused(ws: Workspace, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "deploymentconfig.json"
    file.write_text(json.dumps({"computeType": kind}))
    made = services.make_plan(ws._moorage, "svc", [], None, parse_deployment_config(file))
    refused = [p.message for p in made.problems if p.where == "computeType" and p.severity == "error"]
    assert refused == []
    assert COMPUTE_TYPES[kind].verdict is not Verdict.NOT_SUPPORTED
