"""Start a server, wait until it answers, weigh it, and end it with all that it started."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from benchmarks.servers.base import Command, Request

STOP_TIMEOUT_S = 10.0


class DidNotStart(Exception):
    """The server ended or did not answer in time; the text is the end of its log."""


@dataclass(frozen=True)
class Running:
    address: str  # http://127.0.0.1:PORT
    process: psutil.Process
    seconds_to_ready: float  # from the start of the process to the first right answer

    def memory_bytes(self) -> int:
        """Return the memory of all processes of the server; shared pages count once (PSS)."""
        total = 0
        for process in [self.process, *self.process.children(recursive=True)]:
            with suppress(psutil.Error):
                memory = process.memory_full_info()
                total += getattr(memory, "pss", memory.uss)
        return total


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(command: Command, port: int, request: Request, log: Path, timeout_s: float) -> Iterator[Running]:
    """Run a server for the time of the block.

    Raises:
        DidNotStart: it ended, or ``request`` was not answered with success within ``timeout_s``.
    """
    # One thread per process for linear algebra: on a small machine the pools of several workers
    # get into each other's way, whichever server it is.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **command.environment}
    started = time.monotonic()
    with log.open("wb") as output:
        child = psutil.Popen(
            command.arguments,
            env=environment,
            cwd=command.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(child, address, request, started + timeout_s, log)
        yield Running(address, psutil.Process(child.pid), time.monotonic() - started)
    finally:
        _stop(child)


def _wait_until_it_answers(
    child: psutil.Popen, address: str, request: Request, deadline: float, log: Path
) -> None:
    headers = {"Content-Type": request.content_type}
    with httpx.Client(timeout=10) as client:
        while True:
            if child.poll() is not None:
                raise DidNotStart(f"ended with status {child.returncode}: {_end_of(log)}")
            last = ""
            try:
                answer = client.post(address + request.path, content=request.body, headers=headers)
                if answer.is_success:
                    return
                last = f"{answer.status_code} {answer.text[:300]}"
            except httpx.TransportError as error:
                last = str(error)
            if time.monotonic() > deadline:
                raise DidNotStart(f"no right answer in time ({last}): {_end_of(log)}")
            time.sleep(0.02)


def _stop(child: psutil.Popen) -> None:
    try:
        family = [child, *child.children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    with suppress(psutil.NoSuchProcess):
        child.terminate()
    with suppress(psutil.TimeoutExpired):
        child.wait(STOP_TIMEOUT_S)
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=STOP_TIMEOUT_S)


def _end_of(log: Path) -> str:
    """Return the last lines of what the server printed, and of the log files that it wrote beside."""
    files = [log, *sorted(log.parent.rglob("*.log"))]
    lines = [line for file in files for line in file.read_text(errors="replace").strip().splitlines()]
    return "\n".join(lines[-15:])
