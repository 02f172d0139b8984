"""Data sets from local files and data stores: kept, versioned, read back."""

from datetime import datetime, timezone
from pathlib import Path

import pytest

from moorage import datasets
from moorage.datasets import Columns, Dataset, LocalFile, Part, Rows, TableFormat, datastore
from moorage.datasets.contents import download
from moorage.datasets.frames import to_frame
from moorage.datasets.paths import checked_path, find_local, matching
from moorage.errors import (
    DatasetExists,
    DatasetFileNotFound,
    DatasetInUse,
    DatasetNotFound,
    DatasetUnreadable,
    DatastoreNotFound,
    DownloadTargetExists,
    InvalidArgument,
    InvalidName,
)
from moorage.models import register
from moorage.models.unused import remove_unused_blobs
from moorage.workspace import Workspace

CSV = TableFormat("delimited")


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    folder = tmp_path / "numbers"
    (folder / "more").mkdir(parents=True)
    (folder / "a.csv").write_text("x,y\n1,one\n2,two\n")
    (folder / "more" / "b.csv").write_text("x,y\n3,three\n")
    (folder / ".hidden").write_text("no")
    return folder


def table_of(path: Path, table: TableFormat = CSV) -> Dataset:
    return Dataset(files=tuple(find_local(path)[1]), table=table)


def test_registered_rows_are_those_of_the_files_as_they_were(workspace: Workspace, numbers: Path) -> None:
    made = datasets.register(workspace, table_of(numbers), "numbers", tags={"a": 1}, description="three")
    (numbers / "a.csv").write_text("x,y\n9,nine\n")
    found = datasets.get(workspace, "numbers")
    assert found == made
    assert (found.version, found.tags, found.description) == (1, {"a": "1"}, "three")
    assert to_frame(workspace, found).to_dict("list") == {"x": [1, 2, 3], "y": ["one", "two", "three"]}
    assert datasets.get_by_id(workspace, str(found.id)) == found


def test_a_name_gets_a_new_version_only_when_asked(workspace: Workspace, numbers: Path) -> None:
    datasets.register(workspace, table_of(numbers), "numbers")
    assert datasets.register(workspace, table_of(numbers), "numbers").version == 1, "nothing changed"
    (numbers / "a.csv").write_text("x,y\n9,nine\n")
    with pytest.raises(DatasetExists, match="create_new_version=True"):
        datasets.register(workspace, table_of(numbers), "numbers")
    assert datasets.register(workspace, table_of(numbers), "numbers", new_version=True).version == 2
    assert datasets.get(workspace, "numbers", 1).version == 1
    assert [one.version for one in datasets.list_datasets(workspace, name="numbers")] == [2, 1]
    assert [one.version for one in datasets.list_datasets(workspace)] == [2]


def test_unknown_names_and_bad_names_say_so(workspace: Workspace, numbers: Path) -> None:
    with pytest.raises(DatasetNotFound, match="nothing"):
        datasets.get(workspace, "nothing")
    datasets.register(workspace, table_of(numbers), "numbers")
    with pytest.raises(DatasetNotFound, match="numbers:7"):
        datasets.get(workspace, "numbers", 7)
    with pytest.raises(InvalidName):
        datasets.register(workspace, table_of(numbers), "a/b")


def test_what_a_model_names_as_its_sample_stays(workspace: Workspace, numbers: Path) -> None:
    made = datasets.register(workspace, table_of(numbers), "numbers")
    register(workspace, numbers / "a.csv", "model", sample_input_dataset_id=made.id)
    with pytest.raises(DatasetInUse, match="model:1"):
        datasets.unregister(workspace, "numbers")
    assert datasets.get(workspace, "numbers") == made


def test_cleaning_keeps_what_data_sets_and_stores_use(workspace: Workspace, numbers: Path) -> None:
    datasets.register(workspace, table_of(numbers), "numbers")
    datastore.upload(workspace, "workspaceblobstore", [LocalFile("up.txt", numbers / ".hidden")])
    assert remove_unused_blobs(workspace, grace_s=0) == 0
    assert len(to_frame(workspace, datasets.get(workspace, "numbers"))) == 3
    assert datasets.unregister(workspace, "numbers") == 1
    assert remove_unused_blobs(workspace, grace_s=0) == sum(
        one.stat().st_size for one in numbers.rglob("*.csv")
    )
    assert [one.path for one in datastore.find(workspace, "workspaceblobstore")[1]] == ["up.txt"]


def test_versions_are_not_given_again(workspace: Workspace, numbers: Path) -> None:
    datasets.register(workspace, table_of(numbers), "numbers")
    datasets.unregister(workspace, "numbers")
    assert datasets.register(workspace, table_of(numbers), "numbers").version == 2


def test_steps_survive_registering(workspace: Workspace, numbers: Path) -> None:
    draft = Dataset(table_of(numbers).files, CSV, (Columns(("x",)), Rows(1, 1), Part(0.0, 1.0, 3)))
    datasets.register(workspace, draft, "some")
    found = datasets.get(workspace, "some")
    assert found.steps == draft.steps
    assert to_frame(workspace, found).to_dict("list") == {"x": [2]}


