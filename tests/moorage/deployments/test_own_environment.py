"""Which deployments get an environment of their own, and what they say when it cannot be had."""

from importlib.metadata import version
from pathlib import Path

import pytest

from moorage.deployments import InferenceConfig, plan
from moorage.environments import CondaSpecification, Environment
from moorage.errors import InterpreterNotFound

GOOD = "import numpy\ndef init(): pass\ndef run(data): return data\n"
NUMPY = ".".join(version("numpy").split(".")[:2])


@pytest.fixture
def look(workspace, write, monkeypatch):
    monkeypatch.setenv("MOORAGE_ENVIRONMENTS", "build")

    def look(*packages, pip=(), text=GOOD, **options):
        script = write("score.py", text)
        conda = CondaSpecification(packages=packages, pip=pip)
        environment = Environment("e", conda=conda, **options)
        return plan(workspace, "svc", [], InferenceConfig(entry_script=script, environment=environment))

    return look


def test_what_is_here_already_is_not_built(look):
    made = look(f"numpy={NUMPY}", pip=("azureml-defaults", "scikit-learn"))
    assert (made.environment, made.problems) == (None, ())


def test_what_is_missing_is_built_from_the_python_asked_for(look):
    made = look("numpy=1.0", "python=3", pip=("azureml-defaults", "not-here"))
    assert made.is_possible
    assert made.environment.wanted.requirements == (
        "flask", "not-here", "numpy==1.0.*", "python-dateutil", "pytz", "requests",
    )  # fmt: skip
    assert not made.environment.is_built
    assert "will be built" in str(made)
    assert [p.message.split()[0] for p in made.problems if p.severity == "note"] == ["azureml-defaults"]


def test_what_the_script_imports_is_looked_at_once_it_is_built(look):
    assert look("numpy=1.0", text="import nowhere\n" + GOOD).is_possible


def test_syntax_is_checked_with_the_python_asked_for(look):
    if not list(Path.home().glob(".pyenv/versions/3.6.*/bin/python")):
        pytest.skip("no Python 3.6 below ~/.pyenv")
    made = look("python=3.6.2", "numpy=1.0", text=GOOD + "if (n := 1): pass\n")
    assert "Python 3.6" in str(made.errors[0])


def test_a_conda_package_that_no_service_can_have_is_refused(look):
    made = look("conda", "notebook")
    texts = [str(problem) for problem in made.errors]
    assert [text.split()[3].rstrip(":") for text in texts] == ["conda", "notebook"]
    assert all("MOORAGE_ENVIRONMENTS=as-is" in text for text in texts)


def test_packages_of_channels_are_built_with_a_python_that_cannot_be_asked_yet(look, monkeypatch):
    # The script may be written for a later Python than the one here.
    made = look("r-base=4.0", "python=3.99", text="not yet a language\n")
    assert made.is_possible
    assert "Python 3.99 from conda-forge and 1 requirement; will be built" in str(made)
    monkeypatch.setattr("moorage.environments.channels.process.is_available", lambda: False)
    (problem,) = look("r-base=4.0").errors
    assert "the conda package r-base=4.0 can be had from conda channels alone" in problem.message


def test_what_is_no_channel_is_an_error_of_the_plan(workspace, write, monkeypatch):
    monkeypatch.setenv("MOORAGE_ENVIRONMENTS", "build")
    conda = CondaSpecification(channels=("conda forge",), packages=("gdal",))
    config = InferenceConfig(entry_script=write("score.py", GOOD), environment=Environment("e", conda=conda))
    (problem,) = plan(workspace, "svc", [], config).problems  # and no advice to have it built
    assert "'conda forge' is not the name or the address of a conda channel" in problem.message


def test_a_python_that_is_not_here_is_an_error(look):
    with pytest.raises(InterpreterNotFound, match=r"python=3\.2 is asked for"):
        look("python=3.2").check()


def test_a_file_of_further_requirements_counts(look, write):
    write("extra.txt", "not-here==1  # why\n")
    made = look("numpy", variables={"AZUREML_EXTRA_REQUIREMENTS_TXT": "extra.txt"})
    assert made.environment.wanted.requirements == ("not-here==1", "numpy")
    made = look("numpy", variables={"AZUREML_EXTRA_REQUIREMENTS_TXT": "gone.txt"})
    assert "gone.txt, which cannot be read" in str(made.errors[0])


def test_as_is_means_that_nothing_is_built(look, monkeypatch):
    monkeypatch.setenv("MOORAGE_ENVIRONMENTS", "as-is")
    made = look("numpy=1.0", "r-base")
    assert made.environment is None
    assert "runs in" in str(made.warnings[0])
