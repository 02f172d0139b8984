"""The Dockerfile of a package, written from values; no text of a user becomes an instruction by accident.

Stages: the user's environment, the server's, and the image that has both. What installs stays behind.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

APP_ROOT = "/var/azureml-app"
MODELS = "azureml-models"
PORT = 5001
USER = "10001:10001"
ENVIRONMENT_PYTHON = "/opt/environment/bin/python"
SERVER = "/opt/moorage"
OLDEST_FOR_SERVER = (3, 10)
_SERVER_MINOR = "3.11"
_DEBIAN_OF = {"3.6": "bullseye"}  # the last Debian with an image of that Python


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the Dockerfile says. ``python`` is the minor version of the script's Python.

    ``installs_environment`` is False where the base image is the environment. ``steps`` are further
    instructions of the user's, taken as they are. ``epoch`` are seconds since 1970 for the label.
    """

    python: str
    base_image: str | None = None
    installs_environment: bool = True
    has_models: bool = True
    has_wheels: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    steps: str = ""

    @property
    def server_python(self) -> str:
        """Minor version of the Python that runs the server: the script's own, unless that is too old."""
        return _SERVER_MINOR if self.is_old else self.python

    @property
    def is_old(self) -> bool:
        major, minor = self.python.split(".")
        return (int(major), int(minor)) < OLDEST_FOR_SERVER

    @property
    def base(self) -> str:
        return self.base_image or official_image(self.python, self.python)

    @property
    def text(self) -> str:
        """The content of the Dockerfile."""
        return "\n".join([*_head(self), *_environment(self), *_server(self), *_final(self)]) + "\n"


def official_image(python: str, beside: str) -> str:
    """Return the name of Python's own image, of the Debian that an image for ``beside`` is made of."""
    return f"docker.io/library/python:{python}-slim-{_DEBIAN_OF.get(beside, 'bookworm')}"


def quoted(text: str) -> str:
    """Return a text as a word of a Dockerfile, in which nothing is expanded.

    Raises:
        ValueError: it has several lines.
    """
    if "\n" in text or "\r" in text or "\0" in text:
        raise ValueError(f"{text!r} cannot be written in one line")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


def _head(recipe: Recipe) -> list[str]:
    lines = ["# Written by Moorage. Build it with: docker build -t NAME ."]
    lines += [f"ARG BASE_IMAGE={recipe.base}"]
    if recipe.is_old:
        lines += [f"ARG SERVER_IMAGE={official_image(recipe.server_python, recipe.python)}"]
    return lines


def _install(python: str, lock: str, recipe: Recipe, more: str = "") -> str:
    offline = "--find-links wheels " if recipe.has_wheels else ""
    pip = f"{python} -m pip install --no-cache-dir --no-compile --no-deps"
    return f"{pip} --require-hashes {offline}-r {lock}{more}"


def _environment(recipe: Recipe) -> list[str]:
    if not recipe.installs_environment:
        return []
    python = ENVIRONMENT_PYTHON
    return [
        "",
        "FROM ${BASE_IMAGE} AS environment",
        *_build_arguments(recipe),
        "COPY environment/lock.txt environment/lock.txt",
        "RUN python3 -m venv /opt/environment \\",
        f" && {_install(python, 'environment/lock.txt', recipe)} \\",
        f" && {python} -m pip uninstall --yes pip",
    ]


def _server(recipe: Recipe) -> list[str]:
    wheels = f" \\\n && {SERVER}/bin/python -m pip install --no-cache-dir --no-compile --no-deps --no-index"
    wheels += " server/*.whl"
    lines = ["", f"FROM ${{{'SERVER_IMAGE' if recipe.is_old else 'BASE_IMAGE'}}} AS server"]
    lines += [*_build_arguments(recipe), "COPY server/ server/"]
    if recipe.is_old:
        # Its own Python goes along: the base image has none that is new enough.
        make = f"cp -a /usr/local /opt/python && /opt/python/bin/python3 -m venv {SERVER}"
    else:
        make = f"python3 -m venv {SERVER}"
    return [
        *lines,
        f"RUN {make} \\",
        f" && {_install(f'{SERVER}/bin/python', 'server/lock.txt', recipe, wheels)} \\",
        f" && {SERVER}/bin/python -m pip uninstall --yes pip",
    ]


def _build_arguments(recipe: Recipe) -> list[str]:
    """Addresses of indexes are arguments of the build: they are in no layer of the image."""
    lines = ["ARG PIP_INDEX_URL", "ARG PIP_EXTRA_INDEX_URL", "WORKDIR /build"]
    return [*lines, "COPY wheels/ wheels/"] if recipe.has_wheels else lines


def _final(recipe: Recipe) -> list[str]:
    lines = ["", "FROM ${BASE_IMAGE}"]
    if recipe.is_old:
        lines += ["COPY --from=server /opt/python /opt/python"]
    lines += [f"COPY --from=server {SERVER} {SERVER}"]
    if recipe.installs_environment:
        lines += ["COPY --from=environment /opt/environment /opt/environment"]
    if recipe.has_models:
        # Before the script: that changes more often, and the layer of the models is kept then.
        lines += [f"COPY models/ {APP_ROOT}/{MODELS}/"]
    lines += [f"COPY app/ {APP_ROOT}/", f"COPY service.json run.sh {SERVER}/"]
    lines += [f"ENV {name}={quoted(value)}" for name, value in sorted(recipe.variables.items())]
    lines += [f"LABEL {quoted(name)}={quoted(value)}" for name, value in sorted(recipe.labels.items())]
    if recipe.steps.strip():
        lines += ["", "# From extra_docker_file_steps", recipe.steps.strip(), ""]
    check = ["import urllib.request as r; r.urlopen('http://127.0.0.1:5001/', timeout=2)"]
    health: Sequence[str] = [f"{SERVER}/bin/python", "-I", "-c", *check]
    return [
        *lines,
        f"EXPOSE {PORT}",
        f"WORKDIR {APP_ROOT}",
        f"USER {USER}",
        f"HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD {json.dumps(health)}",
        f"ENTRYPOINT {json.dumps(['/bin/sh', f'{SERVER}/run.sh'])}",
    ]
