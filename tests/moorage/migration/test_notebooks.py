"""Notebooks: cells as one program, magics, shell lines, files that cells write, and broken ones."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.migration.notebooks import NotANotebook, code_cells
from moorage.migration.scanning import Project, scan_file


def notebook(*cells: str, **more: Any) -> str:
    made = [{"cell_type": "code", "source": text.splitlines(keepends=True), "outputs": []} for text in cells]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": "import azureml"}, *made], **more})


OPEN = "from azureml.core import Workspace\nws = Workspace.from_config()"


def test_cells_are_one_program(said) -> None:
    text = notebook(OPEN, "", "%%time\nfor m in ws.models.values():\n    m.delete()")
    assert said(text, "a.ipynb") == [
        ((1, 1), "works", "azureml.core.Workspace"),
        ((1, 2), "differs", "Workspace.from_config"),
        ((3, 2), "works", "Workspace.models"),
        ((3, 3), "works", "Model.delete"),
    ]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("!az ml model list", [((1, 1), "works", "az ml model list")]),
        ("x = 1\n! az ml model list \\\n   --unheard", [((1, 2), "unclear", "az ml model list --unheard")]),
        ("ids = !az ml model list -n {name}", [((1, 1), "works", "az ml model list")]),
        ("%sx az ml model list", [((1, 1), "works", "az ml model list")]),
        ("if True:\n    !az ml model list", [((1, 2), "works", "az ml model list")]),
        ("!pip install azureml-sdk", [((1, 1), "differs", "azureml-sdk")]),
        ("%pip install -q azureml-sdk", [((1, 1), "differs", "azureml-sdk")]),
        ("%%bash\n# first\naz ml model list", [((1, 3), "works", "az ml model list")]),
        ("%%html\n<p>az ml model list", []),
        ("%%writefile score.py\nimport azureml.explain\n", [((1, 2), "notSupported", "azureml.explain")]),
        ("%%writefile -a run.sh\naz ml model list", [((1, 2), "works", "az ml model list")]),
        (
            "%%writefile conda.yml\ndependencies:\n- pip:\n  - azureml-sdk\n",
            [((1, 4), "differs", "azureml-sdk")],
        ),
        ("%%writefile\nimport azureml", []),
        ("%time import azureml", [((1, 1), "works", "azureml")]),
        ("Workspace?\n?Workspace.get\nimport azureml", [((1, 3), "works", "azureml")]),
        ("text = '''\n!az ml model list\n'''\nimport azureml", [((1, 4), "works", "azureml")]),
        ("x = (1\n%2)\nimport azureml", [((1, 3), "works", "azureml")]),
    ],
)
def test_lines_that_are_not_python(said, cell: str, expected: list[Any]) -> None:
    assert said(notebook(cell), "a.ipynb") == expected


def test_a_broken_cell_does_not_spoil_the_others(said) -> None:
    text = notebook(OPEN, "print 'azureml'\nimport azureml.explain", "ws.name")
    assert [one for one in said(text, "a.ipynb") if one[0][0] > 1] == [
        ((2, 1), "notRead"),
        ((2, 2), "notSupported", "azureml.explain"),
        ((3, 1), "works", "Workspace.name"),
    ]


def test_the_third_format_has_sheets(said) -> None:
    cell = {"cell_type": "code", "input": ["import azureml.explain"]}
    text = json.dumps({"worksheets": [{"cells": [cell]}], "nbformat": 3})
    assert said(text, "a.ipynb") == [((1, 1), "notSupported", "azureml.explain")]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "5", '{"cells": 5}', '{"a": 1}', "[" * 100_000, '{"cells": [1, {"cell_type": "code"}]}'],
)
def test_what_is_no_notebook_is_said(text: str) -> None:
    if '"cell_type"' in text:
        assert code_cells(text)[0].text == ""
        return
    with pytest.raises(NotANotebook, match=r"JSON|cells|notebook|deeply"):
        code_cells(text)


@pytest.mark.parametrize("text", ["", "{", '{"cells": []'])
def test_a_broken_notebook_that_mentions_the_sdk_is_told(said, text: str) -> None:
    assert said(f"azureml {text}", "a.ipynb") == [(1, "notRead")]


LINES = st.sampled_from(
    [
        "!az ml model list \\",
        "%%bash",
        "%%writefile a.py",
        "x = '''",
        "'''",
        "import azureml",
        "(",
        ")",
        "%",
        "!",
    ]
)


@given(st.lists(st.lists(LINES | st.text(max_size=20), max_size=6), max_size=4))
def test_any_cells_are_scanned(tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]]) -> None:
    file = tmp_path_factory.mktemp("any") / "a.ipynb"
    file.write_text(notebook("import azureml", *("\n".join(lines) for lines in cells)))
    findings = scan_file(file, file.relative_to(file.parent), Project(None))
    assert findings
    assert all(one.cell is not None for one in findings)
