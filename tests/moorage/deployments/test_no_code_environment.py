"""The environment of a service without a script: this Python where it will do, else one for the model."""

import json
import pickle

import pytest
import sklearn
from sklearn.linear_model import Ridge

from moorage import models
from moorage.deployments import InferenceConfig, LocalConfig, no_code, plan
from moorage.deployments.no_code_environment import default_environment
from moorage.deployments.no_code_libraries import Need, needs_of
from moorage.environments import CondaSpecification, Environment

HERE = sklearn.__version__


@pytest.fixture(autouse=True)
def _building(home, monkeypatch):
    monkeypatch.setenv("MOORAGE_ENVIRONMENTS", "build")


@pytest.fixture
def pickled(workspace, tmp_path):
    """Return a function that registers a pickle which says that another scikit-learn made it."""

    def made(version=HERE, name="m", **more):
        content = pickle.dumps(Ridge().fit([[1.0], [2.0]], [1, 2]), protocol=2)
        said, short = HERE.encode(), version.encode()
        content = content.replace(
            len(said).to_bytes(4, "little") + said, len(short).to_bytes(4, "little") + short
        )
        path = tmp_path / f"{name}.pkl"
        path.write_bytes(content)
        return models.register(workspace, path, name, framework="ScikitLearn", **more)

    return made


def test_options_of_the_deployment_stand_above_those_of_the_model(workspace, pickled):
    model = pickled(properties={"onnx.threads": "1", "onnx.optimization": "basic"})
    config = LocalConfig(model_options={"onnx.threads": "2"})
    made = plan(workspace, "s", [model], None, config)
    (served,) = json.loads(made.variables[no_code.VARIABLE])["models"]
    assert served["options"] == {"onnx.threads": "2", "onnx.optimization": "basic"}


def need(version=None, *, framework="ScikitLearn", names=("scikit-learn",), is_exact=True, beside=None):
    return Need("m:1", framework, names, version, is_exact, beside)


def test_the_same_release_will_do_and_another_will_not():
    assert need("1.2.2").fault({"scikit-learn": "1.2.0"}) is None
    assert need(None).fault({"scikit-learn": "1.8.0"}) is None
    assert need("1.2.2").fault({"scikit-learn": "1.8.0"}) == (
        "m:1 was made with scikit-learn 1.2.2, 1.8.0 is there"
    )
    assert need("1.2.2").fault({}) == "m:1 needs scikit-learn, which is not there"


def test_formats_that_later_releases_read_need_at_least_the_one_that_wrote_them():
    trees = need("2.1.0", framework="XGBoost", names=("xgboost", "xgboost-cpu"), is_exact=False)
    assert trees.fault({"xgboost-cpu": "3.2.0"}) is None
    assert trees.fault({"xgboost": "1.7.6"}) == "m:1 was made with xgboost 2.1.0, 1.7.6 is there"
    assert next(iter(trees.requirements())) in ("xgboost-cpu>=2.1.0", "xgboost>=2.1.0")


def test_what_stood_beside_the_model_stands_beside_it_again():
    beside = {"scikit-learn": "1.2.2", "numpy": "1.23.5", "scipy": "1.9.3", "python": "3.10.1"}
    assert {"scikit-learn==1.2.2", "numpy==1.23.5", "scipy==1.9.3", "joblib"} <= set(
        need("1.2.2", beside=beside).requirements()
    )
    # Registered from another place than it was made in: that says nothing about the model.
    elsewhere = set(need("1.2.2", beside={**beside, "scikit-learn": HERE}).requirements())
    assert {"scikit-learn==1.2.2", "numpy<2", "scipy<1.13"} <= elsewhere


@pytest.mark.parametrize(
    ("version", "pythons"),
    [("0.17.1", (3, 6)), ("0.20.3", (3, 7)), ("0.24.2", (3, 9)), ("1.2.2", (3, 11)), ("99.1", None)],
)
def test_old_releases_have_wheels_for_old_pythons(version, pythons):
    assert (need(version).pythons or (None, None))[1] == pythons


