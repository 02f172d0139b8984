"""Deploy, ask, update and delete through ``moor`` as users run it, against a real service."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import json, os
def init():
    global answer
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl")) as file:
        answer = file.read()
    print("loaded", answer)
def run(data):
    return {"model": answer, "data": json.loads(data)["data"]}
"""


@pytest.fixture
def project(place: Path, invoke: Callable[..., Any]) -> Path:
    (place / "score.py").write_text(SCRIPT)
    (place / "inferenceconfig.json").write_text('{"entryScript": "score.py"}')
    (place / "deploymentconfig.json").write_text('{"computeType": "local"}')
    (place / "rows.json").write_text('{"data": [1, 2]}')
    for content in ("one", "two"):
        (place / "model.pkl").write_text(content)
        result = invoke("model", "register", "-n", "My_Model", "-p", "model.pkl", "-t", "info.json")
        assert result.exit_code == 0
    return place


def _answer(result: Any) -> Any:
    assert (result.returncode if hasattr(result, "returncode") else result.exit_code) == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.usefixtures("delete_services")
def test_the_life_of_a_service(project: Path, moor: Callable[..., Any], invoke: Callable[..., Any]) -> None:
    files = ("-ic", "inferenceconfig.json", "-dc", "deploymentconfig.json")
    result = moor("ml", "model", "deploy", "-m", "My_Model:1", *files, "--tag", "a=1", "--property", "p=1")
    service = _answer(result)
    assert (service["name"], service["state"], service["computeType"]) == ("my-model", "Healthy", "Local")
    assert (service["tags"], service["properties"], service["models"]) == (
        {"a": "1"},
        {"p": "1"},
        ["My_Model:1"],
    )
    assert 'Local service creation operation finished, operation "Succeeded"' in result.stderr

    name = ("-n", "my-model")
    assert _answer(moor("service", "run", *name, "-d", "@rows.json")) == {"model": "one", "data": [1, 2]}
    assert (
        moor("service", "run", *name, "-d", "@rows.json", "--query", "model", "-o", "tsv").stdout == "one\n"
    )
    failed = moor("service", "run", *name, "-d", "no json")
    assert failed.returncode == 1
    assert "service my-model answered 5" in failed.stderr

    again = invoke("model", "deploy", "-m", "My_Model:1", *files)
    assert again.exit_code == 1
    assert "service 'my-model' exists already; update it (moor service update -n my-model)" in again.stderr
    in_use = invoke("model", "delete", "-i", "My_Model:1")
    assert in_use.exit_code == 1
    assert "model My_Model:1 is used by service my-model" in in_use.stderr

    assert [found["name"] for found in _answer(invoke("service", "list", "--model-id", "My_Model:1"))] == [
        "my-model"
    ]
    assert _answer(invoke("service", "list", "--tag", "a=2")) == []
    assert "loaded one" in invoke("service", "get-logs", *name).stdout
    assert len(invoke("service", "logs", *name, "-l", "2").stdout.splitlines()) == 2

    updated = _answer(invoke("service", "update", *name, "-f", "info.json", "--add-tag", "b=2"))
    assert (updated["models"], updated["tags"]) == (["My_Model:2"], {"a": "1", "b": "2"})
    assert updated["scoringUri"] == service["scoringUri"]
    assert _answer(invoke("service", "run", *name, "-d", "@rows.json"))["model"] == "two"

    (project / "score.py").write_text(SCRIPT.replace('data"]}', 'data"], "new": True}'))
    assert _answer(invoke("service", "reload", *name))["revision"] == 3
    assert _answer(invoke("service", "run", *name, "-d", "@rows.json"))["new"] is True

    assert _answer(moor("service", "delete", *name)) == {"name": "my-model", "deleted": True}
    gone = invoke("service", "show", *name)
    assert (gone.exit_code, gone.stdout) == (3, "")
    assert "service 'my-model' does not exist" in gone.stderr
    assert invoke("model", "delete", "-i", "My_Model:1").exit_code == 0


@pytest.mark.usefixtures("delete_services")
def test_a_deployment_without_waiting(project: Path, moor: Callable[..., Any]) -> None:
    command = ("model", "deploy", "-n", "later", "-m", "My_Model:1", "--ic", "inferenceconfig.json")
    begun = _answer(moor(*command, "--no-wait"))
    assert (begun["name"], begun["state"] in {"Transitioning", "Healthy"}) == ("later", True)
    deadline = time.monotonic() + 60
    while _answer(moor("service", "show", "-n", "later"))["state"] != "Healthy":
        assert time.monotonic() < deadline
    refused = moor(*command, "--no-wait")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "service 'later' exists already" in refused.stderr


