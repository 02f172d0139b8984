"""Texts to scan, and what is said of them in short."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from moorage.migration import scan

Said = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def said(tmp_path: Path) -> Said:
    """Write files, scan them, and return (line or (cell, line), verdict, names) of each finding."""

    def run(text: str | bytes, name: str = "file.py", **others: str) -> list[tuple[Any, ...]]:
        folder = tmp_path / "scanned"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        for other, content in others.items():
            (folder / f"{other}.py").write_text(content)
        report = scan(folder)
        return [
            (one.line if one.cell is None else (one.cell, one.line), one.judgement.verdict.value, *one.names)
            for one in report.findings
            if one.path.name == name
        ]

    return run
