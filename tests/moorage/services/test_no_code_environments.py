"""Models of other releases of scikit-learn, in environments that are built for them from their own words."""

import json
import subprocess

import pytest

from moorage import models, services
from moorage.environments import CondaSpecification
from moorage.environments.building import build
from moorage.environments.wanted import translate
from moorage.errors import InterpreterNotFound

TRAIN = """\
import joblib, json, sys
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
rows, kinds = load_iris(return_X_y=True)
model = RandomForestClassifier(5, random_state=0).fit(rows, kinds)
joblib.dump(model, sys.argv[1])
print(json.dumps(model.predict_proba(rows[::40]).tolist()))
print(json.dumps(rows[::40].tolist()))
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("version", "python", "beside", "form"),
    [
        ("0.20.3", "3.7", ("numpy<1.20",), "as pickled"),
        ("1.2.2", ">=3.10,<3.12", ("numpy<1.24",), "compiled"),
    ],
)
def test_a_model_of_an_old_release_answers_as_it_did(
    workspace, home, monkeypatch, tmp_path, version, python, beside, form
):
    monkeypatch.setenv("MOORAGE_ENVIRONMENTS", "build")
    wanted = translate(
        CondaSpecification(packages=(f"python={python}".replace("=>", ">"),)),
        (f"scikit-learn=={version}", "joblib", *beside),
    )
    try:
        made = build(wanted)
    except InterpreterNotFound as error:
        pytest.skip(str(error))
    path = tmp_path / "model.pkl"
    said = subprocess.run(
        [made.python, "-W", "ignore", "-c", TRAIN, path],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout.splitlines()
    expected, rows = json.loads(said[-2]), json.loads(said[-1])

    model = models.register(workspace, path, "old", framework="ScikitLearn")
    told = []
    services.deploy(workspace, "old-model", [model], on_event=told.append)
    texts = [event.message for event in told if event.kind == "building"]
    assert texts[0].startswith(f"old:1 was made with scikit-learn {version}, ")
    assert f"scikit-learn=={version}" in texts
    assert not [event for event in told if event.kind == "warning"]
    answer = services.run(workspace, "old-model", json.dumps({"data": rows})).json()
    for got, right in zip(answer["predict_proba"], expected, strict=True):
        assert got == pytest.approx(right, rel=1e-6)
    assert f"is served {form}" in services.get_logs(workspace, "old-model")

    # A second service shares the environment.
    told.clear()
    services.deploy(workspace, "another", [model], on_event=told.append)
    assert not [event for event in told if event.kind == "building"]
