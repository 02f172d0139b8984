"""A real image, built and run by a real engine: ``make test-images``."""

import os
import shutil
import socket
import subprocess
import time
import uuid
from pathlib import Path

import httpx
import pytest

from moorage import packaging
from moorage.environments import Environment
from moorage.errors import ImageBuildFailed

pytestmark = pytest.mark.skipif(
    "MOORAGE_TEST_IMAGES" not in os.environ or shutil.which("podman") is None,
    reason="needs Podman and a base image: make test-images",
)


def podman(*arguments):
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def base(home, monkeypatch):
    """Name the base image, but keep the rest of the home empty."""
    monkeypatch.setenv("MOORAGE_BASE_IMAGE", "localhost/moorage-test-base:bookworm")
    options = ["--network", "host"]
    for mount in ("/etc/ssl/certs", "/etc/pip.conf"):
        if Path(mount).exists():
            options += ["-v", f"{mount}:{mount}:ro"]
    monkeypatch.setenv("MOORAGE_BUILD_OPTIONS", " ".join(options))


@pytest.fixture
def run():
    """Run an image with a read-only root; return its address once it is healthy."""
    names = []

    def run(image):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        names.append(f"moorage-test-{uuid.uuid4().hex[:8]}")
        podman("run", "-d", "--read-only", "-p", f"127.0.0.1:{port}:5001", "--name", names[-1], image)
        deadline = time.monotonic() + 90
        while True:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/", timeout=5).text == "Healthy":
                    return f"http://127.0.0.1:{port}", names[-1]
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline, podman("logs", names[-1])
            time.sleep(0.3)

    yield run
    for name in names:
        subprocess.run(["podman", "rm", "-f", name], capture_output=True, timeout=60, check=False)


@pytest.mark.usefixtures("base")
def test_an_image_is_built_runs_and_stops(workspace, model, script, run):
    environment = Environment("e", pip_requirements=("six==1.17.0",), variables={"GREETING": "hello"})
    text = script().entry_path.read_text().replace('"got"', '"greeting": os.environ["GREETING"], "got"')
    config = script("import six\n" + text, environment=environment)
    said = []
    made = packaging.package(workspace, [model], config, image_label=uuid.uuid4().hex, on_line=said.append)
    try:
        assert made.is_image
        assert packaging.pull(made) == made.location
        assert made.size_bytes > 50_000_000
        assert "COPY models/" in made.log
        address, name = run(made.location)
        answer = httpx.post(f"{address}/score", json=[1, 2], timeout=30)
        assert answer.json() == {
            "model": "one", "greeting": "hello", "got": [1, 2], "user": 10001, "prefix": "/opt/environment",
        }  # fmt: skip
        labels = podman(
            "image", "inspect", "--format", '{{index .Labels "org.moorage.models"}}', made.location
        )
        assert '"name": "m"' in labels
        begun = time.monotonic()
        podman("stop", "-t", "30", name)
        assert time.monotonic() - begun < 25  # the signal was understood
        assert podman("inspect", "--format", "{{.State.ExitCode}}", name) == "0"
        for program in ("gcc", "pip"):
            look = ["run", "--rm", "--entrypoint", "/bin/sh", made.location, "-c", f"command -v {program}"]
            found = subprocess.run(["podman", *look], capture_output=True, timeout=60, check=False)
            assert found.returncode != 0

        # A step that fails is told with the engine's last words, and the files stay.
        config = script(environment=environment)
        (config.source_path / "steps").write_text("RUN exit 7\n")
        broken = type(config)(
            entry_script="score.py",
            source_directory=config.source_directory,
            conda_file=_conda(config.source_path),
            extra_docker_file_steps="steps",
        )
        with pytest.raises(ImageBuildFailed, match=r"exit status 7|exit code 7|code: 7"):
            packaging.package(workspace, [model], broken)
    finally:
        subprocess.run(["podman", "rmi", "-f", made.location], capture_output=True, timeout=60, check=False)


def _conda(folder):
    file = folder / "conda.yml"
    file.write_text("dependencies:\n- pip:\n  - six==1.17.0\n")
    return file.name
