"""A service from its deployment to its deletion, over real HTTP."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from moorage import environments, models, services
from moorage.deployments import InferenceConfig, LocalConfig
from moorage.environments import Environment
from moorage.errors import (
    EntryScriptError,
    InvalidName,
    ModelInUse,
    ModelNotFound,
    PlanRejected,
    PropertyExists,
    ServiceExists,
    ServiceNotFound,
    ServiceNotRunning,
)


def _ask(workspace, name="svc", value=1):
    return services.run(workspace, name, json.dumps(value)).json()


def test_deploy_score_update_delete(workspace, model, script):
    first = model("one")
    events = []
    service = services.deploy(workspace, "svc", [first], script(), on_event=events.append)
    assert (service.state, service.revision, service.models) == ("Healthy", 1, ("m:1",))
    assert service.scoring_uri == f"http://localhost:{service.port}/score"
    assert [event.kind for event in events] == ["planned", "prepared", "starting", "live"]
    assert _ask(workspace) == {"answer": "one", "got": 1}

    second = model("two")
    updated = services.update(workspace, "svc", models=[second])
    assert (updated.revision, updated.port, updated.models) == (2, service.port, ("m:2",))
    assert _ask(workspace)["answer"] == "two"
    assert [found.name for found in services.list_services(workspace)] == ["svc"]

    services.delete(workspace, "svc")
    assert services.list_services(workspace) == []
    assert not (workspace.path / "services" / "svc").exists()
    with pytest.raises(ServiceNotFound):
        services.get(workspace, "svc")


def test_a_failing_init_shows_the_users_traceback_and_leaves_the_service_alone(workspace, model, script):
    services.deploy(workspace, "svc", [model()], script())
    bad = script("def init():\n    raise RuntimeError('no weights')\ndef run(data): return 1\n", "bad.py")
    with pytest.raises(EntryScriptError) as caught:
        services.update(workspace, "svc", inference_config=bad)
    assert caught.value.stage == "init"
    assert "no weights" in str(caught.value)
    assert 'bad.py", line 2, in init' in caught.value.traceback
    service = services.get(workspace, "svc")
    assert (service.state, service.revision, service.error) == ("Healthy", 1, None)
    assert _ask(workspace)["answer"] == "one"
    # And it can be updated again.
    assert services.update(workspace, "svc", inference_config=script()).revision == 3


def test_a_first_deployment_that_fails_keeps_its_log_and_can_be_repeated(workspace, model, script):
    bad = script("def init():\n    print('looking')\n    1 / 0\ndef run(data): return 1\n")
    with pytest.raises(EntryScriptError, match="division by zero"):
        services.deploy(workspace, "svc", [model()], bad)
    service = services.get(workspace, "svc")
    assert service.state == "Failed"
    assert service.error.stage == "init"
    assert "line 3, in init" in service.error.traceback
    assert "looking" in services.get_logs(workspace, "svc")
    with pytest.raises(ServiceNotRunning):
        services.run(workspace, "svc", "1")
    assert services.deploy(workspace, "svc", ["m:1"], script()).state == "Healthy"


def test_a_wrong_plan_changes_nothing(workspace, model, script):
    config = script("import not_there_at_all\ndef init(): pass\ndef run(): pass\n")
    with pytest.raises(PlanRejected) as caught:
        services.deploy(workspace, "svc", ["m:7"], config)
    text = str(caught.value)
    assert "model m:7 is not registered" in text
    assert "imports not_there_at_all" in text
    assert "run() takes no parameter" in text
    assert services.list_services(workspace) == []
    assert not list((workspace.path / "services").glob("[a-z]*"))


def test_single_problems_are_their_own_errors(workspace, script):
    with pytest.raises(ModelNotFound):
        services.deploy(workspace, "svc", ["m:7"], script())
    with pytest.raises(InvalidName):
        services.deploy(workspace, "No Name", [], script())


def test_a_name_is_taken_once(workspace, model, script):
    services.deploy(workspace, "svc", [model()], script())
    with pytest.raises(ServiceExists):
        services.deploy(workspace, "svc", ["m:1"], script())
    model("two")
    assert services.deploy(workspace, "svc", ["m"], script(), overwrite=True).models == ("m:2",)
    assert _ask(workspace)["answer"] == "two"


def test_models_in_use_cannot_be_deleted(workspace, model, script):
    services.deploy(workspace, "svc", [model("one")], script())
    model("two")
    assert services.models_in_use(workspace) == {"m:1": ("svc",)}
    with pytest.raises(ModelInUse, match="svc"):
        models.delete(workspace, "m:1")
    services.update(workspace, "svc", models=["m:2"])
    models.delete(workspace, "m:1")
    # The deployed copy of the files does not depend on the registry.
    assert services.models_in_use(workspace) == {"m:2": ("svc",)}
    services.delete(workspace, "svc")
    models.delete(workspace, "m:2")


def test_labels_change_without_a_restart(workspace, model, script):
    services.deploy(workspace, "svc", [model()], script(), tags={"a": 1}, properties={"p": "q"})
    updated = services.update(
        workspace, "svc", add_tags={"b": "2"}, remove_tags=["a"], properties={"r": "s"}, description="new"
    )
    assert (updated.revision, updated.description) == (1, "new")
    assert (dict(updated.tags), dict(updated.properties)) == ({"b": "2"}, {"p": "q", "r": "s"})
    with pytest.raises(PropertyExists):
        services.update(workspace, "svc", properties={"p": "other"})
    assert [s.name for s in services.list_services(workspace, tags=["b=2"])] == ["svc"]
    assert services.list_services(workspace, tags=[("b", "3")]) == []
    assert services.list_services(workspace, model_name="other") == []
    assert [s.name for s in services.list_services(workspace, model_id="m:1")] == ["svc"]


def test_reload_takes_fresh_copies_and_update_the_deployed_ones(workspace, model, script):
    config = script(folder="code")
    services.deploy(workspace, "svc", [model()], config)
    config.entry_path.write_text(config.entry_path.read_text().replace('"got"', '"heard"'))
    services.update(workspace, "svc", models=["m:1"])
    assert _ask(workspace) == {"answer": "one", "got": 1}
    services.reload(workspace, "svc")
    assert _ask(workspace) == {"answer": "one", "heard": 1}
    config.entry_path.unlink()
    events = []
    services.reload(workspace, "svc", on_event=events.append)
    assert _ask(workspace) == {"answer": "one", "heard": 1}
    assert any("the deployed copy is used" in event.message for event in events)


def test_a_source_folder_goes_along_whole(workspace, model, tmp_path):
    folder = tmp_path / "project"
    (folder / "lib" / "deep").mkdir(parents=True)
    (folder / "lib" / "__init__.py").write_text("")
    (folder / "lib" / "names.py").write_text("NAME = 'deep library'\n")
    (folder / "lib" / "deep" / "data.txt").write_text("data")
    (folder / "score.py").write_text(
        "import os\nfrom lib.names import NAME\n"
        "HERE = os.path.dirname(__file__)\n"
        "def init(): pass\n"
        "def run(data):\n"
        "    return [NAME, open(os.path.join(HERE, 'lib', 'deep', 'data.txt')).read(),\n"
        "            os.environ['AZUREML_ENTRY_SCRIPT'], os.environ['COLOUR']]\n"
    )
    config = InferenceConfig(
        entry_script="score.py",
        source_directory=folder,
        environment=Environment("e", variables={"COLOUR": "green"}),
    )
    services.deploy(workspace, "svc", [model()], config)
    name, data, script, colour = _ask(workspace)
    assert (name, data, colour) == ("deep library", "data", "green")
    assert script.endswith("app/project/score.py")


def test_an_environment_that_comes_along_is_registered(workspace, model, script):
    config = replace(script(), environment=Environment("e", variables={"A": "1"}))
    service = services.deploy(workspace, "svc", [model()], config)
    assert environments.get(workspace, "e").version == "1"
    assert service.inference_config.environment.id == "e:1"


def test_a_long_request_is_finished_by_the_revision_that_began_it(workspace, model, script):
    slow = script(
        "import time\ndef init(): pass\ndef run(data):\n    time.sleep(4)\n    return 'old'\n", "slow.py"
    )
    service = services.deploy(workspace, "svc", [model()], slow)
    desired = json.loads((workspace.path / "services/svc/desired.json").read_text())
    assert desired["drain_timeout_s"] == 3600
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(_ask, workspace)
        _wait_for_connection(service.port)
        services.update(workspace, "svc", inference_config=script())
        assert _ask(workspace)["answer"] == "one"
        assert answer.result(timeout=30) == "old"


def _wait_for_connection(port):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        if any(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows):
            return
        time.sleep(0.01)
    raise AssertionError("nobody connected")


def test_several_models_share_a_folder(workspace, model, script):
    model("one")
    model("two")
    text = (
        "import os\nfrom azureml.core.model import Model\n"
        "def init(): pass\n"
        "def run(data):\n"
        "    root = os.environ['AZUREML_MODEL_DIR']\n"
        "    return [open(os.path.join(root, 'm', v, 'model.txt')).read() for v in '12'] + [\n"
        "        open(Model.get_model_path('m', 1)).read()]\n"
    )
    services.deploy(workspace, "svc", ["m:1", "m:2"], script(text))
    assert _ask(workspace) == ["one", "two", "one"]


def test_only_the_last_five_revisions_are_kept(workspace, model, script):
    services.deploy(workspace, "svc", [model()], script("def init(): pass\ndef run(data): return 1\n"))
    for _ in range(6):
        services.update(workspace, "svc")
    kept = sorted(int(p.name) for p in (workspace.path / "services/svc/revisions").iterdir())
    assert kept == [3, 4, 5, 6, 7]


def test_settings_reach_the_server(workspace, model, script):
    text = "import time\ndef init(): pass\ndef run(data): time.sleep(5)\n"
    services.deploy(workspace, "svc", [model()], script(text), LocalConfig(scoring_timeout_ms=200))
    answer = services.run(workspace, "svc", "1")
    assert answer.status == 500
    assert "200" in answer.text


def test_files_are_named_relative_to_the_application_root(workspace, model, script):
    text = (
        "import os\ndef init(): pass\ndef run(data):\n"
        "    return [os.getcwd() == os.environ['AML_APP_ROOT'], os.path.exists('azureml-models/m/1')]\n"
    )
    services.deploy(workspace, "svc", [model()], script(text))
    assert _ask(workspace) == [True, True]


def test_a_plan_of_an_existing_service_accepts_its_own_port(workspace, model, script):
    service = services.deploy(workspace, "svc", [model()], script())
    config = LocalConfig(port=service.port)
    assert services.make_plan(workspace, "svc", ["m:1"], script(), config).is_possible
    assert not services.make_plan(workspace, "other", ["m:1"], script(), config).is_possible
    assert services.make_plan(workspace, "No", [], script()).errors[0].where == "name"


def test_secrets_of_the_caller_stay_with_the_caller(workspace, model, script, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    monkeypatch.setenv("LC_TIME", "C")
    text = "import os\ndef init(): pass\ndef run(data): return dict(os.environ)\n"
    services.deploy(workspace, "svc", [model()], script(text))
    variables = _ask(workspace)
    assert "AWS_SECRET_ACCESS_KEY" not in variables
    assert not [name for name in variables if name.startswith("MOORAGE_HOME")]
    assert variables["LC_TIME"] == "C"
    assert variables["WORKSPACE_NAME"] == "test"
