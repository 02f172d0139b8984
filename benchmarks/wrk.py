"""The load generator: wrk, with a Lua script that reports what it saw as JSON."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers.base import Request

SCRIPT = Path(__file__).with_suffix(".lua")


@dataclass(frozen=True)
class Measurement:
    requests_per_s: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    failed: int  # answers that are no success, and broken connections


def is_installed() -> bool:
    return shutil.which("wrk") is not None


def load(
    address: str, request: Request, connections: int, seconds: float, folder: Path, pause_ms: float = 0.0
) -> Measurement:
    """Send ``request`` over ``connections`` connections for ``seconds``.

    With ``pause_ms`` every connection waits about that long before it sends again.
    """
    body = folder / "body"
    body.write_bytes(request.body)
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--latency"]
    command += ["--duration", f"{max(1, round(seconds))}s", "--timeout", "30s", "--script", str(SCRIPT)]
    command += [address + request.path, "--", str(body), request.content_type, str(pause_ms)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    return read(done.stdout)


def read(output: str) -> Measurement:
    """Read the line of JSON among what wrk prints."""
    line = next(line for line in output.splitlines() if line.startswith('{"requests"'))
    seen = json.loads(line)
    return Measurement(
        requests_per_s=seen["requests"] / (seen["duration_us"] / 1e6),
        p50_ms=seen["p50_us"] / 1000,
        p90_ms=seen["p90_us"] / 1000,
        p99_ms=seen["p99_us"] / 1000,
        failed=seen["failed"],
    )
