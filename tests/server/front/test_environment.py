"""What variables and ``config.json`` make of the settings of a foreground server."""

import json

import pytest

from moorage_server.environment import (
    Flags,
    InvalidWorkerCount,
    InvalidWorkerTimeout,
    decide,
    settings_in,
)
from moorage_server.errors import InvalidSettings


def decided(folder, environment=None, file=None, **flags):
    if file is not None:
        (folder / "config.json").write_text(json.dumps(file))
    chosen = Flags(entry_script="score.py", **flags)
    return decide(chosen, environment or {}, directory=folder, host="127.0.0.1", python="python").settings


@pytest.mark.parametrize(("text", "value"), [("5", 5), ("+5", 5), (" 5 ", 5), ("0", 0)])
def test_whole_numbers_in_variables(tmp_path, text, value):
    assert decided(tmp_path, {"SCORING_TIMEOUT_MS": text}).scoring_timeout_ms == value
    assert decided(tmp_path, {"WORKER_TIMEOUT": text}).worker_timeout_s == value


@pytest.mark.parametrize("value", [1234, "1234", 1234.0])
def test_whole_numbers_in_the_file(tmp_path, value):
    assert decided(tmp_path, file={"SCORING_TIMEOUT_MS": value}).scoring_timeout_ms == 1234


@pytest.mark.parametrize("value", ["x", "", 1.5, True, [1], -1])
def test_what_is_no_timeout_names_itself(tmp_path, value):
    with pytest.raises(InvalidSettings, match=r"SCORING_TIMEOUT_MS|scoring_timeout_ms"):
        decided(tmp_path, file={"SCORING_TIMEOUT_MS": value})


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", ""])
def test_numbers_of_workers_that_cannot_be(tmp_path, text):
    with pytest.raises(InvalidWorkerCount, match="WORKER_COUNT"):
        decided(tmp_path, {"WORKER_COUNT": text})
    assert decided(tmp_path, {"WORKER_COUNT": text}, worker_count=2).worker_count == 2


@pytest.mark.parametrize("text", ["-1", "long", "1.5", ""])
def test_worker_timeouts_that_cannot_be(tmp_path, text):
    with pytest.raises(InvalidWorkerTimeout, match="WORKER_TIMEOUT"):
        decided(tmp_path, {"WORKER_TIMEOUT": text})


def test_names_are_matched_without_regard_to_case(tmp_path):
    environment = {"service_name": "lower", "AML_SERVICE_VERSION": "7"}
    settings = decided(tmp_path, environment, {"SERVICE_NAME": "file", "service_path_prefix": "p"})
    assert (settings.name, settings.version, settings.path_prefix) == ("lower", "7", "p")


@pytest.mark.parametrize("name", ["WORKER_TIMEOUT", "WORKER_COUNT", "SCORING_TIMEOUT_MS"])
def test_a_deployed_service_refuses_negative_numbers(name):
    with pytest.raises(InvalidSettings):
        settings_in({name: "-1"})
