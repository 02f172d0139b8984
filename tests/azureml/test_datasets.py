"""Data stores and data sets of old code."""

import json
from pathlib import Path

import pytest

from azureml.core import Dataset, Datastore, Model, Workspace
from azureml.data import FileDataset, TabularDataset
from azureml.data.datapath import DataPath
from azureml.data.dataset_factory import DataType
from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from azureml.exceptions import NotYetAvailable, UserErrorException


@pytest.fixture
def csv() -> str:
    Path("diabetes.csv").write_text("age,bmi\n40,1.5\n50,2.5\n60,3.5\n")
    return "diabetes.csv"


def test_a_table_from_a_data_store_is_registered_and_found(ws: Workspace, csv: str) -> None:
    store = ws.get_default_datastore()
    store.upload_files(files=["./diabetes.csv"], target_path="diabetes-data/", overwrite=True)
    table = Dataset.Tabular.from_delimited_files(path=(store, "diabetes-data/*.csv"))
    assert table.take(2).to_pandas_dataframe()["age"].tolist() == [40, 50]
    made = table.register(
        workspace=ws, name="diabetes dataset", tags={"format": "CSV"}, create_new_version=True
    )
    assert (made.name, made.version, made.tags) == ("diabetes dataset", 1, {"format": "CSV"})
    found = Dataset.get_by_name(ws, "diabetes dataset", version="latest")
    assert isinstance(found, TabularDataset)
    assert found.id == made.id == Dataset.get_by_id(ws, made.id).id
    assert found.to_pandas_dataframe()["bmi"].sum() == 7.5
    assert list(ws.datasets) == ["diabetes dataset"]
    assert ws.datasets["diabetes dataset"].version == 1


def test_requests_for_profiling_are_lines(ws: Workspace) -> None:
    body = json.dumps({"data": [[1, 2]]})
    Path("sample_request_data.txt").write_text("\n".join([body] * 100))
    store = Datastore.get_default(ws)
    store.upload_files(["./sample_request_data.txt"], target_path="sample_request_data")
    requests = Dataset.Tabular.from_delimited_files(
        [(store, "sample_request_data/sample_request_data.txt")],
        separator="\n",
        infer_column_types=True,
        header=PromoteHeadersBehavior.NO_HEADERS,
    ).register(workspace=ws, name="sample_request_data", create_new_version=True)
    frame = requests.to_pandas_dataframe()
    assert frame.shape == (100, 1)
    assert frame.iloc[0, 0] == body


def test_files_keep_their_folders(ws: Workspace, tmp_path: Path) -> None:
    for name in ("train/a.txt", "test/a.txt"):
        Path("images", name).parent.mkdir(parents=True, exist_ok=True)
        Path("images", name).write_text(name)
    files = Dataset.File.from_files(path="images")
    assert files.to_path() == ["/test/a.txt", "/train/a.txt"]
    made = files.register(ws, "images")
    assert isinstance(Dataset.get_by_name(ws, "images"), FileDataset)
    target = tmp_path / "copy"
    assert made.download(str(target)) == [str(target / "test/a.txt"), str(target / "train/a.txt")]
    assert (target / "train/a.txt").read_text() == "train/a.txt"
    both = Dataset.File.from_files(path=["images/train/a.txt", "images/test"])
    assert both.to_path() == ["/train/a.txt", "/test/a.txt"]


