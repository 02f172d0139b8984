"""``Model.profile`` in both of its forms."""

from pathlib import Path

import pytest

from azureml.core import Dataset, Environment, Model, Workspace
from azureml.core.model import InferenceConfig
from azureml.core.profile import ModelProfile
from azureml.exceptions import UserErrorException, WebserviceException

LATENCIES = {f"latencyPercentile{percent}InMs" for percent in (50, 90, 95, 99, 999)}


@pytest.fixture
def model(ws: Workspace, model_file: str) -> Model:
    return Model.register(ws, model_file, "mymodel")


@pytest.fixture
def config() -> InferenceConfig:
    Path("score.py").write_text("def init(): pass\n\ndef run(data): return len(data)\n")
    environment = Environment("mine")
    environment.python.user_managed_dependencies = True
    return InferenceConfig("score.py", environment=environment)


def test_with_the_text_of_a_request_and_a_conda_file(
    ws: Workspace, model: Model, config: InferenceConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("env.yml").write_text("dependencies:\n- pip:\n  - azureml-defaults\n")
    old = InferenceConfig("score.py", runtime="python", conda_file="env.yml")
    profile = Model.profile(ws, "old-form", [model], old, input_data='{"data": [1]}')  # type: ignore[call-arg]
    profile.wait_for_profiling(True)
    assert "Succeeded" in capsys.readouterr().out
    assert set(profile.get_results()) == {"cpu", "memoryInGB"}
    assert profile.total_queries is not None
    assert profile.total_queries > 10
    assert profile.success_rate == 100


def test_with_a_data_set(ws: Workspace, model: Model, config: InferenceConfig) -> None:
    Path("requests.csv").write_text("request\n" + "[1]\n" * 7)
    requests = Dataset.Tabular.from_delimited_files("requests.csv")
    profile = Model.profile(
        ws, "new-form", [model], config, requests, cpu=0.5, memory_in_gb=1.0, description="seven"
    )
    profile.wait_for_completion(show_output=True)
    details = profile.get_details()
    assert (details["state"], details["totalQueries"], details["successQueries"]) == ("Succeeded", 7, 7)
    assert (details["requestedCpu"], details["requestedMemoryInGB"]) == (0.5, 1.0)
    assert details["description"] == "seven"
    assert set(details) > LATENCIES
    assert details["latencyPercentile50InMs"] == profile.latency_percentile_50_in_ms
    assert "error" not in details

    found = ModelProfile(ws, "new-form")
    assert found.get_details() == details
    assert found.serialize()["modelIds"] == ["mymodel:1"]
    assert found.input_dataset_id == requests.id == Dataset.get_by_id(ws, requests.id).id
    assert profile.environment.name == "mine"
    assert ws.webservices == {}


def test_a_script_that_fails_is_told_and_kept(ws: Workspace, model: Model, config: InferenceConfig) -> None:
    Path("score.py").write_text("def init(): raise OSError('no weights')\n\ndef run(data): return 1\n")
    profile = Model.profile(ws, "fails", [model], config, "{}")
    profile.wait_for_completion()
    assert (profile.state, profile.recommended_cpu) == ("Failed", None)
    assert "no weights" in profile.get_details()["error"]["message"]
    assert ModelProfile(ws, "fails").state == "Failed"


def test_wrong_arguments(ws: Workspace, model: Model, config: InferenceConfig) -> None:
    with pytest.raises(WebserviceException, match="lower-case"):
        Model.profile(ws, "Not Allowed", [model], config, "{}")
    for wrong in ({"cpu": 4}, {"memory_in_gb": 16}):
        with pytest.raises(UserErrorException, match="is a number from"):
            Model.profile(ws, "wrong", [model], config, "{}", **wrong)  # type: ignore[arg-type]
    Path("two.csv").write_text("a,b\n1,2\n")
    for data in (Dataset.Tabular.from_delimited_files("two.csv"), Dataset.File.from_files("two.csv"), 5):
        with pytest.raises(UserErrorException, match="one column"):
            Model.profile(ws, "wrong", [model], config, data)
    with pytest.raises(WebserviceException, match="'wrong' does not exist"):
        ModelProfile(ws, "wrong")
