"""``Model.get_model_path``."""

import json
from pathlib import Path

import pytest

from moorage_runtime.legacy.exceptions import ModelNotFoundException, WebserviceException
from moorage_runtime.legacy.model_paths import Model


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An application root that is the current folder, with models as a service lays them out."""
    for name in (
        "azureml-models/one/1/a.pkl", "azureml-models/one/2/b.pkl", "azureml-models/one/10/c.pkl",
        "azureml-models/folder/1/inner/x.bin", "azureml-models/many/1/a",
        "azureml-models/many/1/b", "loose.pkl",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AZUREML_MODEL_DIR", raising=False)
    monkeypatch.delenv("AML_APP_ROOT", raising=False)
    return tmp_path


def test_the_highest_version_is_taken(root) -> None:
    assert Model.get_model_path("one") == "azureml-models/one/10/c.pkl"
    assert Model.get_model_path("one", 2) == "azureml-models/one/2/b.pkl"
    assert Model.get_model_path("one", version=1, _workspace=None) == "azureml-models/one/1/a.pkl"


def test_a_folder_is_one_entry(root) -> None:
    assert Model.get_model_path("folder") == "azureml-models/folder/1/inner"


def test_a_file_of_that_name_in_the_current_folder(root) -> None:
    assert Model.get_model_path("loose.pkl") == "loose.pkl"


def test_more_than_one_entry(root) -> None:
    with pytest.raises(WebserviceException, match="holds 2"):
        Model.get_model_path("many")


@pytest.mark.parametrize("version", [None, 7])
def test_unknown_models_name_what_there_is(root, version) -> None:
    with pytest.raises(ModelNotFoundException, match="one:10"):
        Model.get_model_path("other" if version is None else "one", version)


@pytest.mark.parametrize(
    ("name", "version"), [("one", "1"), ("one", True), ("../x", None), ("", None), ("..", 1)]
)
def test_unsuitable_arguments(root, name, version) -> None:
    with pytest.raises(WebserviceException):
        Model.get_model_path(name, version)


@pytest.mark.parametrize("suffix", ["azureml-models", "azureml-models/one/2", "azureml-models/"])
def test_the_variable_leads_to_the_models_from_anywhere(root, tmp_path_factory, monkeypatch, suffix) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    monkeypatch.setenv("AZUREML_MODEL_DIR", f"{root}/{suffix}")
    path = Path(Model.get_model_path("one", 2))
    assert path.samefile(root / "azureml-models/one/2/b.pkl")
    assert Path(Model.get_model_path("folder")).samefile(root / "azureml-models/folder/1/inner")


def test_the_application_root_is_searched(root, tmp_path_factory, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    monkeypatch.setenv("AML_APP_ROOT", str(root))
    assert Path(Model.get_model_path("one")).samefile(root / "azureml-models/one/10/c.pkl")


def test_flat_model_folder_for_development(root, monkeypatch) -> None:
    (root / "flat").mkdir()
    (root / "flat" / "m.onnx").write_text("")
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(root / "flat"))
    assert Path(Model.get_model_path("m.onnx")).samefile(root / "flat" / "m.onnx")


def test_model_config_map(root, monkeypatch) -> None:
    (root / "stored" / "mapped.pkl").parent.mkdir()
    (root / "stored" / "mapped.pkl").write_text("")
    entries = {
        "mapped:3": {"relativePath": "stored/mapped.pkl"},
        "mapped:4": {"relativePath": "stored/gone.pkl"},
    }
    (root / "model_config_map.json").write_text(json.dumps({"modelsInfo": entries}))
    assert Path(Model.get_model_path("mapped")).samefile(root / "stored/mapped.pkl")
    assert Path(Model.get_model_path("mapped", 3)).samefile(root / "stored/mapped.pkl")
    with pytest.raises(ModelNotFoundException):
        Model.get_model_path("mapped", 4)
    (root / "model_config_map.json").write_text("[]")
    with pytest.raises(ModelNotFoundException):
        Model.get_model_path("mapped")


def test_models_are_not_built_here() -> None:
    with pytest.raises(WebserviceException, match="AZUREML_MODEL_DIR"):
        Model(None, "one")
