"""Make `.venv` at the root of the repository hold what requirements/dev.txt and the four packages say.

Run by every make target, with whatever ``python3`` is there: standard library only. A second run
compares one digest and returns; a run that was interrupted is finished by the next one.
The first lines keep to the syntax of Python 3.6, so that an old interpreter gets a message
instead of a syntax error.
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 - the message is for those who have an older one
    sys.exit(
        f"Moorage needs Python 3.10 or later, and {sys.executable} is {sys.version.split()[0]}.\n"
        "Name another interpreter: make PYTHON=python3.11"
    )

import ast
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "moorage-set-up"
CACHE = ROOT / ".cache"
LOCK_FILE = ROOT / "requirements" / "dev.txt"
PACKAGES = ("runtime", "server", "moorage", "azureml")
NATIVE_SOURCES = (
    "hatch_build.py",
    *(f"native/{name}" for name in ("numbers.c", "tables.c", "tables.h", "json_text.h", "powers_of_five.h")),
)

# pip's setting -> the variable by which uv knows it. uv does not read pip.conf, and somebody
# behind a mirror or an inspecting proxy has said so there.
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_EXTRA_INDEX_URL",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
# Other spellings of the same wish; if one of them is set, pip's is not asked.
UV_SYNONYMS = {
    "UV_DEFAULT_INDEX": ("UV_INDEX_URL",),
    "UV_EXTRA_INDEX_URL": ("UV_INDEX",),
    "ALL_PROXY": ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", "all_proxy"),
    "UV_HTTP_TIMEOUT": ("UV_REQUEST_TIMEOUT", "HTTP_TIMEOUT"),
}


def main() -> int:
    CACHE.mkdir(exist_ok=True)
    with one_at_a_time(CACHE / "set-up.lock"):
        wanted = digest_of_definition()
        if is_done(wanted):
            return 0
        try:
            set_up(wanted)
        except subprocess.CalledProcessError as error:
            print(
                f"\nSet-up stopped: {error.cmd[0]} ended with status {error.returncode}; why is above.\n"
                "Once the cause is mended, the same command carries on where it stopped.",
                file=sys.stderr,
            )
            return 1
    return 0


def set_up(wanted: str) -> None:
    """Bring the environment to ``wanted``; the stamp is removed first and written last."""
    started = time.monotonic()
    say(f"setting up {VENV} with Python {sys.version.split()[0]}")
    make_environment()
    STAMP.unlink(missing_ok=True)
    environment = {**os.environ, **uv_environment(pip_settings(), os.environ)}
    install_uv()
    say("installing the locked packages")
    uv = [str(VENV / "bin" / "uv"), "pip", "install", "--python", str(VENV_PYTHON)]
    run([*uv, "--no-deps", "--require-hashes", "--requirement", str(LOCK_FILE)], environment)
    say("installing the four distributions, editable")
    # The build backend is in the lock too; an isolated build would fetch another one.
    editables = [part for name in PACKAGES for part in ("--editable", str(ROOT / "packages" / name))]
    run([*uv, "--no-deps", "--no-build-isolation", *editables], environment)
    temporary = STAMP.with_suffix(".new")
    temporary.write_text(wanted + "\n")
    temporary.replace(STAMP)
    say(f"ready after {time.monotonic() - started:.0f} s")


def digest_of_definition() -> str:
    """Return the sha256 of all that decides what the environment holds."""
    digest = hashlib.sha256(sys.version.encode() + os.path.realpath(sys.executable).encode())
    files = [Path(__file__), LOCK_FILE, ROOT / "packages/runtime/src/moorage_runtime/version.py"]
    files += [ROOT / "packages" / name / "pyproject.toml" for name in PACKAGES]
    files += [ROOT / "packages/server" / name for name in NATIVE_SOURCES]
    for file in files:
        content = file.read_bytes()
        digest.update(b"%s %d\n" % (os.fsencode(file), len(content)) + content)
    return digest.hexdigest()


def is_done(wanted: str) -> bool:
    try:
        return STAMP.read_text().strip() == wanted and os.access(VENV_PYTHON, os.X_OK)
    except FileNotFoundError:
        return False


def make_environment() -> None:
    """Create `.venv`, unless there is a finished one with the Python that runs this."""
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            sys.exit(
                f"{sys.executable} comes without the module {module}, which makes the virtual environment.\n"
                f"On Debian and Ubuntu: apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv\n"
                "Or name another interpreter: make PYTHON=python3.11"
            )
    # Without a stamp it is the remains of an interruption: packages may be there in part, which
    # neither pip nor uv would notice. All that was fetched is in their caches.
    if STAMP.exists() and environment_python() == sys.version.strip():
        return
    say("creating the virtual environment")
    base = getattr(sys, "_base_executable", None) or sys.executable
    run([base, "-m", "venv", "--clear", str(VENV)], os.environ)


def environment_python() -> str:
    """Return ``sys.version`` of .venv; empty if its Python does not run (any more)."""
    try:
        answer = subprocess.run(
            [VENV_PYTHON, "-c", "import sys; print(sys.version)"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    except OSError:
        return ""
    return answer.stdout.strip()


def install_uv() -> None:
    """Install the uv of the lock with pip, which takes the user's own configuration."""
    if shutil.which("uv", path=str(VENV / "bin")) is not None and uv_version() == locked_uv_version():
        return
    say(f"installing uv {locked_uv_version()}")
    only_uv = CACHE / "uv-requirement.txt"
    only_uv.write_text(locked_block("uv", LOCK_FILE.read_text()))
    pip = [str(VENV_PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    run([*pip, "--no-deps", "--require-hashes", "--requirement", str(only_uv)], os.environ)


def uv_version() -> str:
    answer = subprocess.run(
        [VENV / "bin" / "uv", "--version"], capture_output=True, text=True, check=False, timeout=60
    )
    return answer.stdout.split()[1] if answer.returncode == 0 else "unknown"


def locked_uv_version() -> str:
    first_line = locked_block("uv", LOCK_FILE.read_text()).splitlines()[0]
    return first_line.split("==")[1].split()[0]


def locked_block(name: str, lock: str) -> str:
    """Return the lines of one package in a requirements file with hashes.

    Raises:
        ValueError: the package is not in it.
    """
    found = re.search(rf"^{re.escape(name)}==.*(?:\n[ \t]+--hash=.*)*", lock, re.MULTILINE)
    if found is None:
        raise ValueError(f"{name} is not in the lock; make lock writes it anew")
    return found.group().rstrip("\\ \n") + "\n"


def pip_settings() -> dict[str, str]:
    """Return what pip is configured with: pip.conf and PIP_ variables, the latter first."""
    answer = subprocess.run(
        [VENV_PYTHON, "-m", "pip", "--disable-pip-version-check", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return read_pip_settings(answer.stdout)


def read_pip_settings(listing: str) -> dict[str, str]:
    """Read the lines of ``pip config list``, such as ``global.cert='/etc/ca.pem'``.

    A PIP_ variable wins over a setting for ``pip install``, which wins over a general one.
    """
    sections: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listing.splitlines():
        section, _, rest = line.partition(".")
        key, separator, value = rest.partition("=")
        if separator and section in sections:
            with contextlib.suppress(ValueError, SyntaxError):
                sections[section][key] = str(ast.literal_eval(value))
    return {**sections["global"], **sections["install"], **sections[":env:"]}


def uv_environment(settings: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that tell uv what pip was told; what is set for uv already stays."""
    variables: dict[str, str] = {}
    for key, name in UV_NAMES.items():
        taken = any(environ.get(spelling) for spelling in (name, *UV_SYNONYMS.get(name, ())))
        if settings.get(key) and not taken:
            separator = "," if key == "find-links" else " "
            variables[name] = separator.join(settings[key].split())
    if "UV_EXTRA_INDEX_URL" in variables and not environ.get("UV_INDEX_STRATEGY"):
        # pip looks at all indexes alike. The hashes of the lock say which file is meant.
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return variables


@contextlib.contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Hold a lock, so that two commands in two terminals do not write one environment."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this checkout to finish")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(command: list[str], environment: Mapping[str, str]) -> None:
    subprocess.run(command, check=True, env=dict(environment), stdin=subprocess.DEVNULL, cwd=ROOT)


def say(message: str) -> None:
    print(f"set-up: {message}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nset-up: interrupted; the same command carries on", file=sys.stderr)
        sys.exit(130)
