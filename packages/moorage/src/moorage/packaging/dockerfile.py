"""The Dockerfile of a package, written from values; no text of a user becomes an instruction by accident.

Stages: the user's own Dockerfile if there is one, the script's environment, the server's, and the image that
has both. What installs stays behind.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from moorage.packaging.bases import as_stage, directives

APP_ROOT = "/var/azureml-app"
MODELS = "azureml-models"
PORT = 5001
USER = "10001:10001"
ENVIRONMENT = "/opt/environment"
ENVIRONMENT_PYTHON = f"{ENVIRONMENT}/bin/python"
SERVER = "/opt/moorage"
OLDEST_FOR_SERVER = (3, 10)
_SERVER_MINOR = "3.11"
_DEBIAN_OF = {"3.6": "bullseye"}  # the last Debian with an image of that Python


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the Dockerfile says. ``python`` is the minor version of the script's Python.

    ``base_dockerfile`` is a text that stands for ``base_image``; neither: Python's own image.
    ``installs_environment`` is False where the base image is the environment; its Python is not known then.
    With ``has_wheels`` nothing is downloaded; with ``has_index`` the build is given a secret ``pip.conf``.
    ``steps`` are further instructions of the user's, taken as they are. ``conda`` are the names of packages
    of conda channels: an archive of the context holds them, with the script's Python among them.
    """

    python: str
    base_image: str | None = None
    installs_environment: bool = True
    has_models: bool = True
    has_wheels: bool = False
    has_index: bool = False
    base_dockerfile: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    steps: str = ""
    conda: frozenset[str] = frozenset()

    @property
    def server_python(self) -> str:
        """Minor version of the Python that runs the server: the script's own, unless that is too old."""
        return _SERVER_MINOR if self._is_too_old else self.python

    @property
    def server_lock_python(self) -> str | None:
        """The Python that the server's packages are for; None: the base image's, which is not known."""
        is_unknown = not self.installs_environment or (self.conda and self.has_own_base)
        return None if is_unknown else self.server_python

    @property
    def is_old(self) -> bool:
        """Tell whether the base image's Python is the script's, and too old for the server."""
        return self._is_too_old and not self.conda

    @property
    def _is_too_old(self) -> bool:
        major, minor = self.python.split(".")
        return (int(major), int(minor)) < OLDEST_FOR_SERVER

    @property
    def base(self) -> str:
        """Name of the image that it starts from, or of the stage that the user's own Dockerfile ends with."""
        if self.base_dockerfile is not None:
            return as_stage(self.base_dockerfile)[1]
        python = self.server_python if self.conda else self.python
        return self.base_image or official_image(python, python)

    @property
    def images(self) -> tuple[str, ...]:
        """Names of the images that have to be there first, without those of the user's own Dockerfile."""
        bases = () if self.base_dockerfile is not None else (self.base,)
        return (*bases, official_image(self.server_python, self.python)) if self.is_old else bases

    @property
    def has_own_base(self) -> bool:
        """Tell whether the user named the base: nothing about its Python is known beforehand then."""
        return self.base_image is not None or self.base_dockerfile is not None

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
    if recipe.is_old:
        lines += [f"ARG SERVER_IMAGE={official_image(recipe.server_python, recipe.python)}"]
    if recipe.base_dockerfile is None:
        return [*lines, f"ARG BASE_IMAGE={recipe.base}"]
    first, rest = directives(as_stage(recipe.base_dockerfile)[0])
    return [*([first] if first else []), *lines, "", "# From base_dockerfile", rest]


def _from(recipe: Recipe, stage: str | None = None) -> list[str]:
    base = "${BASE_IMAGE}" if recipe.base_dockerfile is None else recipe.base
    # A base image may change the user and the folder; its own user is not the one of the service.
    return ["", f"FROM {base}{f' AS {stage}' if stage else ''}", *(["USER 0"] if recipe.has_own_base else [])]


def _together(instruction: str, words: Mapping[str, str]) -> list[str]:
    if not words:
        return []
    pairs = [f"{name}={value}" for name, value in sorted(words.items())]
    return [f"{instruction} " + " \\\n  ".join(pairs)]


def _install(python: str, lock: str, recipe: Recipe) -> str:
    source = "--no-index --find-links wheels " if recipe.has_wheels else ""
    pip = f"{python} -m pip install --no-cache-dir --no-compile --no-deps --disable-pip-version-check"
    return f"{pip} --require-hashes {source}-r {lock}"


def _environment(recipe: Recipe) -> list[str]:
    if not recipe.installs_environment:
        return []
    if recipe.conda:
        return _conda_environment(recipe)
    index = "--mount=type=secret,id=pip.conf,target=/run/secrets/pip.conf " if recipe.has_index else ""
    variable = "PIP_CONFIG_FILE=/run/secrets/pip.conf " if recipe.has_index else ""
    python = ENVIRONMENT_PYTHON
    return [
        *_from(recipe, "moorage-environment"),
        *_build_arguments(recipe),
        *(_check_python(f"v == {recipe.python!r}", recipe.python) if recipe.has_own_base else []),
        "COPY environment/lock.txt environment/lock.txt",
        f"RUN {index}python3 -m venv /opt/environment \\",
        f" && {variable}{_install(python, 'environment/lock.txt', recipe)} \\",
        f" && {_finish('/opt/environment', recipe.python, 'environment/lock.txt')}",
    ]


