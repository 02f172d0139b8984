"""Stands in for Docker or Podman: a "container" is a process, its image a program for this Python.

State is in files beside this one: NAME.pid and NAME.port. Called with the same commands as an engine.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

STATE = Path(os.environ["FAKE_ENGINE_STATE"])


def main(arguments):
    verb, rest = arguments[0], arguments[1:]
    with (STATE / "calls").open("a") as calls:
        print(*arguments, file=calls)
    if verb == "run":
        return run(rest)
    name = rest[-1] if verb != "port" else rest[0]
    pid = STATE / f"{name}.pid"
    if verb == "port":
        port = STATE / f"{name}.port"
        if not port.exists():
            sys.exit("no such container")
        print(f"5001/tcp -> 127.0.0.1:{port.read_text()}")
    elif verb in ("kill", "rm", "stop"):
        if pid.exists():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid.read_text()), signal.SIGTERM if verb == "stop" else signal.SIGKILL)
        deadline = time.monotonic() + 10
        while verb == "stop" and pid.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    return 0


def run(arguments):
    name = arguments[arguments.index("--name") + 1]
    image = next((text for text in arguments if text.endswith(".py")), None)
    if image is None:
        is_gpu = "nvidia.com/gpu=0" in arguments
        print(
            "Error: unresolvable nvidia.com/gpu=0" if is_gpu else f"Error: {arguments[-1]}: image not known"
        )
        return 126 if is_gpu else 125
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-I", image, str(port)])
    (STATE / f"{name}.pid").write_text(str(process.pid))
    (STATE / f"{name}.port").write_text(str(port))
    code = process.wait()
    (STATE / f"{name}.pid").unlink()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
