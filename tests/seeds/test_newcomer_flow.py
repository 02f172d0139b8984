"""The first thing a newcomer does: the blocks of the main document from registering to the first answer.

Executed in the order of the document, unchanged, in one namespace that has ``ws`` and the model file.
"""

from pathlib import Path
from typing import Any

import pytest

FLOW = {
    "register": 'model_name = "onnx_mnist"',
    "script": "#Example: scikit-learn and Swagger",
    "inference": "myenv = Environment.get(workspace=ws",
    "imports": "import AciWebservice, AksWebservice, LocalWebservice",
    "deploy": "LocalWebservice.deploy_configuration(port=8890)",
    "client": "if service.auth_enabled",
}


def test_the_newcomers_blocks_run_as_they_stand(
    stage: Any, seed_blocks: list[Any], port_8890: int, capsys: pytest.CaptureFixture[str]
) -> None:
    flow = {name: the_block(seed_blocks, mark) for name, mark in FLOW.items()}
    Path("x/y").mkdir(parents=True)
    Path("x/y/score.py").write_text(flow["script"].text)
    stage.environment().register(stage.ws)
    stage.answer_downloads()
    stage.execute(flow["register"])
    assert stage.names["model"].id == "onnx_mnist:1"
    # The script of the document opens another model: ten numbers in, one out, under the name that it says.
    stage.names["model"] = stage.register(stage.ridge(), "sklearn_mnist")
    stage.execute(flow["inference"])
    stage.execute(flow["imports"])
    capsys.readouterr()

    stage.execute(flow["deploy"])
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == "running"
    assert f"Local webservice is running at http://localhost:{port_8890}" in printed

    stage.execute(flow["client"])
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "{'Content-Type': 'application/json'}"
    assert printed[1] == "200"
    answer = stage.names["response"].json()
    assert len(answer) == 2
    assert all(isinstance(number, float) for number in answer)

    document = stage.names["requests"].get(stage.names["service"].swagger_uri, timeout=30).json()
    assert document["info"]["title"] == "myservice"
    assert document["definitions"]["ServiceInput"]["example"] == {"data": [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]}


def the_block(blocks: list[Any], mark: str) -> Any:
    """Return the one Python block of the main document that has this text."""
    found = [
        block
        for block in blocks
        if block.document == "004" and block.language == "python" and mark in block.text
    ]
    assert len(found) == 1, (mark, [str(block) for block in found])
    return found[0]
