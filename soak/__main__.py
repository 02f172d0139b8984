"""Put services under mixed load for some minutes: every answer has to be right, and memory flat."""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import psutil

from soak.clients import OF_ARRAYS, OF_RAW, OF_TABLES, Visit, receive_stream, send_stream
from soak.memory import MB, Samples, peak_bytes
from soak.services import ARRAYS, RAW, TABLES, Service, service

STREAM_MB = 2000
STREAM_BOUND_MB = 64  # what a process may need in addition for a stream of any length
GROWTH_BOUND_MB = 10  # of a process between the second and the last quarter
CLIENTS_PER_KIND = 2
SAMPLE_EVERY_S, LINE_EVERY_S = 1.0, 15.0


def main() -> int:
    """Return 0 if all is well; say what is not."""
    options = read_options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        limits = {"max_body_bytes": 3000 * MB, "smoke_run": False}
        arrays = stack.enter_context(
            service("arrays", ARRAYS, folder, worker_count=2, max_batch_size=16, **limits)
        )
        raw = stack.enter_context(service("raw", RAW, folder, **limits))
        problems = [] if options.no_streams else stream(raw)
        tables = stack.enter_context(service("tables", TABLES, folder, max_batch_size=16, **limits))
        problems += load([arrays, tables, raw], options.minutes * 60)
    for problem in problems:
        print(f"FAILED: {problem}")
    return 1 if problems else 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="of mixed load (default 10)")
    parser.add_argument("--no-streams", action="store_true", help="leave out the two streams of 2 GB")
    return parser.parse_args()


def stream(raw: Service) -> list[str]:
    """Send and receive far more than a process may hold; return what is wrong."""
    problems = []
    for title, visit in (
        (f"a body of {STREAM_MB} MB", send_stream),
        (f"an answer of {STREAM_MB} MB", receive_stream),
    ):
        before = {name: peak_bytes(process) for name, process in raw.processes.items()}
        began = time.monotonic()
        visit(raw, STREAM_MB)
        took_s = time.monotonic() - began
        for name, process in raw.processes.items():
            peak = peak_bytes(process)
            sizes = f"{before[name] / MB:.1f} MB before, at most {peak / MB:.1f} MB"
            print(f"{title} in {took_s:.1f} s: {name} {sizes}")
            if peak - before[name] > STREAM_BOUND_MB * MB:
                problems.append(f"{name} grew by more than {STREAM_BOUND_MB} MB with {title}")
    return problems


def load(services: list[Service], seconds: float) -> list[str]:
    """Let all kinds of clients come for that long; return what is wrong."""
    stop = threading.Event()
    visits: Counter[str] = Counter()
    problems: list[str] = []

    def come(service: Service, kinds: tuple[Visit, ...]) -> None:
        while not stop.is_set():
            visit = random.choice(kinds)
            try:
                visit(service)
            except Exception as error:
                problems.append(f"{visit.__name__}: {error!r}")
                stop.set()
            visits[visit.__name__] += 1

    clients = [
        threading.Thread(target=come, args=arguments)
        for arguments in zip(services, (OF_ARRAYS, OF_TABLES, OF_RAW), strict=True)
        for _ in range(CLIENTS_PER_KIND)
    ]
    samples = Samples({name: process for one in services for name, process in one.processes.items()})
    print("resident MB " + "".join(f"{name:>18}" for name in samples.processes))
    for client in clients:
        client.start()
    try:
        _watch(samples, stop, seconds)
    except psutil.NoSuchProcess as error:
        problems.append(f"a process ended: {error}")
    finally:
        stop.set()
        for client in clients:
            client.join()
    print("visits: " + ", ".join(f"{count} {name}" for name, count in visits.most_common()))
    return problems + _judge(samples)


def _watch(samples: Samples, stop: threading.Event, seconds: float) -> None:
    end, next_line = time.monotonic() + seconds, 0.0
    while time.monotonic() < end and not stop.wait(SAMPLE_EVERY_S):
        samples.take()
        if samples.times_s[-1] >= next_line:
            print(samples.line(), flush=True)
            next_line += LINE_EVERY_S


def _judge(samples: Samples) -> list[str]:
    problems = []
    if len(samples.rows) < 8:
        return ["it was too short to say anything about memory"]
    for name in samples.processes:
        grown = samples.growth_bytes(name)
        print(f"{name}: {grown / MB:+.1f} MB from the second to the last quarter")
        if grown > GROWTH_BOUND_MB * MB:
            problems.append(f"{name} grew by more than {GROWTH_BOUND_MB} MB")
    return problems


if __name__ == "__main__":
    sys.exit(main())
