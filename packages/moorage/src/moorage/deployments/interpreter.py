"""The Python that will run a script, and what it says about itself."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from moorage.deployments.process_environment import service_variables
from moorage.environments import Environment

PROBE_TIMEOUT_S = 30.0
_PROBE = Path(__file__).with_name("probe.py")
_MARK = "moorage-probe:"


class CannotAsk(Exception):
    """The interpreter cannot be run or does not answer; the text says why."""


@dataclass(frozen=True, slots=True)
class SyntaxFault:
    """A file that the interpreter cannot compile."""

    file: str
    line: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What a Python has: its version, packages (normalised names), and what it lacks of what was asked."""

    path: Path
    python: str
    packages: Mapping[str, str]
    missing: frozenset[str] = frozenset()
    syntax: tuple[SyntaxFault, ...] = ()


def chosen_interpreter(environment: Environment | None) -> Path:
    """Return the Python that runs the script: the environment's own where it says so, else this one."""
    if environment is not None and environment.user_managed and environment.interpreter is not None:
        name = str(environment.interpreter.expanduser())
        return Path(shutil.which(name) or name)
    return Path(sys.executable)


def ask(path: Path, modules: Iterable[str], files: Iterable[Path]) -> Interpreter:
    """Ask a Python which of ``modules`` (top-level names) it lacks and which ``files`` it cannot compile.

    Raises:
        CannotAsk: it is not there, is no Python 3.6 or later, or gives no answer in time.
    """
    question = json.dumps({"modules": sorted(set(modules)), "files": [str(file) for file in files]})
    try:
        process = subprocess.run(  # noqa: S603 - the interpreter that is about to run the script itself
            [str(path), "-c", _PROBE.read_text(encoding="utf-8")],
            input=question,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROBE_TIMEOUT_S,
            cwd="/",
            env=service_variables(os.environ),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotAsk(f"it gave no answer within {PROBE_TIMEOUT_S:g} s") from error
    except OSError as error:
        raise CannotAsk(error.strerror or str(error)) from error
    lines = [line for line in process.stdout.splitlines() if line.startswith(_MARK)]
    if not lines:
        said = process.stderr.strip().splitlines()
        raise CannotAsk(f"it is no Python 3.6 or later ({said[-1] if said else 'it says nothing'})")
    answer = json.loads(lines[-1].removeprefix(_MARK))
    return Interpreter(
        path=path,
        python=answer["python"],
        packages=answer["packages"],
        missing=frozenset(answer["missing"]),
        syntax=tuple(SyntaxFault(f["file"], f["line"], f["message"]) for f in answer["syntax"]),
    )
