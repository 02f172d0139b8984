"""Python, its packages, and the programs beside it."""

import platform
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from moorage.diagnosis.check import Check
from moorage.environments.interpreters import installed_pythons
from moorage.environments.tool import uv_path
from moorage.errors import EngineNotFound, EnvironmentBuildFailed
from moorage.packaging.engines import ENGINES, find_engine

PROBE_TIMEOUT_S = 20.0
OURS = ("moorage-runtime", "moorage-server", "moorage", "moorage-azureml")
OPTIONAL = {
    # name shown: (modules, what it is for, how it is installed)
    "onnx": (
        ("onnx", "onnxruntime", "skl2onnx"),
        "models deployed without a script: ONNX, and scikit-learn compiled",
        "pip install 'moorage-server[onnx]'",
    ),
    "conda": (("rattler",), "packages that only conda channels have", "pip install 'moorage[conda]'"),
    "mlflow": (("mlflow",), "experiments and runs", "pip install 'moorage[mlflow]'"),
    "postgres": (("psycopg",), "workspaces of a team in PostgreSQL", "pip install 'moorage[postgres]'"),
    "arrow": (("pyarrow",), "requests and answers as Arrow streams", "pip install 'moorage-server[arrow]'"),
    "pandas": (("pandas",), "tables of data sets, profiles with a data set", "pip install pandas"),
}


def check_python() -> Check:
    """Say which Python runs Moorage."""
    found = f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}"
    return Check("Python", "ok", found, "Moorage itself; services without an environment of their own")


def check_moorage() -> Check:
    """Find distributions of different versions: they do not fit together."""
    versions = {}
    for name in OURS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue  # moorage-azureml is a choice; the others could not be missing here
    found = ", ".join(f"{name} {number}" for name, number in versions.items())
    enables = "the command line, the server; with moorage-azureml old code that imports azureml"
    if len(set(versions.values())) > 1:
        return Check("Moorage", "fault", found, enables, "install all of them in the same version")
    return Check("Moorage", "ok", found, enables)


def check_uv() -> Check:
    """Find uv and ask for its version."""
    enables = "building environments for services"
    try:
        path = uv_path()
    except EnvironmentBuildFailed as error:
        return Check("uv", "fault", "not found", enables, str(error))
    said, fault = _ask([path, "--version"])
    if fault:
        return Check(
            "uv", "fault", f"{path}: {fault}", enables, "install it again: pip install --force-reinstall uv"
        )
    return Check("uv", "ok", f"{said}, {path}", enables)


def check_pythons() -> Check:
    """List the versions of Python that a service can have."""
    found = ", ".join(python.release for python in installed_pythons())
    enables = "services in the Python that their conda file asks for"
    return Check("Pythons for services", "ok", found, enables)


def check_engine() -> Check:
    """Find a container engine that answers."""
    enables = "moor model package: images that run without Moorage; services in containers"
    try:
        engine = find_engine()
    except EngineNotFound as error:
        if error.faults:
            return Check(
                "container engine", "warning", "; ".join(error.faults), enables, "start it, or let this user"
            )
        return Check(
            "container engine",
            "missing",
            f"none of {', '.join(ENGINES)}",
            enables,
            "install Podman or Docker",
        )
    return Check("container engine", "ok", f"{engine.name}, {engine.path}", enables)


def check_kubectl() -> Check:
    """Find kubectl; whether it reaches a cluster is not asked, which could take minutes."""
    enables = "looking at clusters; services on them are not built yet"
    path = shutil.which("kubectl")
    if path is None:
        return Check("kubectl", "missing", "not found", enables, "nothing of today needs it")
    _, fault = _ask([path, "version", "--client"])
    if fault:
        return Check("kubectl", "warning", f"{path}: {fault}", enables, "install it again")
    return Check("kubectl", "ok", path, enables)


def check_packages() -> list[Check]:
    """Say which optional packages are here."""
    checks = []
    for name, (modules, enables, how) in OPTIONAL.items():
        missing = [module for module in modules if not _is_there(module)]
        if missing:
            checks.append(Check(name, "missing", f"not installed: {', '.join(missing)}", enables, how))
        else:
            checks.append(Check(name, "ok", ", ".join(map(_with_version, modules)), enables))
    return checks


def _with_version(module: str) -> str:
    try:
        return f"{module} {version(module)}"
    except PackageNotFoundError:  # the distribution has another name, as mlflow-skinny
        return module


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _ask(command: list[str]) -> tuple[str, str | None]:
    """Return what a program prints, and what is wrong with it if it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - a program found on PATH
            command, capture_output=True, text=True, errors="replace", timeout=PROBE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", str(error)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return "", lines[-1] if lines else f"it ends with {done.returncode}"
    return done.stdout.strip(), None
