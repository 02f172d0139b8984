"""Faults on purpose: ``python -m tests.chaos [--quick] [NAME...]``, or ``make chaos``.

Prints one line per fault and the sums; exit code 1 if anything was lost, or a request failed that must not.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from . import rollouts, scripts_that_misbehave, storage_faults, under_load
from .stage import Report, Stage

FAULTS = (*under_load.FAULTS, *rollouts.FAULTS, *scripts_that_misbehave.FAULTS, *storage_faults.FAULTS)
QUICK_S, FULL_S = 2.0, 60.0
HEAD = ("fault", "injected", "sent", "failed", "reset", "silence", "lost", "")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Faults on purpose.")
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(f.__name__ for f in FAULTS)}")
    parser.add_argument("--quick", action="store_true", help="2 s for each fault under load instead of 60")
    parser.add_argument("--seed", type=int, help="of a run that shall be repeated")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    chosen = [fault for fault in FAULTS if not options.names or fault.__name__ in options.names]
    for name in [name for name in os.environ if name.startswith("MOORAGE_")]:
        del os.environ[name]
    print(f"seed {seed}", flush=True)
    _say(HEAD)
    begun = time.monotonic()
    reports = []
    with tempfile.TemporaryDirectory(prefix="moorage-chaos-", ignore_cleanup_errors=True) as folder:
        os.environ["MOORAGE_HOME"] = str(Path(folder) / "home")
        stage = Stage(Path(folder) / "home", QUICK_S if options.quick else FULL_S, seed)
        try:
            stage.deploy()
            for fault in chosen:
                reports.append(_run(fault, stage))
                _say(_cells(reports[-1]))
                for loss in reports[-1].lost:
                    print(f"    LOST: {loss}", flush=True)
        finally:
            stage.close()
    totals = Report("sum")
    for report in reports:
        for name in ("injected", "sent", "failed", "reset", "may_fail"):
            setattr(totals, name, getattr(totals, name) + getattr(report, name))
        totals.lost += report.lost
    _say(_cells(totals))
    lost = sum(len(report.lost) or (not report.is_good) for report in reports)
    seconds = time.monotonic() - begun
    print(
        f"requests sent: {totals.sent}, failed: {totals.failed}, reset: {totals.reset} "
        f"(at most {totals.may_fail} were running in what was killed); "
        f"faults injected: {totals.injected}; things lost: {lost}; {seconds:.0f} s"
    )
    return 1 if lost else 0


def _run(fault, stage: Stage) -> Report:
    try:
        return fault(stage)
    except Exception as error:
        return Report(fault.__name__, lost=[f"{type(error).__name__}: {error}"])


def _cells(report: Report) -> tuple[str, ...]:
    silence = f"{report.longest_gap_s:.2f} s" if report.longest_gap_s else ""
    verdict = "" if report.is_good else "BAD"
    numbers = (report.injected, report.sent, report.failed, report.reset)
    note = f"{verdict} {report.note}".strip()
    return (report.fault, *(str(number) for number in numbers), silence, str(len(report.lost)), note)


def _say(cells: tuple[str, ...]) -> None:
    widths = (24, 9, 8, 7, 6, 9, 5, 0)
    line = [cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:-1], widths[1:-1], strict=True))]
    print("".join(line), f" {cells[-1]}".rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
