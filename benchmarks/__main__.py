"""The command: what to measure, with whom, how long; then the report."""

import argparse
import os
import sys
from pathlib import Path

from benchmarks import control_plane, wrk
from benchmarks.measure import Plan, Results, measure, predictions_per_s
from benchmarks.report import Report
from benchmarks.servers import PEERS, UnknownPeer, servers
from benchmarks.workloads import BY_KEY, WORKLOADS

RESULTS = Path(__file__).resolve().parent / "results"
QUICK_PEERS = ("moorage", "azureml", "ceilings")


def main() -> int:
    options = read_options()
    peers = tuple(options.peers.split(",")) if options.peers else QUICK_PEERS if options.quick else PEERS
    keys = options.workloads or ("ab" if options.quick else "".join(w.key for w in WORKLOADS))
    try:
        plan = Plan(
            workloads=tuple(BY_KEY[key] for key in keys if key != ","),
            rounds=options.rounds or (1 if options.quick else 3),
            seconds=options.seconds or (2 if options.quick else 5),
            warm_up_s=1,
        )
        wanted = servers(peers)
    except (KeyError, UnknownPeer) as error:
        print(f"Cannot measure that: {error}", file=sys.stderr)
        return 2
    if wrk.is_installed():
        results = measure(plan, wanted, say)
    else:
        say("wrk is not installed, so no server is put under load (Debian, Ubuntu: apt install wrk)")
        results = Results(problems=["all servers: wrk, which makes the load, is not installed"])
    predictions = {w.key: predictions_per_s(w.key, 1.0) for w in plan.workloads if w.key in "acd"}
    report = Report(
        workloads=plan.workloads,
        titles=[server.title for server in wanted],
        results=results,
        predictions=predictions,
        figures={} if options.only_servers else control_plane_figures(options.quick, results),
        settings=f"{plan.rounds} round{'s' if plan.rounds > 1 else ''} of {plan.seconds:g} s",
    )
    print("\n" + report.markdown())
    if options.results != "-":
        report.write(Path(options.results))
        print(f"Table, figures and chart: {options.results}/benchmarks.md, .json, .png")
    return 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one short round with few servers")
    parser.add_argument(
        "--peers",
        default=os.environ.get("BENCH_PEERS", ""),
        help=f"comma separated: {','.join(PEERS)} (also BENCH_PEERS)",
    )
    parser.add_argument("--workloads", default="", help="letters of the workloads, such as abc")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of one measurement; whole seconds")
    parser.add_argument("--results", default=str(RESULTS), help="folder for the files, - for none")
    parser.add_argument("--only-servers", action="store_true", help="leave out deployment and registration")
    return parser.parse_args()


def control_plane_figures(quick: bool, results: Results) -> dict[str, str]:
    """Measure deployment and registration; a failure is reported beside the other figures."""
    figures: dict[str, str] = {}
    size_mb = 200 if quick else 1000
    try:
        say("moor model deploy")
        seconds = sorted(control_plane.deployment_s(1 if quick else 5))
        figures["from `moor model deploy` to the first scored request"] = (
            f"{seconds[len(seconds) // 2]:.2f} s (median of {len(seconds)})"
        )
        say(f"registration of {size_mb} MB")
        ours, theirs = control_plane.registration_s(size_mb * control_plane.MB, 1 if quick else 3)
        figures[f"registration of {size_mb} MB"] = (
            f"{ours:.2f} s; sha256sum plus cp take {theirs:.2f} s; "
            f"that is {100 * theirs / ours:.0f} % of their speed"
        )
    except (RuntimeError, OSError) as error:
        results.problems.append(f"control plane: {error}")
        say(results.problems[-1])
    return figures


def say(text: str) -> None:
    print(f"bench: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
