"""Workspaces: configuration files, where they are looked for, and the local workspace they open."""

import json
from pathlib import Path

import pytest

from azureml.core import Workspace
from azureml.exceptions import ProjectSystemException, UserErrorException, WorkspaceException

KEYS = {"subscription_id": "sub", "resource_group": "group", "workspace_name": "lab"}


def write(path: str, document: object) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(document))
    return path


def test_a_file_of_any_name_opens_the_workspace_of_its_name(ws: Workspace) -> None:
    path = write(".file-path/ws_config.json", KEYS)
    opened = Workspace.from_config(path=path)
    assert (opened.name, opened.subscription_id, opened.resource_group) == ("lab", "sub", "group")


def test_the_newer_form_of_the_file_opens_it_too(ws: Workspace) -> None:
    scope = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/lab"
    opened = Workspace.from_config(write("config.json", {"Id": "1", "Scope": scope}))
    assert (opened.name, opened.subscription_id, opened.resource_group) == ("lab", "s", "g")


@pytest.mark.parametrize("place", [".azureml/config.json", "aml_config/config.json", "config.json"])
def test_the_file_is_found_from_folders_below(
    ws: Workspace, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(place, KEYS)
    Path("a/b").mkdir(parents=True)
    assert Workspace.from_config("a/b").name == "lab"
    monkeypatch.chdir("a/b")
    assert Workspace.from_config().name == "lab"


def test_the_nearest_file_wins(ws: Workspace) -> None:
    write("config.json", {**KEYS, "workspace_name": "other"})
    write("deep/aml_config/config.json", {**KEYS, "workspace_name": "other"})
    write("deep/.azureml/config.json", KEYS)
    assert Workspace.from_config("deep").name == "lab"


def test_another_file_name_can_be_looked_for(ws: Workspace) -> None:
    write(".azureml/test.json", KEYS)
    assert Workspace.from_config(_file_name="test.json").name == "lab"


def test_without_a_file_the_start_of_the_search_is_named() -> None:
    with pytest.raises(UserErrorException, match="missing"):
        Workspace.from_config("missing")
    with pytest.raises(UserErrorException, match="here"):
        Workspace.from_config()


def test_wrong_files_are_told(ws: Workspace) -> None:
    with pytest.raises(UserErrorException, match="workspace_name"):
        Workspace.from_config(write("config.json", {"workspace_name": "lab"}))
    Path("broken.json").write_text("{")
    with pytest.raises(json.JSONDecodeError):
        Workspace.from_config("broken.json")


def test_an_unknown_workspace_says_in_one_line_how_to_make_it() -> None:
    path = write("config.json", KEYS)
    with pytest.raises(ProjectSystemException) as caught:
        Workspace.from_config(path)
    assert "moor workspace create -w lab" in caught.value.message
    assert "\n" not in caught.value.message
    with pytest.raises(ProjectSystemException):
        Workspace("sub", "group", "lab")
    with pytest.raises(WorkspaceException):
        Workspace.get("lab")


def test_the_written_file_opens_the_workspace_again(ws: Workspace) -> None:
    ws.write_config()
    assert json.loads(Path(".azureml/config.json").read_text()) == KEYS
    assert Workspace.from_config().name == "lab"


def test_the_older_folder_is_used_when_it_is_there(ws: Workspace) -> None:
    Path("project/aml_config").mkdir(parents=True)
    ws.write_config(path="project", file_name="ws.json")
    assert Path("project/aml_config/ws.json").is_file()
    with pytest.raises(UserErrorException, match="nowhere"):
        ws.write_config(path="nowhere")


def test_creating_twice_needs_exist_ok(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WorkspaceException, match="exists"):
        Workspace.create("lab")
    again = Workspace.create("lab", exist_ok=True)
    assert again.subscription_id == "sub"
    assert "lab" in capsys.readouterr().out
    with pytest.raises(UserErrorException, match="not a valid workspace name"):
        Workspace.create("no spaces")


def test_workspaces_are_listed_by_name(ws: Workspace) -> None:
    Workspace.create("second", show_output=False)
    assert sorted(Workspace.list("any")) == ["lab", "second"]
    assert [one.name for one in Workspace.list("any")["lab"]] == ["lab"]


def test_what_a_workspace_says_of_itself(ws: Workspace) -> None:
    assert repr(ws) == "Workspace.create(name='lab', subscription_id='sub', resource_group='group')"
    details = ws.get_details()
    assert details["name"] == "lab"
    assert details["id"].startswith("/subscriptions/sub/resourceGroups/group/")
    assert (ws.sku, ws.tags, ws.location) == ("basic", {}, "local")
    assert ws.update(tags={"a": "b"})["tags"] == {"a": "b"}
    assert not hasattr(ws, "id")


def test_a_new_workspace_is_empty(ws: Workspace) -> None:
    assert ws.models == {}
    assert ws.environments == {}
    assert ws.compute_targets == {}
    assert ws.get_default_compute_target("CPU") is None
    assert ws.webservices == {}
