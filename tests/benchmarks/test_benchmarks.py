"""The benchmarks compute what they say, and run; how fast anything is, is not tested."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks import wrk  # noqa: E402
from benchmarks.goals import GOALS  # noqa: E402
from benchmarks.measure import Results, WrongAnswer, check_answer  # noqa: E402
from benchmarks.report import Report, table  # noqa: E402
from benchmarks.servers import PEERS, UnknownPeer, servers  # noqa: E402
from benchmarks.workloads import BY_KEY, WORKLOADS, expected  # noqa: E402


def measurement(requests_per_s: float, failed: int = 0) -> wrk.Measurement:
    return wrk.Measurement(requests_per_s, p50_ms=1.0, p90_ms=1.5, p99_ms=2.0, failed=failed)


def test_the_median_is_taken_of_each_figure_and_failures_add_up() -> None:
    results = Results(measurements={("x", "a"): [measurement(1), measurement(9, 1), measurement(2, 2)]})
    seen = results.median("x", "a")
    assert seen is not None
    assert (seen.requests_per_s, seen.failed) == (2, 3)
    assert results.median("x", "b") is None


def test_the_report_has_ratios_and_says_what_is_missing(tmp_path: Path) -> None:
    results = Results(
        measurements={
            ("Moorage", "a"): [measurement(1000)],
            ("other", "a"): [measurement(250, failed=3)],
        },
        problems=["third: could not be installed: no\nsuch package"],
    )
    workloads = (BY_KEY["a"], BY_KEY["b"])
    report = Report(workloads, ["Moorage", "other", "third"], results, {"a": 5000.0}, {}, "1 round")
    text = report.markdown()
    assert "| Moorage : other | 4.0 |" in " ".join(text.split())
    assert "3 FAILED" in text
    assert "could not be installed: no such package" in text
    report.write(tmp_path)
    assert json.loads((tmp_path / "benchmarks.json").read_text())["predictions_per_s"] == {"a": 5000.0}
    assert (tmp_path / "benchmarks.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "benchmarks.md").read_text() == text


def test_goals_are_held_against_the_best_of_the_others() -> None:
    results = Results(
        measurements={
            ("Moorage", "a"): [measurement(1000)],
            ("azureml-inference-server-http, 1 worker", "a"): [measurement(251)],
            ("MLServer", "a"): [measurement(300)],
            ("LitServe", "a"): [measurement(400)],
            ("Moorage", "b"): [measurement(10)],
        }
    )
    titles = ["Moorage", "azureml-inference-server-http, 1 worker", "MLServer", "LitServe"]
    text = " ".join(Report((BY_KEY["a"], BY_KEY["b"]), titles, results, {}, {}, "").markdown().split())
    assert "| (a) Moorage : azureml-inference-server-http, 1 worker | 4 | 3.98 | no |" in text
    assert "| (a) Moorage : best other model server: LitServe | 2.5 | 2.50 | yes |" in text
    assert "| (b) Moorage, p99 : p50, at most | 3 | 2.0 | yes |" in text
    assert "(c)" not in text


def test_goals_are_of_servers_and_workloads_that_there_are() -> None:
    by_title = {server.title: server for server in servers()}
    for goal in GOALS:
        assert by_title[goal.ours].supports(BY_KEY[goal.key])
        assert any(by_title[title].supports(BY_KEY[goal.key]) for title in goal.others)


def test_a_table_has_aligned_columns() -> None:
    assert table([["a", "b"], ["long", "1"]]).splitlines() == ["| a    | b |", "|------|---|", "| long | 1 |"]


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.key)
def test_every_workload_is_the_same_each_time_and_has_a_right_answer(workload) -> None:
    assert workload.rows() == workload.rows()
    right = expected(workload.key)
    if workload.task == "raw":
        assert right == len(workload.rows())
    else:
        assert len(right) == len(workload.rows())


@pytest.mark.parametrize("server", servers(), ids=lambda server: server.title)
def test_every_server_can_say_what_it_is_asked(server) -> None:
    supported = [workload for workload in WORKLOADS if server.supports(workload)]
    assert supported
    for workload in supported:
        request = server.request(workload)
        assert request.path.startswith("/")
        assert request.body
    assert server.peer in PEERS or not server.requirements


def test_titles_are_unique() -> None:
    titles = [server.title for server in servers()]
    assert len(set(titles)) == len(titles)


def test_an_unknown_peer_is_named() -> None:
    with pytest.raises(UnknownPeer, match="no server is called nonesuch; there are moorage"):
        servers(("moorage", "nonesuch"))


def test_a_wrong_answer_is_not_measured(httpserver_answering) -> None:
    server = servers(("moorage",))[0]
    with httpserver_answering(b"[1.0]") as address, pytest.raises(WrongAnswer, match="answered"):
        check_answer(server, BY_KEY["a"], address)


def test_the_right_answer_is_recognised(httpserver_answering) -> None:
    server = servers(("moorage",))[0]
    with httpserver_answering(json.dumps(expected("a")).encode()) as address:
        check_answer(server, BY_KEY["a"], address)


def test_what_wrk_prints_is_understood(httpserver_answering, tmp_path: Path) -> None:
    if shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    server = servers(("moorage",))[0]
    with httpserver_answering(b"[1.0]") as address:
        seen = wrk.load(address, server.request(BY_KEY["a"]), connections=2, seconds=1, folder=tmp_path)
    assert seen.requests_per_s > 1
    assert 0 < seen.p50_ms <= seen.p90_ms <= seen.p99_ms
    assert seen.failed == 0


@pytest.mark.slow
def test_a_short_run_measures_moorage() -> None:
    if shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only-servers", "--peers", "moorage"]
    done = subprocess.run(
        [*command, "--workloads", "a", "--seconds", "1", "--results", "-"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "Not measured" not in done.stdout, done.stdout
    row = next(line for line in done.stdout.splitlines() if line.startswith("| Moorage "))
    assert float(row.split("|")[2].split("(")[0].replace(",", "")) > 0


def test_models_without_a_script_are_held_against_their_targets():
    from benchmarks import nocode

    ours, theirs = nocode.WithoutScript.name, "MLServer"
    one_row, many_rows = nocode.CASES[0].title, nocode.CASES[1].title
    figures = {
        ours: {one_row: [900.0, 1000.0, 1100.0], many_rows: [60.0]},
        theirs: {one_row: [250.0], many_rows: [20.0]},
    }
    network = {ours: 790.0, "both in turn": 1000.0}
    assert list(nocode.verdicts(figures, {ours: "moorage", theirs: "mlserver"}, network)) == [
        "Ridge, 1x10: 4.0 times MLServer (target 5 times: MISSED)",
        "Ridge, 1000x10: 3.0 times MLServer",
        "ONNX network: 79% of ONNX Runtime and a constant answer in turn (target 80%: MISSED)",
    ]
    figures[theirs][one_row], network[ours] = [200.0], 800.0
    lines = list(nocode.verdicts(figures, {ours: "moorage", theirs: "mlserver"}, network))
    assert [line.endswith("reached)") for line in lines] == [True, False, True]
