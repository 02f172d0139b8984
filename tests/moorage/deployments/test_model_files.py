"""Which files of the model folder a script names, found without running it."""

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.deployments.model_files import check_model_files, named_model_files
from moorage.deployments.script import ScriptText, parse


def _text(tmp_path: Path, code: str) -> ScriptText:
    script = tmp_path / "score.py"
    script.write_text("import os\nfrom pathlib import Path\n" + code)
    text = parse(script, "score.py")
    assert text is not None
    return text


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ("p = os.path.join(os.getenv('AZUREML_MODEL_DIR'), 'm.pkl')", "m.pkl"),
        ("p = os.path.join(os.environ['AZUREML_MODEL_DIR'], 'sub', 'm.pkl')", "sub/m.pkl"),
        ("p = Path(os.environ.get('AZUREML_MODEL_DIR', '.'), 'm.pkl')", "m.pkl"),
        ("p = Path(os.getenv('AZUREML_MODEL_DIR')) / 'a' / 'b.onnx'", "a/b.onnx"),
        ("d = os.getenv('AZUREML_MODEL_DIR')\np = Path(d).joinpath('x', 'y')", "x/y"),
        ("d = os.getenv('AZUREML_MODEL_DIR')\ndef init():\n    open(os.path.join(d, 'm.txt'))", "m.txt"),
    ],
)
def test_a_file_joined_to_the_model_folder_is_found(tmp_path: Path, code: str, path: str) -> None:
    assert [named.path for named in named_model_files(_text(tmp_path, code))] == [PurePosixPath(path)]


@pytest.mark.parametrize(
    "code",
    [
        "p = os.path.join(os.getenv('AZUREML_MODEL_DIR'), name)",
        "p = os.path.join(os.getenv('OTHER_DIR'), 'm.pkl')",
        "p = os.path.join(os.getenv('AZUREML_MODEL_DIR'), '..', 'm.pkl')",
        "p = os.path.join(os.getenv('AZUREML_MODEL_DIR'), '/etc/passwd')",
        "d = os.getenv('AZUREML_MODEL_DIR')\nd = 'elsewhere'\np = os.path.join(d, 'm.pkl')",
        "p = os.getenv('AZUREML_MODEL_DIR')",
    ],
)
def test_what_is_computed_or_elsewhere_is_left_alone(tmp_path: Path, code: str) -> None:
    assert named_model_files(_text(tmp_path, code)) == []


def test_a_missing_file_is_a_warning_that_says_what_is_there(tmp_path: Path) -> None:
    text = _text(tmp_path, "p = os.path.join(os.getenv('AZUREML_MODEL_DIR'), 'model.pkl')")
    assert check_model_files(text, [PurePosixPath("model.pkl")]) == []
    [problem] = check_model_files(text, [PurePosixPath("sub/ridge.pkl")])
    assert problem.severity == "warning"
    assert problem.where == "score.py, line 3"
    assert "model.pkl" in problem.message
    assert "sub/ridge.pkl" in problem.help


def test_a_folder_of_the_model_counts_as_there(tmp_path: Path) -> None:
    text = _text(tmp_path, "p = os.path.join(os.getenv('AZUREML_MODEL_DIR'), 'saved')")
    assert check_model_files(text, [PurePosixPath("saved/variables/index")]) == []


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=1))
def test_any_names_give_a_path_inside_the_folder_or_none(parts: list[str]) -> None:
    import ast

    joined = ", ".join(map(repr, parts))
    tree = ast.parse(f"import os\np = os.path.join(os.getenv('AZUREML_MODEL_DIR'), {joined})")
    for named in named_model_files(ScriptText(Path("score.py"), "score.py", tree)):
        assert ".." not in named.path.parts
        assert not named.path.is_absolute()