def test_parts_with_one_seed_are_the_whole(tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text("n\n" + "\n".join(map(str, range(200))))
    whole = table_of(tmp_path / "n.csv")
    halves = [Dataset(whole.files, CSV, (Part(*ends, 5),)) for ends in ((0.0, 0.7), (0.7, 1.0))]
    first, second = (list(to_frame(None, half)["n"]) for half in halves)
    assert sorted(first + second) == list(range(200))
    assert 100 < len(first) < 180


def test_a_column_that_is_not_there_is_named(numbers: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"'z'.*x, y"):
        to_frame(None, Dataset(table_of(numbers).files, CSV, (Columns(("z",)),)))


def test_lines_are_rows_of_one_column(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text('{"data": [1, 2]}\n"{""data"": [3]}"\n\n')
    lines = TableFormat("delimited", separator="\n", headers="none")
    frame = to_frame(None, table_of(tmp_path / "r.txt", lines))
    assert frame.to_dict("list") == {"Column1": ['{"data": [1, 2]}', '{"data": [3]}']}


def test_headers_types_and_empty_values_are_as_asked(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id;when;note\n01;2020-01-02;\n")
    table = TableFormat(
        "delimited",
        separator=";",
        infer_types=False,
        empty_as_text=True,
        column_types={"when": "time"},
        path_column="Path",
    )
    frame = to_frame(None, table_of(tmp_path / "t.csv", table))
    assert frame.iloc[0].to_dict() == {
        "Path": "/t.csv",
        "id": "01",
        "when": datetime(2020, 1, 2),
        "note": "",
    }
    none = to_frame(
        None, table_of(tmp_path / "t.csv", TableFormat("delimited", separator=";", headers="none"))
    )
    assert list(none.columns) == ["Column1", "Column2", "Column3"]
    assert len(none) == 2


def test_json_lines_and_broken_files(tmp_path: Path) -> None:
    (tmp_path / "j.json").write_text('{"a": 1}\nnot json\n{"a": 2}\n')
    with pytest.raises(DatasetUnreadable, match=r"j\.json cannot be read as json-lines"):
        to_frame(None, table_of(tmp_path / "j.json", TableFormat("json-lines")))
    frame = to_frame(None, table_of(tmp_path / "j.json", TableFormat("json-lines", skip_bad_lines=True)))
    assert list(frame["a"]) == [1, 2]


def test_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pandas reads Parquet with pyarrow")
    import pandas as pd

    pd.DataFrame({"a": [1, 2]}).to_parquet(tmp_path / "p.parquet")
    frame = to_frame(None, table_of(tmp_path / "p.parquet", TableFormat("parquet")))
    assert list(frame["a"]) == [1, 2]


def test_uploads_are_kept_by_path_and_skip_what_is_there(workspace: Workspace, numbers: Path) -> None:
    store, skipped = "workspaceblobstore", []
    file = numbers / "a.csv"
    datastore.upload(workspace, store, [LocalFile("d/a.csv", file)])
    file.write_text("new")
    written = datastore.upload(workspace, store, [LocalFile("d/a.csv", file)], on_skip=skipped.append)
    assert (written, skipped) == ((), ["d/a.csv"])
    datastore.upload(workspace, store, [LocalFile("d/a.csv", file)], overwrite=True)
    target = numbers / "out"
    assert datastore.download(workspace, store, target) == [target / "d/a.csv"]
    assert (target / "d/a.csv").read_text() == "new"
    assert datastore.find(workspace, "workspacefilestore")[1] == []
    with pytest.raises(DatastoreNotFound, match="workspaceblobstore"):
        datastore.find(workspace, "mine")


@pytest.mark.parametrize(
    ("pattern", "folder", "found"),
    [
        ("a/x.csv", "a", ["a/x.csv"]),
        ("a", "a", ["a/b/y.csv", "a/x.csv"]),
        ("./a/", "a", ["a/b/y.csv", "a/x.csv"]),
        ("", ".", ["a/b/y.csv", "a/x.csv", "ab.csv"]),
        ("a/**/*.csv", "a", ["a/b/y.csv", "a/x.csv"]),
        ("a/**", "a", ["a/b/y.csv", "a/x.csv"]),
        ("a/*.csv", "a", ["a/x.csv"]),
        ("?b.csv", ".", ["ab.csv"]),
        ("nothing", "nothing", []),
    ],
)
def test_patterns_of_a_data_store(pattern: str, folder: str, found: list[str]) -> None:
    assert matching(pattern, ["ab.csv", "a/x.csv", "a/b/y.csv"]) == (folder, found)


def test_patterns_of_this_machine(numbers: Path) -> None:
    def names(pattern: Path) -> list[str]:
        return [file.path for file in find_local(pattern)[1]]

    assert names(numbers) == names(numbers / "**") == names(numbers / "**/*.csv") == ["a.csv", "more/b.csv"]
    assert names(numbers / "*.csv") == ["a.csv"]
    assert names(numbers / ".hidden") == [".hidden"]
    with pytest.raises(DatasetFileNotFound, match="names no file"):
        find_local(numbers / "*.txt")


@pytest.mark.parametrize("path", ["../a", "a/../../b", "x" * 3000, "a\0b"])
def test_paths_that_leave_the_store_are_refused(path: str) -> None:
    with pytest.raises(InvalidArgument):
        checked_path(path)


def test_downloads_do_not_overwrite_unless_allowed(workspace: Workspace, numbers: Path) -> None:
    made = datasets.register(workspace, Dataset(files=tuple(find_local(numbers)[1])), "files")
    target = numbers / "copy"
    assert sorted(download(workspace, made.files, target, overwrite=False)) == [
        target / "a.csv",
        target / "more/b.csv",
    ]
    with pytest.raises(DownloadTargetExists):
        download(workspace, made.files, target, overwrite=False)
    with pytest.raises(DatasetUnreadable, match="not a table"):
        to_frame(workspace, made)


def test_times_are_aware(workspace: Workspace, numbers: Path) -> None:
    made = datasets.save(workspace, table_of(numbers))
    assert made.name is None
    assert made.created_at is not None
    assert abs((datetime.now(timezone.utc) - made.created_at).total_seconds()) < 60
    assert datasets.save(workspace, made) is made
