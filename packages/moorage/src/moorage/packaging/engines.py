"""Container engines on this machine: which there is, and what it is asked to do."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from moorage.errors import EngineNotFound, ImageBuildFailed

PROBE_TIMEOUT_S = 20.0
OPTIONS_VARIABLE = "MOORAGE_BUILD_OPTIONS"
ENGINES = ("docker", "podman", "buildah")


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that builds images; Docker, Podman and Buildah take the same options for that."""

    name: str
    path: str

    def build(
        self, context: Path, tags: Sequence[str], epoch: int, log: Path, on_line: Callable[[str], None]
    ) -> str:
        """Build the image of a context and return its id; what the engine says goes to ``log`` too.

        Raises:
            ImageBuildFailed: a step failed; the last lines are in the text.
        """
        with log.open("a", encoding="utf-8") as file:
            said: list[str] = []

            def tell(line: str) -> None:
                print(line, file=file, flush=True)
                said.append(line)
                on_line(line)

            id_file = log.with_suffix(".id")
            code = self._run(self._build_command(context, tags, epoch, id_file), tell)
            if code != 0:
                last = "\n".join([line for line in said if line.strip()][-5:])
                raise ImageBuildFailed(f"{self.name} could not build the image; the log is {log}\n{last}")
        try:
            return id_file.read_text(encoding="utf-8").strip()
        finally:
            id_file.unlink(missing_ok=True)

    def size_bytes(self, image: str) -> int | None:
        """Return the size of an image, None if the engine does not say."""
        if self.name == "buildah":
            return None
        answer = _ask([self.path, "image", "inspect", "--format", "{{.Size}}", image])
        return int(answer) if answer and answer.strip().isdigit() else None

    def has(self, image: str) -> bool:
        """Tell whether the engine has an image of that name."""
        kind = ["inspect", "--type", "image"] if self.name == "buildah" else ["image", "inspect"]
        return _ask([self.path, *kind, image]) is not None

    def _build_command(self, context: Path, tags: Sequence[str], epoch: int, id_file: Path) -> list[str]:
        command = [self.path, "build", "--iidfile", str(id_file)]
        if self.name == "docker":
            command += ["--build-arg", f"SOURCE_DATE_EPOCH={epoch}"]
        else:
            # The form that knows health checks; times as in the files.
            command += ["--format", "docker", "--timestamp", str(epoch)]
        for tag in tags:
            command += ["--tag", tag]
        return [*command, *shlex.split(os.environ.get(OPTIONS_VARIABLE, "")), str(context)]

    def _run(self, command: Sequence[str], tell: Callable[[str], None]) -> int:
        try:
            with subprocess.Popen(  # noqa: S603 - the engine; names of images were checked
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            ) as process:
                for line in process.stdout or ():
                    tell(line.rstrip())
            return process.returncode
        except OSError as error:
            raise ImageBuildFailed(f"{self.name} cannot be run: {error.strerror}") from error


def find_engine() -> Engine:
    """Return an engine that answers.

    Raises:
        EngineNotFound: none is installed, or none works; the text says what each one said.
    """
    faults = []
    for name in ENGINES:
        path = shutil.which(name)
        if path is None:
            continue
        fault = _fault([path, "info"])
        if fault is None:
            return Engine(name, path)
        faults.append(f"{name}: {fault}")
    raise EngineNotFound(faults)


def _fault(command: list[str]) -> str | None:
    try:
        answer = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, errors="replace", timeout=PROBE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if answer.returncode == 0:
        return None
    lines = [line.strip() for line in answer.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"it ends with {answer.returncode}"


def _ask(command: list[str]) -> str | None:
    try:
        answer = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, errors="replace", timeout=PROBE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout if answer.returncode == 0 else None
