"""A slip of the finger is answered with the name that was meant."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.errors import DatasetNotFound, ServiceNotFound
from moorage.spelling import LONGEST_SEARCH, close_names, did_you_mean

Invoke = Callable[..., Any]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("modle list", "there is no command 'modle'; did you mean model?"),
        ("zzz", "there is no command 'zzz'; moor --help lists all"),
        ("model lsit", "Did you mean 'list'?"),
        ("endpoint realtime shwo", "Did you mean 'show'"),
        ("model list --lates", "--latest"),
        ("ml pipeline list", "Training pipelines are not run here"),
        ("ml online-endpoint create -n x", "belongs to the successor of the old command line (v2)"),
        ("configure --defaults workspace=x", "moor folder attach -w NAME"),
    ],
)
def test_commands(invoke: Invoke, command: str, said: str) -> None:
    result = invoke(*command.split())
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_names_in_the_workspace(invoke: Invoke, model_path: Path) -> None:
    invoke("workspace", "create", "-w", "ocean")
    assert "did you mean ocean? make it with" in invoke("model", "list", "-w", "oceam").stderr
    invoke("model", "register", "-n", "Diabetes", "-p", str(model_path))
    assert "model diabetis is not registered; did you mean Diabetes?" in (
        invoke("model", "show", "-n", "diabetis").stderr
    )
    said = invoke("model", "deploy", "-n", "svc", "-m", "diabets:1", "--es", "score.py").stderr
    assert "did you mean Diabetes?" in said
    assert "versions of Diabetes that are there: 1" in invoke("model", "show", "-i", "Diabetes:7").stderr
    invoke("environment", "register", "-n", "sklearn")
    (model_path.parent / "azureml_environment.json").write_text('{"name": "sklearn-old"}')
    invoke("environment", "register", "-d", str(model_path.parent))
    said = invoke("environment", "show", "-n", "sklern-old").stderr
    assert "environment sklern-old is not registered; did you mean sklearn-old?" in said
    invoke("model", "delete", "-i", "Diabetes:1")
    assert "did you mean" not in invoke("model", "show", "-n", "diabetis").stderr


def test_frameworks(invoke: Invoke, answer: Invoke, model_path: Path) -> None:
    line = ["model", "register", "-n", "m", "-p", str(model_path), "--model-framework"]
    assert answer(*line, "tensorflow")["framework"] == "TensorFlow"
    said = invoke(*line, "Sklearn")
    assert said.exit_code == 0
    assert "Warning: the framework 'Sklearn' is only a label" in said.stderr
    assert "did you mean ScikitLearn?" in said.stderr
    assert "did you mean" not in invoke(*line, "Prophet").stderr


def test_messages_with_many_names_stay_short() -> None:
    assert str(ServiceNotFound("foo", ["food", "bar"])) == (
        "service 'foo' does not exist; did you mean food? services here: food, bar"
    )
    assert len(str(ServiceNotFound("x", [f"service-{number}" for number in range(500)]))) < 400
    assert "did you mean houses?" in str(DatasetNotFound("house:3", ["houses"]))


@given(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=10))
def test_only_known_names_are_offered(name: str, known: list[str]) -> None:
    close = close_names(name, known)
    assert set(close) <= set(known) - {name}
    assert bool(close) == bool(did_you_mean(name, known))


def test_the_search_has_an_end() -> None:
    names = (f"{number:05}" for number in range(LONGEST_SEARCH * 3))
    assert close_names("model", names) == []
    assert next(names) == f"{LONGEST_SEARCH + 1:05}"
