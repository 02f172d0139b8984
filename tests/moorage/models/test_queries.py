"""Finding models by name, version, labels, page by page."""

from pathlib import Path
from typing import Any

import pytest

from moorage import models
from moorage.errors import InvalidArgument, ModelNotFound
from moorage.workspace import Workspace


@pytest.fixture
def garden(registry: Workspace, model_file: Path) -> Workspace:
    """Six versions of three models."""
    for name, tags, properties in (
        ("rose", {"stage": "prod"}, {"lib": "sklearn"}),
        ("tulip", {"stage": "test", "colour": "red"}, {}),
        ("rose", {"stage": "test"}, {"lib": "onnx"}),
        ("rose", {}, {}),
        ("tulip", {"colour": "red=ish"}, {}),
        ("aster", {"stage": "prod"}, {"lib": "onnx"}),
    ):
        models.register(
            registry,
            model_file,
            name,
            tags=tags,
            properties=properties,
            run_id=f"run-{name}",
            framework="Onnx" if properties.get("lib") == "onnx" else None,
        )
    return registry


def _ids(workspace: Workspace, **filters: Any) -> list[str]:
    return [model.id for model in models.list_models(workspace, **filters)]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, "aster:1 tulip:2 rose:3 rose:2 tulip:1 rose:1"),
        ({"latest": True}, "aster:1 tulip:2 rose:3"),
        ({"name": "rose"}, "rose:3 rose:2 rose:1"),
        ({"name": "rose", "latest": True}, "rose:3"),
        ({"name": "ros"}, ""),
        ({"tags": ["stage"]}, "aster:1 rose:2 tulip:1 rose:1"),
        ({"tags": ["stage=prod"]}, "aster:1 rose:1"),
        ({"tags": [("stage", "prod")]}, "aster:1 rose:1"),
        ({"tags": ["stage", "colour=red"]}, "tulip:1"),
        ({"tags": ["colour=red=ish"]}, "tulip:2"),
        ({"tags": ["Stage"]}, ""),
        ({"tags": ["stage="]}, ""),
        ({"tags": ["stage"], "latest": True}, "aster:1 rose:2 tulip:1"),
        ({"properties": ["lib=onnx"]}, "aster:1 rose:2"),
        ({"properties": ["lib"], "tags": ["stage=prod"]}, "aster:1 rose:1"),
        ({"run_id": "run-tulip"}, "tulip:2 tulip:1"),
        ({"framework": "Onnx"}, "aster:1 rose:2"),
        ({"limit": 2}, "aster:1 tulip:2"),
        ({"offset": 4}, "tulip:1 rose:1"),
        ({"offset": 1, "limit": 2}, "tulip:2 rose:3"),
        ({"offset": 6}, ""),
        ({"limit": 0}, ""),
        ({"latest": True, "offset": 1, "limit": 1}, "tulip:2"),
    ],
)
def test_list(garden: Workspace, filters: dict[str, Any], expected: str) -> None:
    assert _ids(garden, **filters) == expected.split()


@pytest.mark.parametrize("filters", [{"tags": [""]}, {"properties": ["=x"]}, {"offset": -1}, {"limit": -1}])
def test_filters_that_make_no_sense_are_refused(workspace: Workspace, filters: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        models.list_models(workspace, **filters)


def test_text_of_a_filter_is_never_sql(garden: Workspace) -> None:
    assert _ids(garden, name="' OR 1=1 --", tags=["'; DROP TABLE models; --"]) == []
    assert len(_ids(garden)) == 6


def test_get_by_name_version_and_id(garden: Workspace) -> None:
    assert models.get(garden, "rose").id == "rose:3"
    assert models.get(garden, "rose", 1).id == "rose:1"
    assert models.get_by_id(garden, "rose:2").id == "rose:2"
    assert models.get_by_id(garden, "rose").id == "rose:3"
    models.delete(garden, "rose:3")
    assert models.get(garden, "rose").id == "rose:2"


def test_what_is_not_registered_is_named_with_what_is(garden: Workspace) -> None:
    with pytest.raises(
        ModelNotFound, match=r"model rose:9 is not registered; versions of rose that are there: 3, 2, 1$"
    ):
        models.get(garden, "rose", 9)
    with pytest.raises(ModelNotFound, match=r"model daisy is not registered$"):
        models.get(garden, "daisy")
    with pytest.raises(ModelNotFound):
        models.get_by_id(garden, "../rose:1")


@pytest.mark.parametrize("model_id", ["rose:", "rose:x", "rose:1:2", "rose:-1", "rose:1.0", "rose:\u0661"])
def test_an_id_that_is_not_name_and_number_is_refused(workspace: Workspace, model_id: str) -> None:
    with pytest.raises(InvalidArgument, match="name:version"):
        models.get_by_id(workspace, model_id)


def test_pages_have_no_gaps_and_no_repeats(workspace: Workspace, model_file: Path) -> None:
    for number in range(25):
        models.register(workspace, model_file, f"m{number % 3}")
    pages = [_ids(workspace, offset=offset, limit=4) for offset in range(0, 28, 4)]
    assert [model_id for page in pages for model_id in page] == _ids(workspace)
