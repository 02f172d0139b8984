"""What the scan says of the example code bases is true: what works is run, what does not is seen to fail."""

import json
import re
import runpy
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from azureml.core import Model, Workspace
from azureml.exceptions import NotYetAvailable
from moorage import services
from moorage.cli.app import app
from moorage.cli.arguments import normalise
from moorage.migration import Report, Verdict, scan
from moorage.migration.commands import Command, find_commands, judge
from moorage.migration.notebooks import code_cells
from moorage.workspace import Workspace as MoorageWorkspace

PROJECTS = Path(__file__).parents[2] / "examples" / "move-in"
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(autouse=True)
def _as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts run in the Python of the tests, without a container."""
    monkeypatch.setenv("MOORAGE_ENVIRONMENTS", "as-is")
    monkeypatch.setenv("MOORAGE_CONTAINER_ENGINE", "none")


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Report]]:
    """Go into a copy of an example and scan it; its services end with the test."""

    def enter(name: str) -> Report:
        here = Path(name).absolute()
        shutil.copytree(PROJECTS / name, here, ignore=shutil.ignore_patterns("__pycache__", "*.pkl"))
        monkeypatch.chdir(here)
        monkeypatch.syspath_prepend(str(here))
        return scan(Path())

    yield enter
    for workspace in MoorageWorkspace.list_all():
        for service in services.list_services(workspace):
            services.delete(workspace, service.name)
        workspace.close()
    for module in ("settings", "score"):
        sys.modules.pop(module, None)


def run_command(words: tuple[str, ...] | list[str]) -> Any:
    """Run ``az ml ...`` as the shim does."""
    assert list(words[:2]) == ["az", "ml"]
    return CliRunner().invoke(app, normalise(words[2:]), prog_name="moor")


def lines_of(report: Report, file: str, *verdicts: Verdict) -> set[int]:
    return {f.line for f in report.findings if f.path.name == file and f.judgement.verdict in verdicts}


def test_the_notebook_runs_from_top_to_bottom(project: Any, empty_runs: Path) -> None:
    pytest.importorskip("sklearn", reason="the notebook trains with scikit-learn")
    report = project("churn")
    assert [one for one in report.findings if one.judgement.verdict.stands_in_the_way] == []
    ws = Workspace.create("marketing", show_output=False)
    shutil.copy(empty_runs, ws._moorage.path)
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = run_notebook(Path("train-and-deploy.ipynb"), names)
    assert printed == ["churn-svc"]
    assert names["answer"].json() == names["clf"].predict(names["X"][:2]).tolist()
    assert [model.name for model in Model.list(ws)] == ["churn"]
    assert ws.webservices == {}
    ws._moorage.close()


def run_notebook(path: Path, names: dict[str, Any]) -> list[str]:
    """Execute the cells as Jupyter does; return what ``!az ml`` lines print."""
    printed = []
    for cell in code_cells(path.read_text()):
        magic, _, rest = cell.text.partition("\n")
        if magic.startswith("%%writefile "):
            Path(magic.split()[1]).write_text(rest)
            continue
        lines = []
        for line in cell.text.splitlines():
            if line.startswith("!"):
                filled = re.sub(r"\{([\w.]+)\}", lambda found: str(eval(found.group(1), names)), line[1:])
                (command,) = find_commands(filled)
                result = run_command(command.words)
                assert result.exit_code == 0, result.output
                printed.append(result.stdout.strip())
            lines.append("" if line.startswith(("!", "%")) else line)
        exec(compile("\n".join(lines), f"cell {cell.number}", "exec"), names)
    return printed


def test_the_script_runs_where_the_scan_says_so(
    project: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = project("clusters")
    Workspace.create("prices", show_output=False)._moorage.close()

    def run(kind: str) -> None:
        monkeypatch.setattr(sys, "argv", ["deploy.py", kind])
        runpy.run_path("deploy.py", run_name="__main__")

    run("aci")
    assert "Healthy {'price': 400}" in capsys.readouterr().out
    with pytest.raises(NotYetAvailable) as caught:
        run("aks")
    frames = traceback.extract_tb(caught.value.__traceback__)
    failed_in = [frame.lineno for frame in frames if Path(frame.filename).name == "deploy.py"][-1]
    assert failed_in in lines_of(report, "deploy.py", Verdict.NOT_SUPPORTED)
    # What the scan says to do instead: leave the cluster out.
    text = Path("deploy.py").read_text()
    Path("deploy.py").write_text(text.replace("cluster(ws) if", "None if"))
    run("aks")
    printed = capsys.readouterr().out
    assert "Healthy {'price': 400}" in printed
    assert re.search(r"a token until .* with \d{2,} characters", printed)


def test_the_commands_do_what_the_scan_says(project: Any) -> None:
    report = project("pipeline")
    assert lines_of(report, "train.py", Verdict.NOT_SUPPORTED) == set()
    runpy.run_path("src/train.py")
    values = {
        "$(workspaceName)": "fraud",
        "$(resourceGroup)": "fraud",
        "$(modelName)": "fraud",
        "$(serviceName)": "fraud-svc",
        "$(Build.BuildId)": "7",
        "$SERVICE": "fraud-svc",
        "$MODEL": "fraud:1",
    }
    MoorageWorkspace.create("fraud").close()
    done = []
    # Of the port that the file names another test may be the owner.
    Path("deploy/deploymentconfig.json").write_text(json.dumps({"computeType": "local"}))
    for file in ("azure-pipelines.yml", "deploy/production.sh"):
        for command in find_commands(Path(file).read_text()):
            verdicts = {one.verdict for _, one in judge(command)}
            if command.words[:2] != ("az", "ml") or Verdict.UNCLEAR in verdicts:
                continue
            result = run_command(
                [values.get(word, word.replace("$(Build.BuildId)", "7")) for word in command.words]
            )
            done.append(command.words[2:4])
            is_refused = Verdict.NOT_SUPPORTED in verdicts
            assert bool(result.exit_code) == is_refused, f"{command.code}: {result.output}"
    assert done.count(("model", "deploy")) == 2
    assert ("service", "get-logs") in done
    assert len(done) >= 9


def test_what_cannot_be_told_is_not_claimed() -> None:
    command = Command(0, ("az", "ml", "$WHAT"), "az ml $WHAT")
    assert {one.verdict for _, one in judge(command)} == {Verdict.UNCLEAR}
    assert not Verdict.UNCLEAR.stands_in_the_way
