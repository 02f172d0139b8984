"""A registration is a complete new version, or nothing."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from moorage import models
from moorage.errors import EmptyModelFolder, InvalidArgument, InvalidName, ModelPathNotFound
from moorage.models import ModelFile, ResourceConfiguration
from moorage.models.libraries import installed_libraries
from moorage.workspace import Workspace

MakeFolder = Callable[[str, dict[str, bytes]], Path]


def test_a_version_holds_all_that_was_said(registry: Workspace, make_folder: MakeFolder) -> None:
    folder = make_folder("flowers", {"model.bin": b"12345", "sub/labels.txt": b""})
    before = datetime.now(timezone.utc) - timedelta(seconds=1)
    model = models.register(
        registry,
        folder,
        "Flowers_1.0-x",
        tags={"area": "garden", "top": 1, "a=b": "c=d", "ümlaut": "日本"},
        properties={"checked": True},
        description="what\nit is",
        framework="ScikitLearn",
        framework_version="0.20.3",
        resources=ResourceConfiguration(cpu_cores=0.5, memory_gb=2, gpu_count=1),
        run_id="run-1",
        experiment_name="spring",
        sample_input_dataset_id="in",
        sample_output_dataset_id="out",
    )
    assert models.get(registry, "Flowers_1.0-x") == model
    assert (model.id, model.version) == ("Flowers_1.0-x:1", 1)
    assert model.tags == {"area": "garden", "top": "1", "a=b": "c=d", "ümlaut": "日本"}
    assert model.properties == {"checked": "True"}
    assert (model.description, model.framework, model.framework_version) == (
        "what\nit is",
        "ScikitLearn",
        "0.20.3",
    )
    assert model.resources == ResourceConfiguration(0.5, 2, 1)
    assert (model.run_id, model.experiment_name) == ("run-1", "spring")
    assert (model.sample_input_dataset_id, model.sample_output_dataset_id) == ("in", "out")
    assert before < model.created_at < datetime.now(timezone.utc) + timedelta(seconds=1)
    assert model.created_at.tzinfo is timezone.utc
    assert model.created_by
    assert model.files == (
        ModelFile("flowers/model.bin", "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5", 5),
        ModelFile(
            "flowers/sub/labels.txt", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0
        ),
    )
    assert (model.top_level_name, model.size_bytes) == ("flowers", 5)
    assert model.libraries["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}")


def test_a_version_of_which_nothing_was_said_has_nothing(registry: Workspace, model_file: Path) -> None:
    model = models.register(registry, str(model_file), "m")
    assert models.get(registry, "m", 1) == model
    assert (model.tags, model.properties, model.description, model.framework) == ({}, {}, None, None)
    assert (model.resources, model.run_id) == (None, None)


def test_versions_count_per_name_and_are_never_given_twice(registry: Workspace, model_file: Path) -> None:
    ids = [models.register(registry, model_file, name).id for name in ("a", "b", "a", "a")]
    assert ids == ["a:1", "b:1", "a:2", "a:3"]
    models.delete(registry, "a:3")
    models.delete(registry, "a:1")
    assert models.register(registry, model_file, "a").id == "a:4"
    models.delete(registry, "b:1")
    assert models.register(registry, model_file, "b").id == "b:2"


def test_names_are_told_apart_by_case(registry: Workspace, model_file: Path) -> None:
    assert [models.register(registry, model_file, name).id for name in ("m", "M")] == ["m:1", "M:1"]


@pytest.mark.parametrize("name", ["a", "1", "A.b_c-", "x" * 255])
def test_valid_names(workspace: Workspace, model_file: Path, name: str) -> None:
    assert models.register(workspace, model_file, name).name == name


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "-a", ".a", "_a", "a/b", "a:1", "é", "x" * 256, "a\n", "../a", None, 7]
)
def test_invalid_names_change_nothing(workspace: Workspace, model_file: Path, name: Any) -> None:
    with pytest.raises(InvalidName, match="is not a valid model name: 1 to 255 letters"):
        models.register(workspace, model_file, name)
    _assert_nothing_was_stored(workspace)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tags": ["a"]}, "tags: must be a dict"),
        ({"tags": {"": "x"}}, "at least one character"),
        ({"tags": {"a": None}}, "value of 'a'"),
        ({"tags": {"a": ["b"]}}, "value of 'a'"),
        ({"tags": {1: "b"}}, "1 is not a key"),
        ({"tags": {"x" * 256: "b"}}, "at most 255"),
        ({"properties": {"a": "nul\0"}}, "NUL"),
        ({"properties": {"a": "\ud800"}}, "Unicode"),
        ({"description": 7}, "description: must be a text"),
        ({"framework_version": "1"}, "without a framework"),
        ({"run_id": "x" * 256}, "run_id: has 256 characters"),
    ],
)
def test_invalid_values_change_nothing(
    workspace: Workspace, model_file: Path, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        models.register(workspace, model_file, "m", **arguments)
    _assert_nothing_was_stored(workspace)


@pytest.mark.parametrize(
    "values", [{"cpu_cores": 0}, {"memory_gb": -1}, {"cpu_cores": float("nan")}, {"gpu_count": -1}]
)
def test_impossible_resources_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=next(iter(values))):
        ResourceConfiguration(**values)


def test_a_missing_path_and_an_empty_folder_change_nothing(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelPathNotFound):
        models.register(workspace, tmp_path / "nothing.pkl", "m")
    with pytest.raises(EmptyModelFolder):
        models.register(workspace, tmp_path / "empty", "m")
    _assert_nothing_was_stored(workspace)


def test_equal_files_are_stored_once(workspace: Workspace, make_folder: MakeFolder) -> None:
    folder = make_folder("flowers", {f"{number}.bin": b"same" for number in range(20)})
    models.register(workspace, folder, "m")
    models.register(workspace, folder / "1.bin", "n")
    assert len(list(workspace.blobs.list())) == 1


def test_progress_counts_to_the_total(workspace: Workspace, make_folder: MakeFolder) -> None:
    folder = make_folder("flowers", {"a": b"1" * 1000, "b": b"2" * 500, "c": b"", "d": b"3", "e": b"4"})
    for name in ("first", "stored-before"):
        steps: list[tuple[int, int]] = []
        models.register(workspace, folder, name, on_progress=lambda *step, steps=steps: steps.append(step))
        assert steps[-1] == (1502, 1502)
        assert steps == sorted(steps)


def test_many_small_files_keep_their_names(workspace: Workspace, make_folder: MakeFolder) -> None:
    contents = {f"{number % 7}/{number}.bin": str(number).encode() for number in range(300)}
    model = models.register(workspace, make_folder("many", contents), "m")
    assert [file.path for file in model.files] == sorted(f"many/{path}" for path in contents)
    assert all(file.size_bytes == len(contents[file.path.removeprefix("many/")]) for file in model.files)


def test_a_content_that_is_removed_meanwhile_is_stored_again(
    workspace: Workspace, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.register(workspace, model_file, "other")
    store, put_file = workspace.blobs, workspace.blobs.put_file
    interruptions = iter([True, False])

    def put_and_be_interrupted(*arguments: Any, **options: Any) -> Any:
        blob = put_file(*arguments, **options)
        if next(interruptions):
            models.delete(workspace, "other:1")  # another process, between storing and the transaction
        return blob

    monkeypatch.setattr(store, "put_file", put_and_be_interrupted)
    model = models.register(workspace, model_file, "m")
    store.verify(model.files[0].sha256)


def test_libraries_of_our_own_interpreter_and_of_an_active_environment(tmp_path: Path) -> None:
    own = installed_libraries(environment={})
    assert own["python"] == ".".join(map(str, sys.version_info[:3]))
    packages = tmp_path / "venv" / "lib" / "python3.6" / "site-packages"
    (packages / "scikit_learn-0.20.3.dist-info").mkdir(parents=True)
    (packages / "scikit_learn-0.20.3.dist-info" / "METADATA").write_text(
        "Name: scikit-learn\nVersion: 0.20.3\n"
    )
    (packages / "numpy-1.13.0.dist-info").mkdir()  # half removed: no METADATA
    found = installed_libraries(environment={"VIRTUAL_ENV": str(tmp_path / "venv")})
    assert found == {"python": "3.6", "scikit-learn": "0.20.3"}
    assert installed_libraries(environment={"CONDA_PREFIX": str(tmp_path / "nothing")}) == own
    assert installed_libraries(environment={"VIRTUAL_ENV": sys.prefix}) == own


def test_a_full_disk_registers_nothing_and_the_same_command_works_later(home: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(os.urandom(1_500_000) * 10)
    with Workspace.create("test") as workspace:
        assert models.list_models(workspace) == []  # the database is there
    program = (
        "import resource, sys\n"
        "from moorage import models\n"
        "from moorage.errors import StorageFull\n"
        "from moorage.workspace import Workspace\n"
        "if sys.argv[2] == 'full':\n    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))\n"
        "try:\n    models.register(Workspace.open('test'), sys.argv[1], 'm')\n"
        "except StorageFull as error:\n    sys.exit(str(error))\n"
    )
    full = subprocess.run(
        [sys.executable, "-c", program, str(large), "full"], check=False, capture_output=True, text=True
    )
    assert full.returncode == 1
    assert "no space left" in full.stderr
    assert "run the same command again" in full.stderr
    with Workspace.open("test") as workspace:
        _assert_nothing_was_stored(workspace)
        subprocess.run([sys.executable, "-c", program, str(large), "free"], check=True)
        assert models.get(workspace, "m").version == 1


def _assert_nothing_was_stored(workspace: Workspace) -> None:
    assert models.list_models(workspace) == []
    assert [path for path in (workspace.path / "blobs").rglob("*") if path.is_file()] == []
