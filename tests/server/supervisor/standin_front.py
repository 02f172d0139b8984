"""A front as the supervisor sees one: inherits the socket, reports on a pipe, drains on SIGTERM.

Behaviour comes from the settings file, so that tests can have fronts that fail in every way.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--settings", type=Path)
parser.add_argument("--listen-fd", type=int)
parser.add_argument("--ready-fd", type=int)
parser.add_argument("--leash-fd", type=int)
parser.add_argument("--trial-requests", type=int)
options = parser.parse_args()
settings = json.loads(options.settings.read_text())


def report(**event):
    os.write(options.ready_fd, json.dumps(event).encode() + b"\n")


def answer():
    body = json.dumps({"generation": settings["number"], "pid": os.getpid()}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body)


async def serve():
    active = set()

    async def handle(reader, writer):
        active.add(asyncio.current_task())
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split()[1].decode()
            if path.startswith("/sleep"):
                await asyncio.sleep(float(path.rpartition("/")[2]))
            if path.startswith("/report"):
                count, failed = path.split("/")[2:]
                report(event="requests", count=int(count), failed=int(failed))
            if path.startswith("/candidate"):
                state, *counts = path.split("/")[2:]
                names = ("generation", "count", "failed", "live_count", "live_failed")
                names += ("slow", "hanging", "slow_after_ms")
                report(event="candidate", state=state, **dict(zip(names, map(int, counts))))  # noqa: B905
            if path == "/die":
                os._exit(7)
            writer.write(answer())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            active.discard(asyncio.current_task())

    server = await asyncio.start_server(handle, sock=socket.socket(fileno=options.listen_fd))
    stop = asyncio.Event()
    if not settings.get("deaf"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        asyncio.get_running_loop().add_reader(options.leash_fd, stop.set)
    report(event="ready")
    await stop.wait()
    # A connection that was accepted an instant ago is in ``active`` a few steps of the loop later. Until then
    # the server has to stay open: asyncio drops connections that it accepted for a server closed meanwhile.
    for listener in server.sockets:
        asyncio.get_running_loop().remove_reader(listener.fileno())
    for _ in range(10):
        await asyncio.sleep(0)
    server.close()
    report(event="closed")
    while active:
        await asyncio.wait(active)


if settings.get("deaf"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("front of generation", settings["number"], "speaks", flush=True)
for index in range(settings.get("lines", 0)):
    print(f"line {index:08d} of many", flush=index % 100 == 0)
if settings.get("children"):
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    children = [subprocess.Popen(sleeper), subprocess.Popen(sleeper, start_new_session=True)]
    report(event="scorers", pids=[child.pid for child in children])
time.sleep(settings.get("delay_s", 0))
flag = options.settings.with_name("fail-next")
if settings.get("fails") or flag.exists():
    flag.unlink(missing_ok=True)
    report(
        event="failed", error={"stage": "init", "message": "init() raised", "traceback": "score.py, line 3"}
    )
    sys.exit(3)
if "exits" in settings:
    print("Traceback: a fault nobody reported", file=sys.stderr, flush=True)
    os._exit(settings["exits"])
asyncio.run(serve())
