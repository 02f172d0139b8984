"""One container from start to end, by way of the engine's own program."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import sys
from collections import deque
from pathlib import Path
from typing import Any

from moorage_server.auth import Admission, digest_of, replace_guard_file
from moorage_server.container import warden
from moorage_server.container.settings import RUN_FOLDER, ContainerSettings
from moorage_server.deadlines import within
from moorage_server.supervision import orphans

ENGINE_TIMEOUT_S = 60.0
POLL_S = 0.05
KEPT_LINES = 40
MAX_LINE_BYTES = 1024 * 1024
EVENTS, GUARD = "events", "auth.json"
KILLED = 137  # 128 + SIGKILL
CANNOT_RUN = 125  # said by the engine of itself
CANNOT_BEGIN = (CANNOT_RUN, 126)
_NO_GPU = ("nvidia.com/gpu", "capabilities: [[gpu]]")
_GONE = ("No such image", "image not known", "Unable to find image")


class EngineFault(Exception):
    """The engine refused, or did not answer; the text is its own."""


class Container:
    """Runs one container; its output goes to ours, its last lines are kept."""

    def __init__(self, settings: ContainerSettings) -> None:
        self.settings = settings
        self.name = f"{settings.name}-{secrets.token_hex(4)}"
        self.folder = Path(settings.run_folder, self.name)
        # What our own server in it asks for instead of the callers' keys, which it never sees.
        self.hop_key = secrets.token_hex(32) if settings.is_ours and settings.auth is not None else None
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.exit_code: int | None = None
        self.ended = asyncio.Event()
        self._lifeline: int | None = None
        self._reading: asyncio.Task[None] | None = None
        self._events_read = 0

    async def start(self) -> None:
        """Let the engine run it; whether that works shows later.

        Raises:
            OSError: no program can be started, or there is no space.
        """
        self._make_folder()
        read_end, self._lifeline = os.pipe2(os.O_CLOEXEC)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", warden.__file__,
                str(read_end), self.settings.engine, self.name, *self._arguments(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                limit=MAX_LINE_BYTES,
                pass_fds=(read_end,),
                # It has to outlive this process for a moment, whoever kills that and its group.
                start_new_session=True,
                env=self._environment(),
            )  # fmt: skip
        finally:
            os.close(read_end)
        self._reading = asyncio.ensure_future(self._read(process))

    async def address_of(self, port: int) -> tuple[str, int]:
        """Return where on this machine a port of the container is; waits until it has begun.

        Raises:
            EngineFault: it has ended.
        """
        while not self.ended.is_set():
            with contextlib.suppress(EngineFault):
                for line in (await self.ask("port", self.name)).splitlines():
                    inside, _, outside = line.partition(" -> ")
                    host, _, number = outside.rpartition(":")
                    if inside.partition("/")[0] == str(port) and number.isdigit():
                        return host, int(number)
            with contextlib.suppress(asyncio.TimeoutError):
                await within(POLL_S, self.ended.wait())
        raise EngineFault(self.why_ended())

    async def limit_cpu(self, cores: float) -> None:
        """Raises EngineFault: the engine cannot change that."""
        await self.ask("update", "--cpus", f"{cores:g}", self.name)

    async def stop(self) -> None:
        """Let it finish for as long as its settings say, then end it. Returns when it is gone."""
        timeout_s = self.settings.stop_timeout_s
        if not self.ended.is_set():
            with contextlib.suppress(EngineFault):
                await self.ask("stop", "-t", f"{timeout_s:.0f}", self.name, timeout_s=timeout_s + 30)
        self._cut()
        if self._reading is not None:
            await self._reading
        shutil.rmtree(self.folder, ignore_errors=True)

    def events(self) -> list[dict[str, Any]]:
        """Return what our own server in it has reported since the last call."""
        try:
            data = (self.folder / EVENTS).read_bytes()[self._events_read :]
        except OSError:
            return []
        data = data[: data.rfind(b"\n") + 1]
        self._events_read += len(data)
        found = []
        for line in data.splitlines():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    found.append(event)
        return found

    def why_ended(self) -> str:
        code = self.exit_code
        if code in CANNOT_BEGIN:
            if self._said(_NO_GPU):
                return (
                    "the engine has no GPU for a container; see NVIDIA's container toolkit, or ask for none"
                )
            if self._said(_GONE):
                image = self.settings.image
                return (
                    f"the image {image} is not on this machine any more; moor service update brings it back"
                )
        if code == CANNOT_RUN:
            return "the engine cannot run the container"
        if code == KILLED:
            limit = self.settings.memory_bytes
            shown = "" if limit is None else f" of {limit / 1e9:g} GB"
            return f"the container was killed; it may have reached its memory limit{shown}"
        return f"the container ended with exit code {code}"

    def _said(self, signs: tuple[str, ...]) -> bool:
        return any(sign in line for line in self.lines for sign in signs)

    async def ask(self, *arguments: str, timeout_s: float = ENGINE_TIMEOUT_S) -> str:
        """Return what the engine answers to a command.

        Raises:
            EngineFault: it refuses, or takes too long.
        """
        process = await asyncio.create_subprocess_exec(
            self.settings.engine,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment(),
        )
        try:
            out, errors = await within(timeout_s, process.communicate())
        except asyncio.TimeoutError:
            raise EngineFault(
                f"{self.settings.engine} {arguments[0]} took longer than {timeout_s:g} s"
            ) from None
        finally:
            if process.returncode is None:  # too slow, or nobody wants the answer any more
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode != 0:
            raise EngineFault(errors.decode(errors="replace").strip())
        return out.decode(errors="replace")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != orphans.MARK}
        return {**kept, **self.settings.engine_variables}

    def _arguments(self) -> list[str]:
        settings = self.settings
        # While it starts, it may have a whole core: importing libraries with a tenth of one takes minutes.
        cpus = [] if settings.cpu_cores is None else ["--cpus", f"{max(settings.cpu_cores, 1.0):g}"]
        mounts = dict(settings.mounts)
        writable = {str(self.folder): RUN_FOLDER} if settings.is_ours else {}
        return [
            # What runs is what was looked at before; in a registry the name may be somebody else's.
            "run", "--rm", "--pull", "never", "--name", self.name, "--label", settings.label,
            *(text for port in settings.ports for text in ("-p", f"127.0.0.1::{port}")),
            *(text for here, there in mounts.items() for text in ("-v", f"{here}:{there}:ro")),
            *(text for here, there in writable.items() for text in ("-v", f"{here}:{there}")),
            *cpus, *settings.options, settings.image, *settings.command,
        ]  # fmt: skip

    def _make_folder(self) -> None:
        if not self.settings.is_ours:
            return
        self.folder.mkdir(parents=True, mode=0o700)
        # The user in the container is nobody here, and must not replace what is ours; the folders above this
        # one keep others out.
        self.folder.chmod(0o1777)
        if self.hop_key is not None:
            replace_guard_file(self.folder / GUARD, Admission(key_digests=(digest_of(self.hop_key),)))
            (self.folder / GUARD).chmod(0o644)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        stream = process.stdout
        while stream is not None:
            try:
                line = await stream.readline()
            except ValueError:  # longer than the limit: that piece is dropped
                continue
            if not line:
                break
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            self.lines.append(line.decode(errors="replace").rstrip())
        self.exit_code = await process.wait()
        self._cut()
        self.ended.set()

    def _cut(self) -> None:
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
