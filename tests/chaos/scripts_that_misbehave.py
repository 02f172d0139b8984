"""Entry scripts that do everything that a script should not."""

import time

from moorage import services

from .stage import Report, Stage

MISBEHAVES = """
import json, os, signal, subprocess, sys, time

def init():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)

def run(data):
    what = json.loads(data)
    if what == "block":
        while True:
            time.sleep(1)
    if what == "exit":
        os._exit(7)
    if what == "fork" and os.fork() == 0:
        time.sleep(600)
    if what == "close":
        os.closerange(3, 256)
    if isinstance(what, int) and what > 1:
        line = b"x" * 1023 + b"\\n"
        for _ in range(what):
            os.write(1, line)
    return what
"""
MOST_LOG_BYTES = 200 * 1024 * 1024


def misbehave(stage: Stage) -> Report:
    """One request of each kind fails at most; the next one is answered, and nothing is left at the end."""
    stage.deploy("odd", MISBEHAVES, scoring_timeout_ms=1000)
    report = Report("scripts that misbehave")

    def ask(body: str) -> int:
        report.sent += 1
        status = services.run(stage.workspace, "odd", body, timeout_s=60).status
        report.failed += status != 200
        return status

    printed_kib = 1024 * (200 if stage.seconds > 20 else 30)
    for body, is_lost in (
        ('"block"', True),
        ('"exit"', True),
        ('"fork"', False),
        ('"close"', True),
        (str(printed_kib), False),
    ):
        begun = time.monotonic()
        status = ask(body)
        report.injected += 1
        report.may_fail += is_lost
        if not is_lost and status != 200 and body != str(printed_kib):
            report.lost.append(f"{body} was answered with {status}")
        report.may_fail += body == str(printed_kib)  # it may take longer than a request may
        if ask("1") != 200:
            report.lost.append(f"no answer after {body}")
        report.longest_gap_s = max(report.longest_gap_s, time.monotonic() - begun)
    size = sum(path.stat().st_size for path in (stage.folder("odd") / "logs").iterdir())
    if size > MOST_LOG_BYTES:
        report.lost.append(f"the log has grown to {size} bytes")
    # It ignores the signals that ask it to end, and has children outside of its session.
    report.lost += stage.end("odd")
    return report


FAULTS = (misbehave,)
