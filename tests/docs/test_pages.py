"""The commands of the README and of the guides do what the pages say."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
pytestmark = pytest.mark.slow
ReadAlong = Callable[[Path], str]


def test_the_readme(read_along: ReadAlong) -> None:
    output = read_along(ROOT / "README.md")
    assert "Nothing is left running" in output  # the demo came to its end
    assert len(re.findall(r"\[\d+\.\d+, ?\d+\.\d+\]", output)) >= 2  # answers for two rows, twice


def test_getting_started(read_along: ReadAlong) -> None:
    output = read_along(DOCS / "getting-started.md")
    assert re.search(r"^200 \[\d+\.\d+\]$", output, re.MULTILINE)
    assert "diabetes:2" in output


def test_move_your_score_py(read_along: ReadAlong) -> None:
    output = read_along(DOCS / "move-your-score-py.md")
    assert "Healthy" in output
    assert '"swagger"' in output


def test_write_an_entry_script(read_along: ReadAlong) -> None:
    output = read_along(DOCS / "write-an-entry-script.md")
    assert re.search(r'\{"sum": ?6\}', output)
    assert "[7.0]" in output
    assert re.search(r'\{"bytes": ?\d+\}', output)


def test_describe_inputs_and_outputs(read_along: ReadAlong) -> None:
    output = read_along(DOCS / "describe-inputs-and-outputs.md")
    assert "[100.0]" in output
    assert 'houses[0].rooms: expected an integer, got \\"two\\"' in output


def test_serve_images(read_along: ReadAlong) -> None:
    output = read_along(DOCS / "serve-images.md")
    assert len(re.findall(r'\{"size": ?\[640, ?480\], ?"mean": ?\[\d+, ?\d+, ?\d+\]\}', output)) == 2
    assert output.count("200 [640, 480]") == 2
    assert "400 that is not an image" in output
    assert "thumbnail (64, 48)" in output


def test_cors(read_along: ReadAlong) -> None:
    output = read_along(DOCS / "cors.md").lower()
    assert output.count("access-control-allow-origin: http://www.example.com") == 3
    assert output.count("access-control-allow-origin: https://shop.example") == 1
    assert "access-control-allow-methods: get, post" in output


def test_make_it_fast(read_along: ReadAlong) -> None:
    output = read_along(DOCS / "make-it-fast.md")
    assert "moorage_array_bodies_total 1.0" in output
    assert len(re.findall(r"\[330(\.0)?\]", output)) == 5
    assert "x-ms-run-fn-exec-ms" in output


def test_from_azureml(read_along: ReadAlong) -> None:
    pytest.importorskip("mlflow", reason="the page uses runs, which MLflow keeps")
    output = read_along(DOCS / "from-azureml.md")
    assert re.search(r"^diabetes\tdiabetes:1\t1$", output, re.MULTILINE)
    assert "Local webservice is running at" in output
    assert "from-a-run:1 training {'alpha': 0.5}" in output


def test_deploy_without_a_script(read_along: ReadAlong) -> None:
    pytest.importorskip("onnxruntime", reason="models without a script need moorage-server[onnx]")
    output = read_along(DOCS / "deploy-without-a-script.md")
    assert "iris.pkl is joblib: registered with the framework ScikitLearn" in output
    assert re.search(r'\{"predict": ?\[0\]\}', output)
    assert "{'predict': [0]}" in output
    assert re.search(r"^\[0\]$", output, re.MULTILINE)


def test_command_line(read_along: ReadAlong, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", reason="the page lists runs, which MLflow keeps")
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path / "azure"))
    output = read_along(DOCS / "command-line.md")
    assert re.search(r"^\[\d+\.\d+, ?\d+\.\d+\]", output, re.MULTILINE)
    assert '"area": "diabetes"' in output
    assert re.search(r"^http://localhost:\d+/score$", output, re.MULTILINE)
    assert "exit code 3" in output
    assert "exit code 2" in output
    assert "Did you mean 'list'" in output
    assert "Nothing is needed: azure-cli-ml is answered by Moorage" in output
    assert re.search(r"^diabetes:1$", output, re.MULTILINE)


def test_the_command_line_page_names_every_command() -> None:
    from typer.main import get_command

    from moorage.cli.app import app

    root: Any = get_command(app)
    text = (DOCS / "command-line.md").read_text()
    for name in root.list_commands(None):
        assert f"`moor {name}" in text, name


def test_datasets(read_along: ReadAlong) -> None:
    pytest.importorskip("pandas", reason="tables are read with pandas")
    output = read_along(DOCS / "datasets.md")
    assert "houses 1 3" in output
    assert "trained with ['houses']" in output
    assert "takes ['rooms']" in output
    assert "newest 1 of ['houses']" in output


def test_profile_a_service(read_along: ReadAlong) -> None:
    pytest.importorskip("pandas", reason="tables are read with pandas")
    output = read_along(DOCS / "profile-a-service.md")
    assert re.search(r"^diabetes-profile +Succeeded +\d+ ", output, re.MULTILINE)
    assert re.search(r"\{'cpu': [\d.]+, 'memoryInGB': [\d.]+\}", output)
    assert "100 requests, all well: True" in output


def test_concepts(read_along: ReadAlong) -> None:
    output = read_along(DOCS / "concepts.md")
    assert re.search(r'\{"careful": ?\[\d+\.\d+\], ?"eager": ?\[\d+\.\d+\]\}', output)


def test_call_a_service(read_along: ReadAlong) -> None:
    pytest.importorskip("requests", reason="the client of the page uses requests")
    output = read_along(DOCS / "call-a-service.md")
    assert re.search(r"^true$", output, re.MULTILINE)  # it asks for a key
    assert len(re.findall(r"\[4952\.8\d+(?:, ?3830\.0\d+)?\]", output)) == 2  # curl, Python
    assert '"message": "A key is needed.' in output
    assert '"message": "data: expected a list of lists' in output


def test_troubleshooting(read_along: ReadAlong) -> None:
    output = read_along(DOCS / "troubleshooting.md")
    assert "the folder has limit.json" in output
    assert re.search(r"^true", output, re.MULTILINE)
    assert "KeyError: 'amount'" in output
    assert "ImportError: this script has a mistake" in output
    assert re.search(r"^limits +Failed ", output, re.MULTILINE)


def test_release_pipelines(read_along: ReadAlong, tmp_path: Path) -> None:
    output = read_along(DOCS / "release-pipelines.md")
    assert re.search(r"^release diabetes:1$", output, re.MULTILINE)
    assert len(re.findall(r"^\[\d+\.\d+, ?\d+\.\d+\]", output, re.MULTILINE)) == 2
    assert "so this is not called diabetes" not in output
    assert "service.updated" in output
    folder = tmp_path / "checkout" / "examples" / "diabetes"
    github = yaml.safe_load((folder / ".github" / "workflows" / "release.yml").read_text())
    azure = yaml.safe_load((folder / "azure-pipelines.yml").read_text())
    commands = [step.get("run", "") for step in github["jobs"]["release"]["steps"]]
    commands += [step.get("script", "") for step in azure["jobs"][0]["steps"]]
    assert commands.count('bash release.sh "$MODEL" diabetes') == 2


def test_contributing_names_only_what_exists(read_along: ReadAlong) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make (?:PYTHON=\S+ )?([a-z]+)", text, re.MULTILINE))
    assert named
    assert named <= targets
    for path in re.findall(r"(?<![\w/.])(?:scripts|\.ci|tests)/[\w/-]+\w", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize(
    "page", sorted(p.relative_to(ROOT).as_posix() for p in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (ROOT / page).parent.joinpath(target).exists(), f"{page} links to {target}"


def test_every_guide_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text()
    for page in DOCS.glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, (
            f"docs/README.md does not list {page.name}"
        )


def test_every_decision_is_in_the_index() -> None:
    folder = DOCS / "decisions"
    index = (folder / "README.md").read_text()
    for page in folder.glob("[0-9]*.md"):
        assert f"({page.name})" in index, f"docs/decisions/README.md does not list {page.name}"


def test_protect_a_service(read_along: ReadAlong) -> None:
    pytest.importorskip("picklescan", reason="scanning models needs moorage[scan]")
    output = read_along(DOCS / "protect-a-service.md")
    # With the key, and as the owner; the times in the log have such digits too.
    assert len(re.findall(r"(?<![\d.:-])4\.0(?![\d])", output)) == 2
    assert output.count("A key is needed") == 1
    assert output.count("wrong or not valid any more") == 1
    assert "signingKeyId" in output


def test_move_in(read_along: ReadAlong) -> None:
    output = read_along(DOCS / "move-in.md")
    assert "something has to change first" in output
    assert "clusters/deploy.py" in output
    assert "Healthy {'price': 400}" in output
    assert re.search(r"^prices:1$", output, re.MULTILINE)
    assert '"price": 800' in output.replace('"price":8', '"price": 8')


def test_environments(read_along: ReadAlong, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("rattler", reason="packages of conda channels need moorage[conda]")
    monkeypatch.setenv("MOORAGE_ENVIRONMENTS", "build")
    # A channel of that name in a folder takes the place of the public one.
    channel = runpy.run_path(str(ROOT / "tests/conda_channel.py"))["CondaChannel"](tmp_path / "conda-forge")
    channel.add_python()
    channel.add("eccodes", "2.38.0", files={"bin/grib_ls": "#!/bin/sh\n"})
    monkeypatch.setenv("CONDA_CHANNEL_ALIAS", tmp_path.as_uri())
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "rattler"))
    output = read_along(DOCS / "environments.md")
    assert re.search(r"^six\s+1\.16\.0\s+1\.17\.0$", output, re.MULTILINE)
    assert re.search(r"^flask\s+\d", output, re.MULTILINE)
    assert '"isNew": true' in output
    assert '"eccodes": "2.38.0"' in output


def test_package_a_model(read_along: ReadAlong) -> None:
    output = read_along(DOCS / "package-a-model.md")
    assert "Package creation Succeeded" in output
    assert "DockerBuildContext" in output
