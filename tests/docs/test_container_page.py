"""The page about containers, with a real engine: make test-images sets MOORAGE_TEST_IMAGES."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def engine(container_engine: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in {**container_engine.variables, "MOORAGE_ENVIRONMENTS": "build"}.items():
        monkeypatch.setenv(name, value)
    yield container_engine.name
    image = [container_engine.name, "rmi", "-f", "localhost/mine:1"]
    subprocess.run(image, capture_output=True, timeout=60, check=False)


def test_deploy_to_a_container(read_along: Callable[[Path], str], engine: str, tmp_path: Path) -> None:
    page = DOCS / "deploy-to-a-container.md"
    if engine != "podman":
        # The page says it for Podman; Docker knows the same words.
        page = tmp_path / page.name
        page.write_text((DOCS / page.name).read_text().replace("podman build", f"{engine} build"))
    output = read_along(page)
    assert '"hello world"' in output
    assert "init() has finished" in output
    assert re.search(r"^Healthy\s+2\s+0\.5$", output, re.MULTILINE)
    assert "scored [1, 2]" in output
