"""The page about containers, with a real engine: make test-images sets MOORAGE_TEST_IMAGES."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
pytestmark = pytest.mark.skipif(
    "MOORAGE_TEST_IMAGES" not in os.environ or shutil.which("podman") is None,
    reason="needs Podman and a base image: make test-images",
)


@pytest.fixture
def podman(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    base = "localhost/moorage-test-base:bookworm"
    options = ["--network", "host"]
    for mount in ("/etc/ssl/certs", "/etc/pip.conf"):
        if Path(mount).exists():
            options += ["-v", f"{mount}:{mount}:ro"]
    monkeypatch.setenv("MOORAGE_CONTAINER_ENGINE", "podman")
    monkeypatch.setenv("MOORAGE_BASE_IMAGE", base)
    monkeypatch.setenv("MOORAGE_BUILD_OPTIONS", " ".join(options))
    monkeypatch.setenv("MOORAGE_ENVIRONMENTS", "build")
    yield
    image = ["podman", "rmi", "-f", "localhost/mine:1"]
    subprocess.run(image, capture_output=True, timeout=60, check=False)


@pytest.mark.usefixtures("podman")
def test_deploy_to_a_container(read_along: Callable[[Path], str]) -> None:
    output = read_along(DOCS / "deploy-to-a-container.md")
    assert '"hello world"' in output
    assert "init() has finished" in output
    assert re.search(r"^Healthy\s+2\s+0\.5$", output, re.MULTILINE)
    assert "scored [1, 2]" in output
