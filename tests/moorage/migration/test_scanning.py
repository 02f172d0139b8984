"""Which files are read, and what becomes of those that cannot be."""

import os
from pathlib import Path
from typing import Any

import pytest

from moorage.errors import InvalidArgument
from moorage.migration import scan, scanning

PROGRAM = "import azureml.explain\n"
EXPECTED = [(1, "notSupported", "azureml.explain")]
COMMAND = "az ml model list\n"


@pytest.mark.parametrize(
    ("name", "content", "is_found"),
    [
        ("a.py", PROGRAM, True),
        ("a.PY", PROGRAM, True),
        ("a.txt", PROGRAM, False),
        ("tool", "#!/usr/bin/env python3\n" + PROGRAM, True),
        ("tool", "#!/bin/bash\n" + COMMAND, True),
        ("tool", COMMAND, False),
        ("deploy.ps1", COMMAND, True),
        ("deploy.cmd", COMMAND, True),
        ("Makefile", "all:\n\t@" + COMMAND, True),
        ("Dockerfile", "RUN " + COMMAND, True),
        ("app.dockerfile", "RUN " + COMMAND, True),
        ("a.md", COMMAND, False),
    ],
)
def test_kinds_of_files(said, name: str, content: str, is_found: bool) -> None:
    assert bool(said(content, name)) == is_found


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (PROGRAM.encode("utf-16"), EXPECTED),
        (PROGRAM.encode("utf-8-sig"), EXPECTED),
        (PROGRAM.encode("utf-32"), EXPECTED),
        ("# coding: latin-1\n# é\nimport azureml.explain\n".encode("latin-1"), [(3, *EXPECTED[0][1:])]),
        (b"# coding: unheard\nimport azureml.explain\n", [(2, *EXPECTED[0][1:])]),
        ("# é\nimport azureml.explain\n".encode("latin-1"), [(1, "notRead"), (2, *EXPECTED[0][1:])]),
        (PROGRAM.replace("\n", "\r\n").encode() + b"import azureml.interpret\r\n", None),
        (b"\x00\x01" + PROGRAM.encode(), []),
        (b"", []),
    ],
)
def test_encodings(said, content: bytes, expected: list[Any] | None) -> None:
    found = said(content)
    assert found == expected if expected is not None else [one[0] for one in found] == [1, 2]


def test_folders_of_others_are_left_out(tmp_path: Path) -> None:
    for folder in (".git", "node_modules", "a/__pycache__", "venv", "b/lib/site-packages", "mini"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.py").write_text(PROGRAM)
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    (tmp_path / "mini" / "conda-meta").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text(PROGRAM)
    (tmp_path / "src" / "around").symlink_to(tmp_path)
    (tmp_path / "src" / "b.py").symlink_to(tmp_path / "src" / "a.py")
    os.mkfifo(tmp_path / "src" / "pipe.py")
    report = scan(tmp_path)
    assert (report.files, [one.path.as_posix() for one in report.findings]) == (1, ["src/a.py"])


def test_what_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "large.py").write_text("#" * 3_000_000 + "\n" + PROGRAM)
    (tmp_path / "large_other.py").write_text("#" * 3_000_000)
    (tmp_path / "data.json").write_text('{"azureml": "' + "x" * 3_000_000 + '"}')
    (tmp_path / "deep.py").write_text("import azureml\nx = " + "(" * 5000 + ")" * 5000)
    (tmp_path / "deep_too.py").write_text("import azureml\nx = " + "-" * 5000 + "1")
    (tmp_path / "no.py").write_bytes(b"import azureml\n" + b"x" * 9000 + b"\0")
    monkeypatch.setattr(scanning, "LARGEST_BYTES", 2_000_000)
    report = scan(tmp_path)
    told = {one.path.name for one in report.findings if one.judgement.verdict.value == "notRead"}
    assert told - {"deep_too.py"} == {"large.py", "deep.py", "no.py"}
    assert (
        "Clear the outputs"
        in next(one for one in report.findings if one.path.name == "large.py").judgement.text
    )


def test_no_permission_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_text(PROGRAM)

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    (one,) = scan(tmp_path).findings
    assert (one.judgement.verdict.value, one.judgement.text) == (
        "notRead",
        "It cannot be read: Permission denied.",
    )


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="does not exist"):
        scan(tmp_path / "nothing")
    with pytest.raises(InvalidArgument, match="neither a file nor a folder"):
        scan(Path("/dev/null"))


def test_progress_and_large_trees(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"f{number:03}.py").write_text("x = 1\n")
    seen: list[int] = []
    assert scan(tmp_path, on_progress=seen.append).files == 300
    assert seen == list(range(1, 301))
