"""What files of other tools ask for. No package index is asked."""

import subprocess
from pathlib import Path

import pytest

from moorage.environments.files import read_wanted
from moorage.environments.tool import uv_path
from moorage.environments.wanted import translate
from moorage.errors import InvalidConfiguration

PROJECT = """\
[project]
name = "p"
version = "0"
requires-python = ">= 3.10"
dependencies = ["boat>=1", "mast; python_version > '3'"]
"""
PYLOCK = """\
lock-version = "1.0"
created-by = "t"
requires-python = ">=3.10"
[[packages]]
name = "boat"
version = "2.0"
marker = "python_version > '3'"
[[packages]]
name = "mast"
version = "1.0"
"""


def test_a_project(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(PROJECT)
    found = read_wanted(file)
    assert (found.python, found.requirements) == (">=3.10", ("boat>=1", "mast; python_version > '3'"))


def test_a_standard_lock(tmp_path: Path) -> None:
    file = tmp_path / "pylock.toml"
    file.write_text(PYLOCK)
    found = read_wanted(file)
    assert found.requirements == ("boat==2.0 ; python_version > '3'", "mast==1.0")
    file.write_text(PYLOCK + '[[packages]]\nname = "own"\ndirectory = {path = "own"}\n')
    with pytest.raises(InvalidConfiguration, match="own is no package with a version"):
        read_wanted(file)


def test_a_lock_of_uv(tmp_path: Path, wheels: list[str]) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    links = wheels[1].split()[1]
    project = PROJECT + f'[tool.uv]\nno-index = true\nfind-links = ["{links}"]\n'
    (folder / "pyproject.toml").write_text(project)
    subprocess.run([uv_path(), "lock", "--quiet", "--offline"], cwd=folder, check=True, timeout=60)
    found = read_wanted(folder / "uv.lock")
    assert found.python == ">=3.10"
    assert [line.split(" ;")[0] for line in found.requirements if "boat" in line] == ["boat==2.0"]
    (folder / "pyproject.toml").unlink()
    with pytest.raises(InvalidConfiguration, match=r"belongs to a pyproject\.toml"):
        read_wanted(folder / "uv.lock")


def test_requirements_with_hashes_and_continued_lines(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text(f"boat==2.0 \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{'1' * 64}\nmast\n")
    found = read_wanted(file)
    assert found.requirements == ("boat==2.0", "mast")
    assert found.refusals == ()
    assert [text.split()[0] for text in found.notices] == ["hashes"]
    assert translate(None, ["boat\\"]).requirements == ("boat",)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("pyproject.toml", "[project", "is no TOML"),
        ("pyproject.toml", "[tool.poetry]\nname = 'x'", r"no table \[project\]"),
        ("pyproject.toml", "[project]\ndependencies = 'numpy'", "must be a list"),
        ("pyproject.toml", "[project]\nrequires-python = 3", "must be a text"),
        ("pylock.toml", "lock-version = '1.0'", r"no tables \[\[packages\]\]"),
        ("poetry.lock", "", "poetry export"),
        ("Pipfile.lock", "{}", "pipenv requirements"),
        ("r.txt", b"\xff\xfe", "cannot be read"),
        ("nothing.txt", None, "cannot be read: No such file"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, content: object, said: str) -> None:
    file = tmp_path / name
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        file.write_text(str(content))
    with pytest.raises(InvalidConfiguration, match=said):
        read_wanted(file)