def test_what_is_here_is_used(workspace, pickled):
    assert plan(workspace, "svc", [pickled()]).environment is None
    # The file knows better than the label.
    assert plan(workspace, "svc", [pickled(framework_version="0.19.1")]).environment is None


def test_a_pickle_of_another_release_gets_an_environment(workspace, pickled, monkeypatch):
    model = pickled("1.2.2")
    made = plan(workspace, "svc", [model])
    assert made.is_possible
    assert {"scikit-learn==1.2.2", 'orjson ; python_version >= "3.10"'} <= {
        line.replace("'", '"') for line in made.environment.wanted.requirements
    }
    assert made.environment.wanted.python == ">=3.8,<3.12"
    assert "will be built" in str(made)
    (note,) = (p.message for p in made.problems if p.severity == "note")
    assert note.startswith(f"m:1 was made with scikit-learn 1.2.2, {HERE} is there (")
    assert not made.warnings
    assert default_environment(workspace, [model]).requirements == made.environment.wanted.requirements

    monkeypatch.setenv("MOORAGE_ENVIRONMENTS", "as-is")
    made = plan(workspace, "svc", [model])
    assert made.environment is None
    assert "was pickled by scikit-learn 1.2.2" in str(made)


def test_a_library_that_is_missing_is_installed(workspace, tmp_path):
    (tmp_path / "m.txt").write_text("tree\nversion=v4\nnum_class=1\n")
    model = models.register(workspace, tmp_path / "m.txt", "m", framework="LightGBM")
    try:
        import lightgbm  # noqa: F401
    except ImportError:
        made = plan(workspace, "svc", [model])
        assert made.is_possible
        assert {"lightgbm", "scipy"} <= set(made.environment.wanted.requirements)
    else:
        assert plan(workspace, "svc", [model]).environment is None


def test_packages_that_the_user_names_come_first(workspace, pickled):
    environment = Environment("e", conda=CondaSpecification(packages=("scikit-learn=1.5.2",)))
    config = no_code.inference_config(
        InferenceConfig(entry_script="moorage_no_code.py", environment=environment)
    )
    made = plan(workspace, "svc", [pickled("1.2.2")], config)
    wanted = [line for line in made.environment.wanted.requirements if line.startswith("scikit-learn")]
    assert wanted == ["scikit-learn==1.5.2"]


def test_a_python_that_is_not_here_is_an_error_with_what_to_do(workspace, pickled, monkeypatch):
    monkeypatch.setattr("moorage.environments.interpreters._from_pyenv", lambda: iter(()))
    monkeypatch.setattr("moorage.environments.interpreters._from_uv", lambda: iter(()))
    made = plan(workspace, "svc", [pickled("0.20.3")])
    text = str(made.errors[0])
    assert "m:1 was made with scikit-learn 0.20.3" in text
    assert "MOORAGE_ENVIRONMENTS=as-is" in text


def test_an_mlflow_folder_says_its_versions(workspace, tmp_path):
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "MLmodel").write_text(
        "flavors:\n  python_function: {}\n  sklearn: {pickled_model: model.pkl, sklearn_version: 1.3.2}\n"
    )
    model = models.register(workspace, folder, "m", framework="MLflow")
    assert [(one.framework, one.version, one.is_exact) for one in needs_of(workspace, model)] == [
        ("MLflow", None, False),
        ("ScikitLearn", "1.3.2", True),
    ]


def test_wrappers_of_boosted_trees_need_their_library_too(workspace, tmp_path):
    path = tmp_path / "m.pkl"
    path.write_bytes(b"\x80\x04\x8c\x0fxgboost.sklearn\x94\x8c\x0dXGBClassifier\x94\x93.")
    model = models.register(workspace, path, "m", framework="ScikitLearn")
    assert [one.framework for one in needs_of(workspace, model)] == ["ScikitLearn", "XGBoost"]
