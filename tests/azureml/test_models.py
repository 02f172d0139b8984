"""Models: registering, finding, changing, downloading."""

from pathlib import Path

import pytest

from azureml.core import Model, Workspace
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.exceptions import (
    ModelNotFoundException,
    NotYetAvailable,
    UserErrorException,
    WebserviceException,
)


def test_registering_numbers_the_versions(
    ws: Workspace, model_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Model.register(workspace=ws, model_path=model_file, model_name="mymodel", tags={"n": 1})
    second = Model.register(ws, model_file, "mymodel")
    assert (first.name, first.id, first.version) == ("mymodel", "mymodel:1", 1)
    assert (second.id, second.version) == ("mymodel:2", 2)
    assert first.tags == {"n": "1"}
    assert "Registering model mymodel" in capsys.readouterr().out


def test_everything_that_is_given_comes_back(ws: Workspace, model_file: str) -> None:
    model = Model.register(
        ws,
        model_file,
        "full",
        tags={"area": "diabetes"},
        properties={"p": "q"},
        description="d",
        model_framework=Model.Framework.SCIKITLEARN,
        model_framework_version="0.19.1",
        resource_configuration=ResourceConfiguration(cpu=1, memory_in_gb=0.5),
        sample_input_dataset="in",
    )
    found = Model(ws, "full")
    assert (found.description, found.properties) == ("d", {"p": "q"})
    assert (found.model_framework, found.model_framework_version) == ("ScikitLearn", "0.19.1")
    assert isinstance(found.resource_configuration, ResourceConfiguration)
    assert found.resource_configuration.serialize() == {"cpu": 1.0, "memoryInGB": 0.5, "gpu": None}
    assert isinstance(found.resource_configuration.cpu, float)
    assert found.created_time == model.created_time
    assert found.created_time.tzinfo is not None
    assert found.created_by is not None
    assert "userName" in found.created_by
    assert (found.run_id, found.run, found.experiment_name) == (None, None, None)
    assert (found.url, found.mime_type, found.unpack) == ("aml://asset/full:1", "application/json", False)
    assert found.sample_input_dataset == "in"
    assert (found.parent_id, found.derived_model_ids, found.datasets) == (None, [], {})


def test_wrong_registrations_change_nothing(ws: Workspace, model_file: str) -> None:
    Path("empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"none\.pkl"):
        Model.register(ws, "none.pkl", "m")
    with pytest.raises(WebserviceException, match="empty"):
        Model.register(ws, "empty", "m")
    with pytest.raises(ValueError, match="empty"):
        Model.register(ws, "empty", "m")
    with pytest.raises(WebserviceException, match="letters"):
        Model.register(ws, "none.pkl", "no spaces")
    with pytest.raises(WebserviceException, match="dict"):
        Model.register(ws, model_file, "m", tags=["a"])  # type: ignore[arg-type]
    with pytest.raises(WebserviceException, match="framework"):
        Model.register(ws, model_file, "m", model_framework_version="1")
    with pytest.raises(WebserviceException, match="inner"):
        Model.register(ws, model_file, "m", child_paths=["inner"])
    with pytest.raises(WebserviceException, match="cpu"):
        Model.register(ws, model_file, "m", resource_configuration=ResourceConfiguration(cpu=-1))
    with pytest.raises(WebserviceException, match=r"Dataset\.Tabular"):
        Model.register(ws, model_file, "m", datasets=[("training", object())])
    assert Model.list(ws) == []


def test_a_folder_keeps_its_name_as_a_level(ws: Workspace, model_folder: str) -> None:
    Model.register(ws, model_folder, "folder")
    Model.register(ws, model_folder, "part", child_paths=["sub/b.txt"])
    assert Model(ws, "folder").download("all") == "all/net"
    assert Path("all/net/sub/b.txt").read_text() == "b"
    Model(ws, "part").download("some")
    assert [str(p) for p in Path("some").rglob("*.txt")] == ["some/net/sub/b.txt"]


def test_models_are_found_by_name_version_id_and_filters(ws: Workspace, model_file: str) -> None:
    for stage in ("old", "new", "new"):
        Model.register(ws, model_file, "m", tags={"stage": stage}, properties={"stage": stage})
    assert Model(ws, "m").version == 3
    assert Model(ws, "m", version=2).version == 2
    assert Model(ws, "m", version="1").version == 1
    assert Model(ws, id="m:2").version == 2
    assert Model(ws, name="other", id="m:1").id == "m:1"
    assert Model(ws, "m", tags=[["stage", "old"]]).version == 1
    assert Model(ws, "m", properties=[["stage", "old"]]).version == 1
    assert Model(ws, "m", tags=["stage"]).version == 3


def test_what_is_not_found_raises_both_exceptions(ws: Workspace, model_file: str) -> None:
    Model.register(ws, model_file, "m")
    with pytest.raises(ModelNotFoundException):
        Model(ws, "unknown")
    with pytest.raises(WebserviceException) as caught:
        Model(ws, "unknown")
    assert caught.value.message.startswith("ModelNotFound")
    assert "unknown" in caught.value.message
    for wrong in ({"name": "m", "version": 9}, {"id": "m:9"}, {"name": "m", "version": "x"}, {}):
        with pytest.raises(WebserviceException):
            Model(ws, **wrong)


def test_lists_are_filtered(ws: Workspace, model_file: str) -> None:
    Model.register(ws, model_file, "a", tags={"t": "1"}, model_framework="Onnx")
    Model.register(ws, model_file, "a", tags={"t": "2"})
    Model.register(ws, model_file, "b", properties={"p": "1"})
    assert [m.id for m in Model.list(ws)] == ["b:1", "a:2", "a:1"]
    assert [m.id for m in Model.list(ws, name="a")] == ["a:2", "a:1"]
    assert [m.id for m in Model.list(ws, latest=True)] == ["b:1", "a:2"]
    assert [m.id for m in Model.list(ws, tags=["t"])] == ["a:2", "a:1"]
    assert [m.id for m in Model.list(ws, tags=[["t", "1"]])] == ["a:1"]
    assert [m.id for m in Model.list(ws, properties=[["p", "1"]])] == ["b:1"]
    assert [m.id for m in Model.list(ws, model_framework="Onnx")] == ["a:1"]
    assert {name: m.id for name, m in ws.models.items()} == {"a": "a:2", "b": "b:1"}
    with pytest.raises(UserErrorException, match="list"):
        Model.list(ws, tags="t")
    with pytest.raises(UserErrorException, match="list"):
        Model.list(ws, properties={"p": "1"})  # type: ignore[arg-type]
    with pytest.raises(UserErrorException, match="page_count"):
        Model.list(ws, page_count=10)


def test_tags_and_properties_change(
    ws: Workspace, model_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Model.register(ws, model_file, "m", tags={"a": "1"})
    model.add_tags({"a": "2", "b": "3"})
    assert model.tags == {"a": "2", "b": "3"}
    model.remove_tags(["b", "never"])
    assert Model(ws, "m").tags == {"a": "2"}
    printed = capsys.readouterr().out
    assert "a: 1 -> 2" in printed
    assert "never" in printed
    model.add_properties({"p": "1"})
    with pytest.raises(WebserviceException, match="p"):
        model.add_properties({"p": "2"})
    assert Model(ws, "m").properties == {"p": "1"}
    model.update_tags_properties(add_tags={"c": 4}, remove_tags=["a"], add_properties={"q": "1"})
    assert (model.tags, model.properties) == ({"c": "4"}, {"p": "1", "q": "1"})
    model.tags["x"] = "y"
    assert "x" not in model.tags


def test_update_replaces_what_is_given(ws: Workspace, model_file: str) -> None:
    model = Model.register(ws, model_file, "m", tags={"a": "1"}, description="d")
    model.update()
    assert (model.tags, model.description) == ({"a": "1"}, "d")
    model.update(tags={"b": "2"}, resource_configuration=ResourceConfiguration(cpu=2))
    assert (model.tags, model.description) == ({"b": "2"}, "d")
    assert Model(ws, "m").resource_configuration.cpu == 2  # type: ignore[union-attr]
    model.update(description="e")
    assert Model(ws, "m").description == "e"


def test_downloads_say_where_the_file_is(ws: Workspace, model_file: str, tmp_path: Path) -> None:
    model = Model.register(ws, model_file, "m")
    assert model.download("tgt/deep") == "tgt/deep/model.pkl"
    assert Path("tgt/deep/model.pkl").read_bytes() == b"weights"
    with pytest.raises(WebserviceException, match=r"model\.pkl"):
        model.download()
    assert model.download(exist_ok=True) == "model.pkl"
    assert model.download(exists_ok=True) == "model.pkl"
    assert model.download(str(tmp_path / "abs")) == str(tmp_path / "abs" / "model.pkl")


def test_a_deleted_model_is_gone(ws: Workspace, model_file: str) -> None:
    model = Model.register(ws, model_file, "m")
    model.delete()
    with pytest.raises(ModelNotFoundException):
        Model(ws, "m")
    with pytest.raises(WebserviceException):
        model.delete()
    assert Model.register(ws, model_file, "m").version == 2


def test_documents_carry_a_model(ws: Workspace, model_file: str) -> None:
    model = Model.register(
        ws,
        model_file,
        "m",
        tags={"a": "1"},
        model_framework="Onnx",
        resource_configuration=ResourceConfiguration(1, 2),
    )
    document = model.serialize()
    assert {"createdTime", "id", "kvTags", "frameworkVersion", "resourceConfiguration"} - set(document) == {
        "kvTags"
    }
    assert document["resourceConfiguration"] == {"cpu": 1.0, "memoryInGB": 2.0, "gpu": None}
    again = Model.deserialize(ws, document)
    assert repr(again) == repr(model)
    assert again.serialize() == document


def test_printing_shows_name_and_labels(ws: Workspace, model_file: str) -> None:
    model = Model.register(ws, model_file, "m", tags={"a": "1"})
    assert repr(model) == (
        f"Model(workspace={ws!r}, name=m, id=m:1, version=1, tags={{'a': '1'}}, properties={{}})"
    )


def test_what_is_not_built_says_what_to_do(ws: Workspace, model_file: str) -> None:
    model = Model.register(ws, model_file, "m")
    with pytest.raises(NotYetAvailable, match="download"):
        model.get_sas_urls()


def test_a_model_path_is_found_in_the_cache_the_workspace_and_here(ws: Workspace, model_file: str) -> None:
    with pytest.raises(ModelNotFoundException):
        Model.get_model_path("mymodel")
    with pytest.raises(WebserviceException):
        Model.get_model_path("mymodel", version=1)
    for _ in range(10):
        Model.register(ws, model_file, "mymodel")
    assert Model.get_model_path("mymodel", version=2, _workspace=ws) == "azureml-models/mymodel/2/model.pkl"
    assert Model.get_model_path("mymodel") == "azureml-models/mymodel/2/model.pkl"
    assert Model.get_model_path("mymodel", _workspace=ws) == "azureml-models/mymodel/10/model.pkl"
    assert Model.get_model_path("mymodel") == "azureml-models/mymodel/10/model.pkl"
    assert Model.get_model_path("mymodel", version=2) == "azureml-models/mymodel/2/model.pkl"
    with pytest.raises(ModelNotFoundException, match="unknown"):
        Model.get_model_path("unknown", _workspace=ws)
    with pytest.raises(WebserviceException, match="whole number"):
        Model.get_model_path("mymodel", version="2")  # type: ignore[arg-type]
    Path("azureml-models/mymodel/10/second").write_text("")
    with pytest.raises(WebserviceException, match="2"):
        Model.get_model_path("mymodel")
    Path("beside").write_text("")
    assert Model.get_model_path("beside") == "beside"


def test_a_folder_model_path_is_the_folder(ws: Workspace, model_folder: str) -> None:
    Model.register(ws, model_folder, "fold")
    assert Model.get_model_path("fold", _workspace=ws) == "azureml-models/fold/1/net"
