"""Changes and kills while 200 requests a second arrive."""

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable

from moorage import services
from moorage.deployments import LocalConfig
from moorage.deployments.self_signed import make_self_signed
from moorage_server.supervision import lock, orphans

from .load import THREADS, Load
from .stage import ANSWERS_WITHIN_S, RATE, Report, Stage

LEAKS = """
import os
kept = []
def init(): pass
def run(data):
    kept.append(b"x" * 200_000)
    return os.getpid()
"""


def under_load(stage: Stage, fault: str, inject: Callable[[int], int]) -> Report:
    """Call ``inject`` with 0, 1, 2, ... under load for the given time; it returns what may fail by it."""
    report = Report(fault)
    service = services.get(stage.workspace, "svc")
    assert service.scoring_uri is not None
    ends_at = time.monotonic() + stage.seconds
    with Load(service.scoring_uri, rate=RATE) as load:
        time.sleep(0.3)
        while report.injected == 0 or time.monotonic() < ends_at:
            report.may_fail += inject(report.injected)
            report.injected += 1
        time.sleep(0.3)
    _take(report, load)
    report.lost += stage.losses()
    return report


def _take(report: Report, load: Load) -> None:
    counts = load.counts
    report.sent, report.failed, report.reset = counts.sent, counts.failed, counts.reset
    report.longest_gap_s = counts.longest_gap_s
    report.note = ", ".join(f"{n} x {reason}" for reason, n in sorted(counts.reasons.items()))
    if counts.answered + counts.failed + counts.reset != counts.sent:
        report.lost.append("requests that nobody counted")
    if counts.longest_gap_s > ANSWERS_WITHIN_S:
        report.lost.append(f"no answer for {counts.longest_gap_s:.1f} s")


def update(stage: Stage) -> Report:
    def inject(number: int) -> int:
        services.update(stage.workspace, "svc", models=[f"m:{2 - number % 2}"])
        return 0

    return under_load(stage, "update", inject)


def roll_back(stage: Stage) -> Report:
    def inject(_number: int) -> int:
        before = services.get(stage.workspace, "svc").revision
        services.update(stage.workspace, "svc")
        if services.rollback(stage.workspace, "svc").revision != before:
            raise AssertionError("the rollback went elsewhere than to the revision before")
        return 0

    return under_load(stage, "roll back", inject)


def scale(stage: Stage) -> Report:
    def inject(number: int) -> int:
        count = 1 + (number + 1) % 3
        services.update(stage.workspace, "svc", deployment_config=LocalConfig(worker_count=count))
        return 0

    return under_load(stage, "scale workers", inject)


def kill_worker(stage: Stage) -> Report:
    def inject(_number: int) -> int:
        victims = stage.until(lambda: stage.generation()["scorer_pids"], "a scorer")
        os.kill(victims[0], signal.SIGKILL)
        stage.until(lambda: stage.generation()["scorer_pids"] != victims, "another scorer")
        stage.until(lambda: services.run(stage.workspace, "svc", "1").status == 200, "an answer")
        return 1  # the one that it was running

    return under_load(stage, "kill a worker", inject)


def kill_front(stage: Stage) -> Report:
    def inject(_number: int) -> int:
        victim = stage.until(lambda: stage.generation()["pid"], "a front")
        os.kill(victim, signal.SIGKILL)
        stage.until(lambda: stage.generation()["pid"] not in (None, victim), "another front")
        stage.until_healthy()
        return THREADS  # what was on its connections, kept ones included

    return under_load(stage, "kill the front", inject)


def kill_supervisor(stage: Stage) -> Report:
    def inject(_number: int) -> int:
        before = stage.until(lambda: lock.supervisor_pid(stage.folder()), "a supervisor")
        stage.until(lambda: lock.keeper_pid(stage.folder()), "a keeper")
        os.kill(before, signal.SIGKILL)
        stage.until(lambda: lock.supervisor_pid(stage.folder()) not in (None, 0, before), "another one")
        stage.until_healthy()
        return 0

    return under_load(stage, "kill the supervisor", inject)


def kill_keeper(stage: Stage) -> Report:
    def inject(_number: int) -> int:
        before = stage.until(lambda: lock.keeper_pid(stage.folder()), "a keeper")
        os.kill(before, signal.SIGKILL)
        stage.until(lambda: lock.keeper_pid(stage.folder()) not in (None, 0, before), "another one")
        return 0

    return under_load(stage, "kill the keeper", inject)


def kill_command(stage: Stage) -> Report:
    """Kill ``moor service update`` at any time, and run the same command again."""
    environment = {**os.environ, "MOORAGE_HOME": str(stage.home)}

    def inject(number: int) -> int:
        wanted = f"m:{2 - number % 2}"
        command = [sys.executable, "-m", "moorage.cli", "service", "update", "-n", "svc", "-m", wanted]
        killed = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            killed.wait(stage.random.uniform(0.3, 3.0))
        except subprocess.TimeoutExpired:
            killed.kill()
            killed.wait()
        again = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        if again.returncode != 0:
            raise AssertionError(f"the same command fails: {again.stderr}")
        if services.get(stage.workspace, "svc").models != (wanted,):
            raise AssertionError("the same command did not finish the work")
        return 0

    return under_load(stage, "kill the command", inject)


