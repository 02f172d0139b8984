"""FastAPI with uvicorn: not a model server, but what many people write instead of using one."""

from benchmarks.servers.base import APPS, MODEL_LIBRARIES, Command, Run, Server


class FastAPI(Server):
    peer = "fastapi"
    title = "FastAPI + uvicorn"
    requirements = ("fastapi", "uvicorn[standard]", *MODEL_LIBRARIES)

    def command(self, run: Run) -> Command:
        options = [
            "--host",
            "127.0.0.1",
            "--port",
            str(run.port),
            "--no-access-log",
            "--log-level",
            "warning",
        ]
        return Command(
            [str(run.python), "-m", "uvicorn", "fastapi_app:app", "--app-dir", str(APPS), *options],
            {"BENCH_TASK": run.task, "BENCH_MODEL_DIR": str(run.model_dir)},
        )


SERVERS: tuple[Server, ...] = (FastAPI(),)
