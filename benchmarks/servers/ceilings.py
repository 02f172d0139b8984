"""What cannot be exceeded: the HTTP server of the front answering a constant."""

import sys
from typing import Any

from benchmarks.servers.base import APPS, Command, Run, Server
from benchmarks.workloads import Workload, expected


class Constant(Server):
    peer = "constant"
    title = "ceiling: uvicorn with a constant answer"

    def supports(self, workload: Workload) -> bool:
        return workload.key in "abcdef"

    def command(self, run: Run) -> Command:
        options = ["--host", "127.0.0.1", "--port", str(run.port), "--no-access-log"]
        return Command([sys.executable, "-m", "uvicorn", "constant:app", "--app-dir", str(APPS), *options])

    def answer(self, workload: Workload, text: str) -> Any:
        return expected(workload.key)


SERVERS: tuple[Server, ...] = (Constant(),)