def _conda_environment(recipe: Recipe) -> list[str]:
    """Unpack what channels brought, and let its own Python install pip's part into it.

    That Python may have pip, or the one that comes with every Python, which goes away again.
    """
    python, lock = ENVIRONMENT_PYTHON, "environment/lock.txt"
    index = "--mount=type=secret,id=pip.conf,target=/run/secrets/pip.conf " if recipe.has_index else ""
    variable = "PIP_CONFIG_FILE=/run/secrets/pip.conf " if recipe.has_index else ""
    brought = [name for name in ("pip", "setuptools") if name not in recipe.conda]
    installer = [] if "pip" in recipe.conda else [f"{python} -m ensurepip >/dev/null"]
    remove = [
        f"{{ grep -q '^{name}==' {lock} || {python} -m pip uninstall --yes --quiet {name}; }}"
        for name in reversed(brought)
    ]
    install = f"{variable}PIP_BREAK_SYSTEM_PACKAGES=1 {_install(python, lock, recipe)}"
    steps = [*installer, install, *remove, *_compiled("/opt/environment", recipe.python)]
    return [
        *_from(recipe, "moorage-environment"),
        "ADD environment/conda.tar /opt/",
        *_build_arguments(recipe),
        f"COPY {lock} {lock}",
        f"RUN {index}" + " \\\n && ".join(steps),
    ]


def _server(recipe: Recipe) -> list[str]:
    lines = (
        ["", "FROM ${SERVER_IMAGE} AS moorage-server"] if recipe.is_old else _from(recipe, "moorage-server")
    )
    lines += _build_arguments(recipe)
    if recipe.is_old:
        # Its own Python goes along: the base image has none that is new enough.
        make = f"cp -a /usr/local /opt/python && /opt/python/bin/python3 -m venv {SERVER}"
    else:
        make = f"python3 -m venv {SERVER}"
        if not recipe.installs_environment or (recipe.conda and recipe.has_own_base):
            lines += _check_python(f"sys.version_info >= {OLDEST_FOR_SERVER}", "3.10 or later")
        elif recipe.has_own_base:
            lines += _check_python(f"v == {recipe.python!r}", recipe.python)
    pip = f"{SERVER}/bin/python -m pip"
    return [
        *lines,
        # What it needs first: that changes less often than the server.
        "COPY server/lock.txt server/lock.txt",
        f"RUN {make} \\",
        f" && {_install(f'{SERVER}/bin/python', 'server/lock.txt', recipe)}",
        "COPY server/ server/",
        f"RUN {pip} install --no-cache-dir --no-compile --no-deps --no-index --quiet server/*.whl \\",
        f" && {_finish(SERVER, recipe.server_python, 'server/lock.txt')}",
    ]


def _finish(folder: str, minor: str, lock: str) -> str:
    """Remove what installs, and compile: a service cannot write there, and would compile at every start.

    What came with the virtual environment goes too, unless the lock asks for it. Compiled files
    that name what they were made from by its content are the same each time; Python 3.6 has none.
    """
    python = f"{folder}/bin/python"
    remove = f"{python} -m pip uninstall --yes --quiet"
    lines = [f"{{ grep -q '^setuptools==' {lock} || {remove} setuptools; }}", f"{remove} pip"]
    return " \\\n && ".join([*lines, *_compiled(folder, minor)])


def _compiled(folder: str, minor: str) -> list[str]:
    python = f"{folder}/bin/python"
    lines = [f"find {folder} -name __pycache__ -prune -exec rm -rf {{}} +"]
    if minor != "3.6":
        # Packages may hold files for other Pythons, which do not compile.
        # Tests are half of the files of some libraries, and no service imports them.
        how = "-q -q -x /tests/ --invalidation-mode unchecked-hash"
        compile_all = f"{python} -m compileall {how} {folder}/lib"
        # Before 3.11 the order of sets is in the files.
        lines += [f"{{ PYTHONHASHSEED=0 {compile_all} || true; }}"]
    return lines


def _check_python(condition: str, wanted: str) -> list[str]:
    """Say in one line what is wrong with a base image, before pip would say it in many."""
    code = (
        f"import sys; v = '%d.%d' % sys.version_info[:2]; {condition} or "
        f"sys.exit('the base image has Python ' + v + '; {wanted} is needed here')"
    )
    missing = "echo 'the base image has no python3, which everything is installed with' >&2"
    return [f'RUN command -v python3 >/dev/null || {{ {missing}; exit 1; }}; python3 -c "{code}"']


def _build_arguments(recipe: Recipe) -> list[str]:
    """Addresses of indexes are arguments of the build: they are in no layer of the image."""
    lines = ['ARG PIP_INDEX_URL=""', 'ARG PIP_EXTRA_INDEX_URL=""', "WORKDIR /build"]
    return [*lines, "COPY wheels/ wheels/"] if recipe.has_wheels else lines


def _final(recipe: Recipe) -> list[str]:
    lines = _from(recipe)
    if recipe.is_old:
        lines += ["COPY --from=moorage-server /opt/python /opt/python"]
    lines += [f"COPY --from=moorage-server {SERVER} {SERVER}"]
    if recipe.installs_environment:
        lines += ["COPY --from=moorage-environment /opt/environment /opt/environment"]
    if recipe.has_own_base:
        # Libraries that the server needs may be missing: better said now than by a container that ends.
        lines += [f'RUN {SERVER}/bin/python -I -B -c "import moorage_server.front"']
    if recipe.has_models:
        # Before the script: that changes more often, and the layer of the models is kept then.
        lines += [f"COPY models/ {APP_ROOT}/{MODELS}/"]
    lines += [f"COPY app/ {APP_ROOT}/", f"COPY service.json run.sh {SERVER}/"]
    # One instruction for all: engines make a layer, or a container, for each.
    lines += _together("ENV", {name: quoted(value) for name, value in recipe.variables.items()})
    lines += _together("LABEL", {quoted(name): quoted(value) for name, value in recipe.labels.items()})
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
