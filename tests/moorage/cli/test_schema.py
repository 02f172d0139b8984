"""``moor schema``: for editors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_a_schema_is_printed_also_on_a_terminal(
    invoke: Callable[..., Any], answer: Callable[..., Any]
) -> None:
    both = answer("schema")
    assert set(both) == {"inferenceconfig", "deploymentconfig"}
    assert answer("schema", "inferenceconfig") == both["inferenceconfig"]
    assert json.loads(invoke("schema", "deploymentconfig", "-o", "table").stdout) == both["deploymentconfig"]
    assert invoke("schema", "modelconfig").exit_code == 2


def test_the_settings_of_vs_code_name_the_files(answer: Callable[..., Any], place: Path) -> None:
    settings = answer("schema", "--write-to", ".vscode")
    for entry in settings["json.schemas"]:
        assert json.loads((place / entry["url"]).read_text())["$schema"]
        assert set(settings["yaml.schemas"]) >= {entry["url"]}
    assert settings["json.schemas"][0]["fileMatch"] == ["inferenceconfig*.json"]
    assert len(list((place / ".vscode").iterdir())) == 2


def test_a_folder_that_cannot_be_written_is_told(invoke: Callable[..., Any], place: Path) -> None:
    (place / "file").write_text("")
    result = invoke("schema", "--write-to", "file")
    assert result.exit_code == 1
    assert "cannot write into file" in result.stderr
