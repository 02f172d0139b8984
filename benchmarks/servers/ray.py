"""Ray Serve on one machine."""

from benchmarks.servers.base import APPS, MODEL_LIBRARIES, Command, Run, Server


class RayServe(Server):
    peer = "ray"
    title = "Ray Serve"
    requirements = ("ray[serve]", *MODEL_LIBRARIES)
    tasks = frozenset({"ridge", "floats", "frame", "slow"})
    start_timeout_s = 180.0

    def command(self, run: Run) -> Command:
        batch_size = 64 if run.batching else 1
        return Command(
            [str(run.python), str(APPS / "ray_app.py"), *map(str, (run.port, run.workers, batch_size))],
            {
                "BENCH_TASK": run.task,
                "BENCH_MODEL_DIR": str(run.model_dir),
                "PYTHONPATH": str(APPS),
                "RAY_USAGE_STATS_ENABLED": "0",
                "RAY_AUTH_MODE": "disabled",
            },
        )


SERVERS: tuple[Server, ...] = (RayServe(),)
