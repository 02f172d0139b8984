"""From a trained model to a scored service: first in Python, then on the command line.

    make demo            shows both and cleans up
    make demo KEEP=1     leaves the service of the second part running

All of it happens in a workspace of its own under .cache/, so what you registered stays untouched.
However the demo ends, Ctrl-C included, its processes end with it.
"""

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import httpx
import psutil

import moorage.models
import moorage.services
from moorage.deployments import InferenceConfig, LocalConfig
from moorage.services import Event
from moorage.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "diabetes"
MOOR = Path(sys.executable).parent / "moor"
GRACE_S = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave the last service running")
    keep = parser.parse_args().keep
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    started = time.monotonic()
    try:
        with home_of_its_own(keep) as home:
            first, second = train_two_models(home)
            in_python(home, first)
            on_the_command_line(first, second, keep)
    except KeyboardInterrupt:
        print("\nInterrupted. Nothing is left running.", flush=True)
        return 130
    print(f"\nDone in {time.monotonic() - started:.0f} s.", end=" ")
    print(
        "The README says how to go on."
        if keep
        else "Nothing is left running. Next: the quick start in README.md, or docs/getting-started.md."
    )
    return 0


was_interrupted = False


def interrupt(_number: int, _frame: FrameType | None) -> None:
    global was_interrupted
    was_interrupted = True
    raise KeyboardInterrupt


def go_on() -> None:
    """Raise KeyboardInterrupt again if the first was swallowed, as it is inside a weakref callback."""
    if was_interrupted:
        raise KeyboardInterrupt


def train_two_models(home: Path) -> tuple[Path, Path]:
    heading("Train two models on the diabetes data: 442 rows, 10 columns")
    paths = []
    for folder, alpha in (("first", 1.0), ("second", 0.1)):
        target = home / folder / "ridge_model.pkl"
        target.parent.mkdir()
        execute([sys.executable, EXAMPLE / "train.py", target.relative_to(ROOT), alpha])
        paths.append(target)
    return paths[0], paths[1]


def in_python(home: Path, model_path: Path) -> None:
    heading("Register and deploy in Python")
    workspace = Workspace.open_or_create_default(home=home)
    try:
        model = moorage.models.register(workspace, model_path, "diabetes", tags={"area": "diabetes"})
        print(f"registered {model.id}")
        service = moorage.services.deploy(
            workspace,
            "diabetes-python",
            [model],
            InferenceConfig(entry_script="score.py", source_directory=EXAMPLE),
            LocalConfig(),
            on_event=show,
        )
        print(f"{service.name} is {service.state}")
        wait_until_it_answers(service.scoring_uri)
        answer = httpx.post(
            service.scoring_uri,
            content=(EXAMPLE / "rows.json").read_bytes(),
            headers={"Content-Type": "application/json"},
        )
        answer.raise_for_status()
        print(f"the answer for two rows   {answer.text}")
        print(f"scoring address           {service.scoring_uri}")
        print(f"OpenAPI document          {service.swagger_uri}")
        print("to stop it                moorage.services.delete(workspace, 'diabetes-python')")
        moorage.services.delete(workspace, service.name)
        print("stopped")
    finally:
        workspace.close()


def show(event: Event) -> None:
    go_on()
    print(f"  {event.message}", flush=True)


def on_the_command_line(first: Path, second: Path, keep: bool) -> None:
    heading("The same on the command line")
    print(f"$ cd {EXAMPLE.relative_to(ROOT)}")
    name = "diabetes-cli"
    moor("model", "register", "-n", "ridge", "-p", first)
    configuration = ("--ic", "inferenceconfig.json", "--dc", "deploymentconfig.json")
    moor("model", "deploy", "-n", name, "-m", "ridge:1", *configuration)
    moor("service", "run", "-n", name, "-d", "@rows.json")
    heading("Update the running service to a second version of the model")
    moor("model", "register", "-n", "ridge", "-p", second)
    moor("service", "update", "-n", name, "-m", "ridge:2")
    moor("service", "run", "-n", name, "-d", "@rows.json")
    moor("service", "list")
    if keep:
        home = shlex.quote(os.environ["MOORAGE_HOME"])
        print(f"\nIt keeps running. To stop it:\nMOORAGE_HOME={home} {MOOR} service delete -n {name}")
    else:
        moor("service", "delete", "-n", name)


def wait_until_it_answers(address: str, timeout_s: float = 30.0) -> None:
    """Ask the address of the service for its health until it gives it."""
    health = httpx.URL(address).join("/")
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            if httpx.get(health, timeout=2).is_success:
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"{health} did not answer within {timeout_s:g} s")
        time.sleep(0.05)


@contextmanager
def home_of_its_own(keep: bool) -> Iterator[Path]:
    """Set MOORAGE_HOME to a new folder; at the end stop what was started from it and remove it."""
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="demo-", dir=cache))
    os.environ["MOORAGE_HOME"] = str(home)
    print(f"A workspace for the demo: {home.relative_to(ROOT)}", flush=True)
    finished = False
    try:
        yield home
        finished = True
    finally:
        # An impatient second Ctrl-C must not leave a server behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if not (keep and finished):
            stop_processes_of(home)
            shutil.rmtree(home, ignore_errors=True)


def stop_processes_of(home: Path) -> None:
    """End every process that was started with this home, politely first."""
    deadline = time.monotonic() + GRACE_S
    asked: set[psutil.Process] = set()
    while found := processes_of(home):
        too_late = time.monotonic() > deadline
        for process in found:
            with suppress(psutil.NoSuchProcess):
                if too_late:
                    process.kill()
                elif process not in asked:
                    asked.add(process)
                    process.terminate()
        time.sleep(0.05)


def processes_of(home: Path) -> list[psutil.Process]:
    """Return the processes, other than this, that name ``home`` in their environment or arguments.

    Asking the workspace would miss a process that was started a moment before the interruption.
    """
    found = []
    for process in psutil.process_iter():
        try:
            named = str(home) in " ".join(process.cmdline()) or str(home) in process.environ().values()
        except (psutil.Error, OSError):
            continue
        if named and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def moor(*arguments: object) -> None:
    as_table = () if "run" in arguments else ("-o", "table")
    execute([MOOR, *arguments, *as_table], EXAMPLE)


def execute(command: list[object], folder: Path = ROOT) -> None:
    """Show a command and run it in a folder; a failing one ends the demo with its status."""
    words = [str(word) for word in command]
    shown = [Path(words[0]).name]
    shown += [os.path.relpath(word, folder) if word.startswith(f"{ROOT}/") else word for word in words[1:]]
    print(f"$ {shlex.join(shown)}", flush=True)
    # A session of its own: Ctrl-C comes to this process alone, which then ends all others.
    status = subprocess.run(
        words, cwd=folder, stdin=subprocess.DEVNULL, start_new_session=True, check=False
    ).returncode
    go_on()
    if status:
        raise SystemExit(status)


def heading(text: str) -> None:
    go_on()
    print(f"\n== {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
