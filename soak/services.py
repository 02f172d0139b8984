"""The services that are put under load: a front each, with scorers, on a free port of this machine."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ARRAYS = """
import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema

def init():
    pass

@input_schema("data", NumpyParameterType(np.zeros((1, 10))))
@output_schema(NumpyParameterType(np.zeros(1)))
def run(data):
    if (data < 0).any():
        raise ValueError("negative")
    return data.sum(axis=1)
"""
TABLES = """
import pandas as pd
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.schema_decorators import input_schema

def init():
    pass

@input_schema("data", PandasParameterType(pd.DataFrame([{"region": "north", "amount": 10.5, "items": 3}])))
def run(data):
    return (data["amount"] * data["items"]).tolist()
"""
RAW = """
import json
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse

def init():
    pass

def pieces(count):
    piece = b"x" * 1000000
    for _ in range(count):
        yield piece

def length_of(stream):
    size = 0
    while True:
        piece = stream.read(1 << 16)
        if not piece:
            return size
        size += len(piece)

@rawhttp
def run(request):
    if "pieces" in request.args:
        return AMLResponse(pieces(int(request.args["pieces"])), 200)
    if "image" in request.files:
        return AMLResponse({"size": length_of(request.files["image"])}, 200, json_str=True)
    return AMLResponse({"size": length_of(request.stream)}, 200, json_str=True)
"""
READY_WITHIN_S = 60


@dataclass
class Service:
    """A running front; ``processes`` are the front and its scorers, by a name for people."""

    name: str
    port: int
    processes: dict[str, psutil.Process]


@contextmanager
def service(name: str, script: str, folder: Path, **settings: Any) -> Iterator[Service]:
    """Run a service as long as the block lasts.

    Raises:
        RuntimeError: it does not become ready; the message has its log.
    """
    home = folder / name
    home.mkdir()
    (home / "score.py").write_text(script)
    values = {"app_root": str(home), "entry_script": "score.py", "name": name, **settings}
    (home / "service.json").write_text(json.dumps(values))
    reader, writer = os.pipe()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    with listener, (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "moorage_server.front", "--settings", str(home / "service.json")),
                *("--listen-fd", str(listener.fileno()), "--ready-fd", str(writer)),
            ],
            pass_fds=[listener.fileno(), writer],
            stdout=log,
            stderr=log,
        )
        port = listener.getsockname()[1]
    os.close(writer)
    try:
        pids = _scorers(reader, home / "log")
        scorers = {f"{name} scorer {number}": psutil.Process(pid) for number, pid in enumerate(pids, 1)}
        yield Service(name, port, {f"{name} front": psutil.Process(process.pid), **scorers})
        if process.poll() is not None:
            raise RuntimeError(f"the front of {name} ended with code {process.returncode}")
    finally:
        os.close(reader)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _scorers(reader: int, log: Path) -> list[int]:
    """Wait for ``ready`` on the descriptor of a front; return the process ids of the scorers."""
    deadline, text, pids = time.monotonic() + READY_WITHIN_S, b"", []
    while time.monotonic() < deadline:
        data = os.read(reader, 65536)
        text += data
        for line in text.splitlines():
            event = json.loads(line) if line.endswith(b"}") else {}
            if event.get("event") == "scorers":
                pids = event["pids"]
            if event.get("event") == "ready":
                return pids
        if not data:
            break
    raise RuntimeError(f"the service did not become ready:\n{log.read_text()}")
