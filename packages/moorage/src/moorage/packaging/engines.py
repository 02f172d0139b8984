"""Container engines on this machine: which there is, and what it is asked to do."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from moorage.errors import EngineNotFound, ImageBuildFailed, MoorageError, StorageFull

PROBE_TIMEOUT_S = 20.0
OPTIONS_VARIABLE = "MOORAGE_BUILD_OPTIONS"
CHOICE_VARIABLE = "MOORAGE_CONTAINER_ENGINE"
ENGINES = ("docker", "podman", "buildah")
_SHOWN_LINES = 5
_DISK_FULL = ("no space left on device", "disk quota exceeded")

OnLine = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that builds images; Docker, Podman and Buildah take the same options for that."""

    name: str
    path: str

    def build(
        self,
        context: Path,
        tags: Sequence[str],
        epoch: int,
        log: Path,
        on_line: OnLine,
        *,
        secrets: Mapping[str, Path] = MappingProxyType({}),
    ) -> str:
        """Build the image of a context and return its id; what the engine says goes to ``log`` too.

        ``epoch`` are seconds since 1970 for its files; ``secrets`` are files that steps may ask for by name,
        and that are in no layer.

        Raises:
            ImageBuildFailed: a step failed; the last lines are in the text.
            StorageFull: the disk is full.
        """
        id_file = log.with_suffix(".id")
        command = self._build_command(tags, epoch, id_file)
        for name, path in secrets.items():
            command += ["--secret", f"id={name},src={path}"]
        try:
            with log.open("a", encoding="utf-8") as file:

                def tell(line: str) -> None:
                    print(line, file=file, flush=True)
                    on_line(line)

                for is_last in (False, True):
                    try:
                        self.run([*command, str(context)], tell, lambda said: self._fault(said, log))
                    except ImageBuildFailed as error:
                        # Podman looks at what another process is just removing from its cache.
                        if is_last or "layer not known" not in str(error):
                            raise
                    else:
                        break
            return id_file.read_text(encoding="utf-8").strip()
        finally:
            id_file.unlink(missing_ok=True)

    def run(
        self,
        command: Sequence[str],
        on_line: OnLine,
        fault: Callable[[list[str]], MoorageError],
        variables: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Run a command of the engine and return what it said, line by line.

        Raises:
            MoorageError: what ``fault`` makes of the lines, if it does not end well.
        """
        said: list[str] = []
        try:
            with subprocess.Popen(  # noqa: S603 - the engine; names of images were checked
                [self.path, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env={**os.environ, **(variables or {})},
            ) as process:
                for line in process.stdout or ():
                    said.append(line.rstrip())
                    on_line(said[-1])
        except OSError as error:
            raise ImageBuildFailed(f"{self.name} cannot be run: {error.strerror}") from error
        if process.returncode != 0:
            raise fault(said)
        return said

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

    def _build_command(self, tags: Sequence[str], epoch: int, id_file: Path) -> list[str]:
        command = ["build", "--iidfile", str(id_file)]
        if self.name == "docker":
            command += ["--build-arg", f"SOURCE_DATE_EPOCH={epoch}"]
        else:
            # The form that knows health checks; times as in the files.
            command += ["--format", "docker", "--timestamp", str(epoch)]
        for tag in tags:
            command += ["--tag", tag]
        return [*command, *shlex.split(os.environ.get(OPTIONS_VARIABLE, ""))]

    def _fault(self, said: list[str], log: Path) -> MoorageError:
        last = "\n".join(last_words(said))
        if any(sign in line.lower() for line in said[-20:] for sign in _DISK_FULL):
            return StorageFull(
                f"{self.name} has no space left for the image; free some ({self.name} system prune) and try "
                f"again; the log is {log}\n{last}"
            )
        return ImageBuildFailed(f"{self.name} could not build the image; the log is {log}\n{last}")


def last_words(said: Sequence[str]) -> list[str]:
    """Return the last lines that say something."""
    return [line for line in said if line.strip()][-_SHOWN_LINES:]


def find_engine() -> Engine:
    """Return an engine that answers: the one that ``MOORAGE_CONTAINER_ENGINE`` names, else the first.

    Raises:
        EngineNotFound: none is installed, or none works; the text says what each one said.
    """
    faults = []
    chosen = os.environ.get(CHOICE_VARIABLE, "").lower()
    for name in (chosen,) if chosen in ENGINES else ENGINES:
        path = shutil.which(name)
        if path is None:
            faults += [f"{name} is not installed"] if chosen in ENGINES else []
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