def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    project: Path, invoke: Callable[..., Any]
) -> None:
    files = ("--ic", "inferenceconfig.json", "--dc", "deploymentconfig.json")
    plan = _answer(invoke("model", "deploy", "-m", "My_Model:1", *files, "--dry-run"))
    assert (plan["isPossible"], plan["service"], plan["problems"]) == (True, "my-model", [])
    (project / "score.py").write_text("def init(): pass\n")
    result = invoke("model", "deploy", "-n", "BAD", "-m", "My_Model:9", *files, "--dry-run")
    plan = json.loads(result.stdout)
    assert (result.exit_code, plan["isPossible"]) == (1, False)
    text = json.dumps(plan["problems"])
    assert "'BAD' is not a valid service name" in text  # all at once, not only the first
    assert "My_Model:9 is not registered" in text
    assert "run" in text
    assert _answer(invoke("service", "list")) == []


@pytest.mark.usefixtures("delete_services")
def test_a_failing_script_shows_its_own_traceback(project: Path, moor: Callable[..., Any]) -> None:
    (project / "score.py").write_text(SCRIPT.replace("def init():", "def init():\n    1 / 0"))
    result = moor("model", "deploy", "-n", "svc", "-m", "My_Model:1", "--ic", "inferenceconfig.json")
    assert (result.returncode, result.stdout) == (1, "")
    assert "ZeroDivisionError" in result.stderr
    assert "the entry script failed (init)" in result.stderr
    assert "moorage" not in result.stderr.lower().replace("moorage_", "").split("the entry script failed")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            "model deploy -n svc -m nothing:1 --ic inferenceconfig.json",
            1,
            "model nothing:1 is not registered",
        ),
        ("model deploy -n svc -m My_Model:1 --ic nothing.json", 1, "nothing.json does not exist"),
        ("model deploy --ic inferenceconfig.json", 2, "say how the service shall be called"),
        ("service show -n nothing", 3, "service 'nothing' does not exist"),
        ("service run -n nothing -d 1", 1, "service 'nothing' does not exist"),
        ("service update -n nothing -m My_Model:1", 1, "service 'nothing' does not exist"),
        ("service delete -n nothing", 1, "service 'nothing' does not exist"),
        ("service logs -n nothing", 1, "service 'nothing' does not exist"),
        ("service logs", 2, "--name"),
        ("service list --output wrong", 2, "'wrong' is none of"),
        ("service nothing", 2, "nothing"),
    ],
)
def test_what_is_wrong_is_said(
    project: Path, invoke: Callable[..., Any], arguments: str, code: int, message: str
) -> None:
    result = invoke(*arguments.split())
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("delete_services")
def test_a_service_of_a_cluster(project: Path, moor: Callable[..., Any], invoke: Callable[..., Any]) -> None:
    config = {"computeType": "aks", "tags": {"team": "blue"}, "description": "d", "scoringTimeoutMs": 5000}
    (project / "aks.json").write_text(json.dumps(config))
    line = ["-n", "clustered", "-m", "My_Model:1", "--es", "score.py", "--dc", "aks.json", "--ct", "cluster"]
    result = moor("ml", "model", "deploy", *line, "--tag", "a=1")
    service = _answer(result)
    assert "AKS services run as processes of this machine for now: 1 scorer" in result.stderr
    assert (service["computeType"], service["computeName"]) == ("AKS", "cluster")
    assert (service["tags"], service["description"]) == ({"a": "1", "team": "blue"}, "d")
    assert (service["authEnabled"], service["scoringTimeoutMs"]) == (True, 5000)
    assert _answer(invoke("service", "run", "-n", "clustered", "-d", "@rows.json"))["model"] == "one"
    assert _answer(invoke("service", "list", "-c", "aks", "--query", "[].name")) == ["clustered"]
    assert _answer(invoke("service", "list", "-c", "local")) == []
    assert invoke("endpoint", "realtime", "show", "-n", "clustered").exit_code == 3

    from azureml.core import Webservice, Workspace

    found = Webservice(Workspace.get("default"), "clustered")
    assert (type(found).__name__, found.compute_type) == ("AksWebservice", "AKS")
    assert (found.compute_name, found.scoring_timeout_ms, found.num_replicas) == ("cluster", 5000, None)
    assert (found.autoscaler.max_replicas, found.liveness_probe_requirements.period_seconds) == (10, 10)
