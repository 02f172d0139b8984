"""What holds for all tests."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

# Services run in the Python of the tests, offline and at once; tests about environments say otherwise.
os.environ["MOORAGE_ENVIRONMENTS"] = "as-is"
# What was meant for ACI runs as processes, also where there is an engine; tests of containers say otherwise.
os.environ["MOORAGE_CONTAINER_ENGINE"] = "none"


@dataclass(frozen=True)
class ContainerEngine:
    """The engine that tests use: its program, an image with Python that it has, and options of each build."""

    name: str
    base_image: str
    build_options: str

    @property
    def variables(self) -> dict[str, str]:
        """What Moorage has to be told."""
        return {
            "MOORAGE_CONTAINER_ENGINE": self.name,
            "MOORAGE_BASE_IMAGE": self.base_image,
            "MOORAGE_BUILD_OPTIONS": self.build_options,
        }


@pytest.fixture(scope="session")
def container_engine() -> ContainerEngine:
    """The engine that ``make test-images`` made ready; skips without it."""
    name = os.environ.get("MOORAGE_TEST_IMAGES", "")
    name = name if name in ("docker", "podman") else "podman"
    if "MOORAGE_TEST_IMAGES" not in os.environ or shutil.which(name) is None:
        pytest.skip("needs a container engine and a base image: make test-images")
    base = os.environ.get("MOORAGE_TEST_BASE") or "localhost/moorage-test-base:bookworm"
    # A build step reaches the package index as this machine does. Docker mounts nothing: its base has it.
    options = ["--network", "host"]
    for mount in ("/etc/ssl/certs", "/etc/pip.conf"):
        if name == "podman" and Path(mount).exists():
            options += ["-v", f"{mount}:{mount}:ro"]
    return ContainerEngine(name, base, " ".join(options))