def kill_other_commands(stage: Stage) -> Report:
    """Kill ``moor model deploy`` and ``moor service delete`` at any time, and run the same commands again."""
    report = Report("kill deploy and delete")
    environment = {**os.environ, "MOORAGE_HOME": str(stage.home)}
    entry = stage.script(name="other.py").entry_script
    moor = [sys.executable, "-m", "moorage.cli"]
    deploy = [*moor, "model", "deploy", "-n", "other", "-m", "m:1", "--es", str(entry), "--overwrite"]
    delete = [*moor, "service", "delete", "-n", "other"]
    ends_at = time.monotonic() + stage.seconds
    while report.injected == 0 or time.monotonic() < ends_at:
        for command in (deploy, delete):
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            killed = subprocess.Popen(command, env=environment, **quiet)
            try:
                killed.wait(stage.random.uniform(0.3, 3.0))
            except subprocess.TimeoutExpired:
                killed.kill()
                killed.wait()
                report.injected += 1
            again = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=60, check=False
            )
            verb = command[len(moor) + 1]
            # The one that was killed may have done everything.
            if again.returncode and not (verb == "delete" and "'other' does not exist" in again.stderr):
                report.lost.append(f"the same {verb} fails: {again.stderr[-300:]}")
            if verb == "deploy" and services.run(stage.workspace, "other", "1").status != 200:
                report.lost.append("what was deployed does not answer")
        left = orphans.marked(orphans.mark(stage.folder("other")))
        if left or stage.folder("other").exists():
            report.lost.append(f"{len(left)} processes, or the folder, of a service that was deleted")
    report.lost += stage.losses()
    return report


def change_keys(stage: Stage) -> Report:
    """Both keys in turn get new values, while clients use the other one."""
    service = stage.deploy("keyed", auth_enabled=True)
    assert service.scoring_uri is not None
    in_use = [services.get_keys(stage.workspace, "keyed")[1]]
    report = Report("change keys")
    ends_at = time.monotonic() + stage.seconds
    headers = lambda: {"Authorization": f"Bearer {in_use[0]}"}  # noqa: E731
    with Load(service.scoring_uri, rate=RATE, headers=headers) as load:
        while report.injected == 0 or time.monotonic() < ends_at:
            for key, index in (("primary", 0), ("secondary", 1)):
                in_use[0] = services.regen_key(stage.workspace, "keyed", key)[index]  # type: ignore[arg-type]
                report.injected += 1
                # Requests with the key of before are on their way.
                time.sleep(0.5)
    _take(report, load)
    report.lost += stage.end("keyed")
    return report


def renew_certificate(stage: Stage) -> Report:
    """The files of the certificate are replaced; clients notice nothing but that it is another one."""
    folder = stage.home / "tls"
    paths = make_self_signed(folder)
    config = {"ssl_certificate_path": str(paths.certificate), "ssl_key_path": str(paths.key)}
    service = stage.deploy("sealed", ssl_enabled=True, **config)
    assert service.scoring_uri is not None
    assert service.port is not None
    address = ("localhost", service.port)
    report = Report("renew the certificate")
    ends_at = time.monotonic() + stage.seconds
    with Load(service.scoring_uri, rate=RATE) as load:
        while report.injected == 0 or time.monotonic() < ends_at:
            make_self_signed(folder, overwrite=True)
            wanted = ssl.PEM_cert_to_DER_cert(paths.certificate.read_text())
            stage.until(
                lambda: ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(address)) == wanted,  # noqa: B023
                "clients get the renewed certificate",
            )
            report.injected += 1
            time.sleep(0.2)
    _take(report, load)
    report.lost += stage.end("sealed")
    return report


def leak(stage: Stage) -> Report:
    service = stage.deploy("leaking", LEAKS, max_scorer_memory_bytes=40_000_000)
    assert service.scoring_uri is not None
    report = Report("a script that leaks")
    ends_at = time.monotonic() + stage.seconds
    with Load(service.scoring_uri, rate=RATE) as load:
        while time.monotonic() < ends_at or _replaced(stage) == 0:
            assert time.monotonic() < ends_at + 60, "the leaking scorer is not replaced"
            time.sleep(0.2)
    report.injected = _replaced(stage)
    _take(report, load)
    report.lost += stage.end("leaking")
    return report


def _replaced(stage: Stage) -> int:
    return services.get_logs(stage.workspace, "leaking").count("allowed, and is replaced")


FAULTS = (
    update,
    roll_back,
    scale,
    change_keys,
    renew_certificate,
    kill_worker,
    kill_front,
    kill_supervisor,
    kill_keeper,
    kill_command,
    kill_other_commands,
    leak,
)
