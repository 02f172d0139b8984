"""What a revision on this machine looks like on disk."""

import json
import os
import stat

import pytest

from moorage import models
from moorage.deployments import InferenceConfig, LocalConfig, plan
from moorage.environments import Environment
from moorage.services.converging import Contents
from moorage.targets import Place
from moorage.targets.local import LocalTarget
from moorage_server.settings import read_settings


@pytest.fixture
def make(workspace):
    """Prepare revision 1 of a service and return its folder."""

    def make(config, model_ids=(), deployment=None):
        made = plan(workspace, "svc", model_ids, config, deployment)
        made.check()
        LocalTarget().prepare(
            Place(workspace.path, workspace.name, "svc"), 1, made, Contents(workspace, made.models)
        )
        return workspace.path / "services/svc/revisions/1"

    return make


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    (folder / "sub" / "__pycache__").mkdir(parents=True)
    (folder / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    (folder / ".hidden").write_text("hidden")
    (folder / ".gitignore").write_text("*.txt")
    (folder / "sub" / "words.txt").write_text("words")
    (folder / "sub" / "link.txt").symlink_to("words.txt")
    (folder / "sub" / "__pycache__" / "x.pyc").write_text("old")
    tool = folder / "tool.sh"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    return folder


def _files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_script_alone_is_put_into_the_root(make, project):
    folder = make(InferenceConfig(entry_script=project / "score.py"))
    assert _files(folder) == ["app/model_config_map.json", "app/score.py", "revision.json", "service.json"]
    settings = read_settings(folder / "service.json")
    assert (settings.entry_script, settings.source_directory) == ("score.py", None)
    assert settings.app_root == str(folder / "app")
    assert settings.model_dir == str(folder / "app/azureml-models")


def test_a_source_folder_goes_whole_under_its_name(make, project):
    folder = make(InferenceConfig(entry_script="score.py", source_directory=project))
    assert _files(folder / "app") == [
        "model_config_map.json",
        "project/.gitignore",
        "project/.hidden",
        "project/score.py",
        "project/sub/link.txt",
        "project/sub/words.txt",
        "project/tool.sh",
    ]
    assert not (folder / "app/project/sub/link.txt").is_symlink()
    assert os.access(folder / "app/project/tool.sh", os.X_OK)
    settings = read_settings(folder / "service.json")
    assert (settings.entry_script, settings.source_directory) == ("project/score.py", "project")


def test_models_are_laid_out_by_name_and_version(workspace, make, project, tmp_path):
    one = tmp_path / "model.pkl"
    one.write_text("one")
    many = tmp_path / "many"
    (many / "deep").mkdir(parents=True)
    (many / "a.bin").write_text("a")
    (many / "deep" / "b.bin").write_text("b")
    models.register(workspace, one, "single")
    models.register(workspace, many, "folder")
    folder = make(InferenceConfig(entry_script=project / "score.py"), ["single:1", "folder:1"])
    assert _files(folder / "app/azureml-models") == [
        "folder/1/many/a.bin",
        "folder/1/many/deep/b.bin",
        "single/1/model.pkl",
    ]
    content = json.loads((folder / "app/model_config_map.json").read_text())
    assert {key: value["path"] for key, value in content["models"].items()} == {
        "single:1": "azureml-models/single/1/model.pkl",
        "folder:1": "azureml-models/folder/1/many",
    }
    assert read_settings(folder / "service.json").model_dir == str(folder / "app/azureml-models")
    description = json.loads((folder / "revision.json").read_text())
    assert set(description["models"]) == {"single:1", "folder:1"}


def test_one_model_is_its_own_folder(workspace, make, project, tmp_path):
    path = tmp_path / "model.pkl"
    path.write_text("one")
    models.register(workspace, path, "m")
    folder = make(InferenceConfig(entry_script=project / "score.py"), ["m"])
    assert read_settings(folder / "service.json").model_dir == str(folder / "app/azureml-models/m/1")


def test_settings_and_variables_arrive(make, project):
    environment = Environment("e", variables={"COLOUR": "green"})
    folder = make(
        InferenceConfig(entry_script=project / "score.py", environment=environment),
        deployment=LocalConfig(worker_count=2, scoring_timeout_ms=5, max_queue_wait_ms=6, max_batch_size=7),
    )
    settings = read_settings(folder / "service.json")
    assert settings.environment == {"COLOUR": "green", "WORKSPACE_NAME": "test"}
    assert (settings.worker_count, settings.scoring_timeout_ms) == (2, 5)
    assert (settings.max_queue_wait_ms, settings.max_batch_size) == (6, 7)
    assert settings.smoke_run


def test_everything_belongs_to_its_owner_alone(workspace, make, project):
    make(InferenceConfig(entry_script="score.py", source_directory=project))
    for path in (workspace.path / "services").rglob("*"):
        assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0, path


def test_the_home_of_workspaces_is_never_copied_into_itself(home, make, project, monkeypatch):
    around = home.parent
    (around / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    folder = make(InferenceConfig(entry_script="score.py", source_directory=around))
    name = around.name
    assert f"app/{name}/score.py" in _files(folder)
    assert not (folder / "app" / name / home.name).exists()


def test_variables_of_the_environment_choose_settings_where_the_deployment_is_silent(make, project):
    variables = {
        "WORKER_COUNT": "3",
        "WORKER_PRELOAD": "true",
        "SCORING_TIMEOUT_MS": "700",
        "AML_CORS_ORIGINS": "http://a.example",
    }
    config = InferenceConfig(
        entry_script=project / "score.py", environment=Environment(name="old", variables=variables)
    )
    settings = read_settings(make(config) / "service.json")
    assert (settings.worker_count, settings.preload, settings.scoring_timeout_ms) == (3, True, 700)
    assert settings.cors_origins == "http://a.example"
    assert settings.environment["WORKER_COUNT"] == "3"  # the script sees it, too


def test_the_deployment_is_stronger_than_the_variables(make, project):
    variables = {"WORKER_COUNT": "3", "WORKER_PRELOAD": "true", "AML_CORS_ORIGINS": "http://a.example"}
    config = InferenceConfig(
        entry_script=project / "score.py", environment=Environment(name="old", variables=variables)
    )
    deployment = LocalConfig(
        worker_count=2, preload=False, cors_origins="*", max_batch_delay_ms=1.5, spin_us=50
    )
    settings = read_settings(make(config, deployment=deployment) / "service.json")
    assert (settings.worker_count, settings.preload, settings.cors_origins) == (2, False, "*")
    assert (settings.max_batch_delay_ms, settings.spin_us) == (1.5, 50)


def test_a_variable_that_cannot_be_used_is_a_problem_of_the_plan(workspace, project):
    config = InferenceConfig(
        entry_script=project / "score.py",
        environment=Environment(name="old", variables={"SCORING_TIMEOUT_MS": "soon"}),
    )
    made = plan(workspace, "svc", (), config)
    assert ["SCORING_TIMEOUT_MS" in problem.message for problem in made.problems] == [True]