def test_a_folder_is_uploaded_and_downloaded(
    ws: Workspace, csv: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("data/deep").mkdir(parents=True)
    Path("data/deep/x.txt").write_text("x")
    store = Datastore(ws, "workspacefilestore")
    reference = store.upload(src_dir="data", target_path="here")
    assert (reference.datastore, reference.path_on_datastore) == (store, "here")
    store.upload(src_dir="data", target_path="here")
    assert "here/deep/x.txt is there already" in capsys.readouterr().out
    assert store.download("back", prefix="here") == 1
    assert Path("back/here/deep/x.txt").read_text() == "x"
    uploaded = Dataset.File.upload_directory("data", target=DataPath(store, "there"))
    assert uploaded.to_path() == ["/deep/x.txt"]


def test_samples_and_training_data_of_a_model(ws: Workspace, csv: str, model_file: str) -> None:
    table = Dataset.Tabular.from_delimited_files(csv)
    model = Model.register(
        ws,
        model_file,
        "diabetes",
        datasets=[(Dataset.Scenario.TRAINING, table)],
        sample_input_dataset=table.drop_columns("bmi"),
        sample_output_dataset=table.keep_columns(["bmi"]),
    )
    found = Model(ws, "diabetes")
    assert found.sample_input_dataset.to_pandas_dataframe().columns.tolist() == ["age"]
    assert found.sample_output_dataset.to_pandas_dataframe().columns.tolist() == ["bmi"]
    assert [one.id for one in found.datasets["training"]] == [table.id]
    assert [one.id for one in Model.list(ws, dataset_id=table.id)] == [model.id]
    registered = Dataset.Tabular.from_delimited_files(csv).register(ws, "validation")
    found.add_dataset_references([("validation", registered)])
    assert sorted(found.datasets) == ["training", "validation"]
    with pytest.raises(UserErrorException, match="diabetes:1"):
        registered.unregister_all_versions()
    model.delete()
    registered.unregister_all_versions()
    assert ws.datasets == {}


def test_a_frame_becomes_a_registered_table(ws: Workspace) -> None:
    import pandas as pd

    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    store = Datastore.get_default(ws)
    for version in (1, 2):
        frame["a"] += 1
        made = Dataset.Tabular.register_pandas_dataframe(frame, (store, "frames"), "frame")
        assert made.version == version
    assert Dataset.get_by_name(ws, "frame").to_pandas_dataframe()["a"].tolist() == [3, 4]
    assert Dataset.get_by_name(ws, "frame", version=1).to_pandas_dataframe()["a"].tolist() == [2, 3]


def test_types_are_as_asked(csv: str) -> None:
    table = Dataset.Tabular.from_delimited_files(
        csv, set_column_types={"age": DataType.to_string(), "bmi": DataType.to_float()}
    )
    assert table.to_pandas_dataframe()["age"].tolist() == ["40", "50", "60"]


def test_a_split_has_each_row_once(csv: str) -> None:
    first, second = Dataset.Tabular.from_delimited_files(csv).random_split(percentage=0.5, seed=1)
    ages = [*first.to_pandas_dataframe()["age"], *second.to_pandas_dataframe()["age"]]
    assert sorted(ages) == [40, 50, 60]


def test_changes_of_labels(ws: Workspace, csv: str) -> None:
    made = Dataset.Tabular.from_delimited_files(csv).register(ws, "d")
    made.add_tags({"a": "1", "b": "2"})
    made.remove_tags(["a"])
    made.update(description="three rows")
    found = Dataset.get_by_name(ws, "d")
    assert (found.tags, found.description, found.version) == ({"b": "2"}, "three rows", 1)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nowhere.csv", "nowhere.csv names no file"),
        ([], "an empty list"),
        (5, "a text, "),
        ("abfss://container@account/path.csv", "abfss"),
    ],
)
def test_paths_that_mean_nothing_say_so(path: object, said: str) -> None:
    with pytest.raises((UserErrorException, NotYetAvailable), match=said):
        Dataset.Tabular.from_delimited_files(path)


def test_what_is_not_there_says_what_is(ws: Workspace, csv: str) -> None:
    with pytest.raises(UserErrorException, match="workspaceblobstore"):
        Datastore.get(ws, "mystore")
    with pytest.raises(UserErrorException, match="'nothing' is not registered"):
        Dataset.get_by_name(ws, "nothing")
    with pytest.raises(NotYetAvailable, match="upload_files"):
        Datastore.register_azure_blob_container(ws, "mystore", "container", account_name="a")
    with pytest.raises(UserErrorException, match="upload_files"):
        Dataset.File.from_files((ws.get_default_datastore(), "empty"))
    Dataset.Tabular.from_delimited_files(csv).register(ws, "d")
    Path(csv).write_text("age\n1\n")
    with pytest.raises(UserErrorException, match="create_new_version=True"):
        Dataset.Tabular.from_delimited_files(csv).register(ws, "d")
    assert set(ws.datastores) >= {"workspaceblobstore", "workspacefilestore"}
