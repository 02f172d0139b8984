"""Plans: everything that is wrong is said at once, before anything is done."""

import os
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from moorage import models
from moorage.deployments import InferenceConfig, KubernetesConfig, LocalConfig, plan
from moorage.deployments.source import source_files
from moorage.environments import CondaSpecification, DockerSpecification, Environment
from moorage.errors import InvalidName, ModelNotFound, NotSupported, PlanRejected, PortInUse

GOOD = "def init(): pass\ndef run(data): return data\n"


@pytest.fixture
def look(workspace, write):
    """Plan a deployment of one script and return the plan."""

    def look(text=GOOD, *, name="svc", models=(), config=None, **options):
        script = write("score.py", text)
        inference = InferenceConfig(entry_script=script, **options)
        return plan(workspace, name, models, inference, config)

    return look


def _errors(made):
    return [str(problem) for problem in made.errors]


def test_a_good_plan_prints_what_it_will_do(workspace, look, write):
    path = write("model.pkl", "weights")
    models.register(workspace, path, "m")
    made = look(models=["m"], config=LocalConfig(port=None))
    assert made.is_possible
    made.check()
    text = str(made)
    assert "m:1" in text
    assert "score.py" in text
    assert sys.executable in text
    assert text.endswith("This can be deployed.")
    assert made.python_version == ".".join(map(str, sys.version_info[:3]))
    assert made.model_dir == "azureml-models/m/1"


def test_everything_is_said_at_once(workspace, write):
    script = write("score.py", "import nowhere_to_be_found\ndef run(*data): pass\n")
    config = LocalConfig(worker_count=100_000)
    made = plan(workspace, "Bad Name", ["a:1", "b"], InferenceConfig(entry_script=script), config)
    text = "\n".join(_errors(made))
    for fact in (
        "'Bad Name' is not a valid service name",
        "model a:1 is not registered",
        "model b is not registered",
        "scorer processes on a machine with",
        "has no function init()",
        "run() takes *data",
        "imports nowhere_to_be_found",
    ):
        assert fact in text
    with pytest.raises(PlanRejected) as caught:
        made.check()
    assert len(caught.value.problems) == len(made.problems)
    assert "This cannot be deployed." in str(made)


def test_a_single_problem_is_its_own_error(look):
    for made, kind in (
        (look(name="No"), InvalidName),
        (look(models=["a:1"]), ModelNotFound),
        (look(config=KubernetesConfig()), NotSupported),
    ):
        with pytest.raises(kind):
            made.check()


def test_no_script_at_all(workspace):
    made = plan(workspace, "svc", [])
    with pytest.raises(PlanRejected, match="neither a model nor an entry script"):
        made.check()


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("def run(data): pass\n", "has no function init()"),
        ("def init(): pass\n", "has no function run()"),
        ("def init(x): pass\ndef run(data): pass\n", "init() needs the argument 'x'"),
        ("def init(): pass\ndef run(): pass\n", "run() takes no parameter"),
        ("def init(): pass\ndef run(request_headers): pass\n", "run() takes only request_headers"),
        ("def init(): pass\ndef run(**data): pass\n", "run() takes **data"),
        ("def init(): pass\ndef run(data, /): pass\n", "positional-only parameter 'data'"),
        (
            "from azureml.contrib.services.aml_request import rawhttp\n"
            "from inference_schema.schema_decorators import input_schema\n"
            "def init(): pass\n@rawhttp\n@input_schema('data', None)\ndef run(data): pass\n",
            "cannot be both @rawhttp and schema decorated",
        ),
        ("def init(): pass\ndef run(data)\n", "score.py, line 2"),
        ("\0", "score.py"),
        ("import xxx_not_there.sub\n" + GOOD, "line 1: imports xxx_not_there.sub"),
        ("with open(__file__): import xxx_not_there\n" + GOOD, "imports xxx_not_there"),
    ],
)
def test_a_script_that_cannot_serve(look, text, fact):
    made = look(text)
    assert fact in "\n".join(_errors(made))
    assert len(made.errors) == 1


@pytest.mark.parametrize(
    "text",
    [
        "from numpy import *\n",
        "init = lambda: None\nrun = lambda data: data\n",
        "import os.path\nfrom sklearn.externals import joblib\n" + GOOD,
        "from azureml.core.model import Model\nimport inference_schema\n" + GOOD,
        "try:\n    import xxx_not_there\nexcept ImportError:\n    pass\n" + GOOD,
        "if False:\n    import xxx_not_there\n" + GOOD,
        "def init():\n    import xxx_not_there\ndef run(data, more=1): pass\n",
        "import functools\ndef init(x=1): pass\n@functools.wraps(init)\ndef run(*args): pass\n",
        "if True:\n    def init(): pass\nasync def run(data, *, request_headers): pass\n",
        "import os as driver_module\ndef init(): pass\n",
        "class Run: pass\n(init, (run, _)) = Run, (Run, 1)\n",
        "# -*- coding: latin-1 -*-\nname = '\xe9'\n" + GOOD,
    ],
)
def test_a_script_that_may_serve(look, text):
    assert _errors(look(text)) == []


def test_imports_of_local_files_are_followed(workspace, write):
    write("src/score.py", "from helpers import names\nfrom package.inner import x\n" + GOOD)
    write("src/helpers.py", "import names_of_nothing\n")
    write("src/package/inner.py", "import json, other_nothing\n")
    made = plan(workspace, "svc", [], InferenceConfig(entry_script="score.py", source_directory="src"))
    assert _errors(made) == [
        f"helpers.py, line 1: imports names_of_nothing, which {made.python} does not have "
        f"(install it there, or write it into an environment with an interpreter that has names_of_nothing)",
        f"package/inner.py, line 1: imports other_nothing, which {made.python} does not have "
        f"(install it there, or write it into an environment with an interpreter that has other_nothing)",
    ]


def test_a_module_beside_a_script_that_is_shipped_alone(look, write):
    write("helpers.py", "")
    made = look("import helpers\n" + GOOD)
    assert "beside the script but is not deployed with it (set source_directory to" in _errors(made)[0]


@pytest.mark.parametrize(
    ("config", "fact"),
    [
        (InferenceConfig(entry_script="absent.py"), "absent.py does not exist"),
        (InferenceConfig(entry_script="notes.txt"), "notes.txt is not a Python file"),
        (InferenceConfig(entry_script="score.py", source_directory="nowhere"), "nowhere does not exist"),
        (InferenceConfig(entry_script="../score.py", source_directory="src"), "is not in the source folder"),
        (InferenceConfig(entry_script="score.py", conda_file="absent.yml"), "absent.yml does not exist"),
        (InferenceConfig(entry_script="score.py", source_directory="azureml-models"), "cannot be called"),
    ],
)
def test_files_that_are_not_there(workspace, write, config, fact):
    for name in ("score.py", "src/score.py", "azureml-models/score.py"):
        write(name, GOOD)
    write("notes.txt", "")
    assert fact in "\n".join(_errors(plan(workspace, "svc", [], config)))


def test_an_interpreter_that_is_none(look, write):
    other = write("python", "#!/bin/sh\necho hello\n")
    other.chmod(0o755)
    for path, fact in ((Path("/nowhere/python"), "No such file"), (other, "no Python 3.6 or later")):
        made = look(environment=Environment("e", user_managed=True, interpreter=path))
        assert fact in _errors(made)[0]


def test_the_chosen_interpreter_is_asked(look, interpreter_36):
    """Grammar, packages and version are those of the interpreter that will run the script."""
    environment = Environment("e", user_managed=True, interpreter=interpreter_36)
    made = look("import numpy_that_is_nowhere\n" + GOOD, environment=environment)
    assert made.python_version.startswith("3.6.")
    assert f"which {interpreter_36} does not have" in _errors(made)[0]
    made = look("if (n := 1): pass\n" + GOOD, environment=environment)
    assert "score.py, line 1: Python 3.6" in _errors(made)[0]
    # A name that became a keyword in 3.7: fine there, and no concern of ours.
    assert (
        _errors(
            look("async_ = 1\ndef init(): pass\ndef run(data):\n    async = 1\n", environment=environment)
        )
        == []
    )


@pytest.fixture
def interpreter_36():
    found = sorted(Path.home().glob(".pyenv/versions/3.6.*/bin/python"))
    if not found:
        pytest.skip("no Python 3.6 below ~/.pyenv")
    return found[0]


def test_requirements_that_differ_are_a_warning(look):
    conda = CondaSpecification(
        packages=("python=3.1", "numpy>=1.0", "scikit-learn=0.20", "pip", "not-installed-here"),
        pip=("azureml-defaults>=1.0.45", "inference-schema[numpy-support]", "joblib==0.1", "pandas", "-e ."),
    )
    made = look(environment=Environment("e", conda=conda))
    assert made.is_possible
    (text,) = [str(problem) for problem in made.warnings]
    for fact in (
        "python=3.1 is asked for",
        "scikit-learn=0.20 is asked for",
        "joblib==0.1 is asked for",
        "not-installed-here is not installed",
        "unset MOORAGE_ENVIRONMENTS to have an environment built",
    ):
        assert fact in text
    for name in ("azureml-defaults", "inference-schema", "numpy>=1.0", "pandas"):
        assert name not in text


def test_a_user_managed_environment_is_taken_as_it_is(look):
    conda = CondaSpecification(packages=("python=3.1",))
    environment = Environment("e", conda=conda, user_managed=True, interpreter=Path(sys.executable))
    assert look(environment=environment).problems == ()


def test_an_image_has_no_effect_here(look):
    environment = Environment("e", docker=DockerSpecification(base_image="ubuntu"))
    assert "no effect on a local service" in str(look(environment=environment).warnings[0])


def test_a_model_of_another_library_is_a_warning(workspace, look, write):
    model = models.register(workspace, write("model.pkl", "weights"), "m")
    assert look(models=[model]).warnings == ()
    from sqlalchemy import update

    from moorage.storage.tables import models as table

    with workspace.database.write() as connection:
        connection.execute(update(table).values(libraries={"scikit-learn": "0.20.3", "numpy": "1.16.0"}))
    texts = [str(problem) for problem in look(models=["m:1"]).warnings]
    assert any("registered beside scikit-learn 0.20.3" in text for text in texts)
    assert any("registered beside numpy 1.16.0" in text for text in texts)


def test_a_port_that_is_taken(workspace, look, write):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=str(port)):
            look(config=LocalConfig(port=port)).check()
        script = InferenceConfig(entry_script=write("score.py", GOOD))
        assert plan(workspace, "svc", [], script, LocalConfig(port=port), own_port=port).is_possible
    assert look(config=LocalConfig(port=port)).is_possible


def test_an_address_for_everybody_is_a_warning(look):
    assert "asks for no key" in str(look(config=LocalConfig(host="0.0.0.0")).warnings[0])
    assert look(config=LocalConfig(host="localhost")).warnings == ()
    assert "is not an address" in _errors(look(config=LocalConfig(host="no.such.host.invalid", port=1234)))[0]


def test_models_too_large_for_the_disk(workspace, look, write, monkeypatch):
    model = models.register(workspace, write("model.pkl", "weights"), "m")
    large = replace(model, files=(replace(model.files[0], size_bytes=10**18),))
    monkeypatch.setattr(models, "get_by_id", lambda *_: large)
    assert "the models need 1,000,000,000,000 MB" in _errors(look(models=["m"]))[0]


def test_what_cannot_be_copied_is_named(workspace, write, folder):
    write("src/score.py", GOOD)
    (folder / "src/nothing").symlink_to("absent")
    (folder / "src/circle").symlink_to(".")
    os.mkfifo(folder / "src/pipe")
    made = plan(workspace, "svc", [], InferenceConfig(entry_script="score.py", source_directory="src"))
    text = "\n".join(map(str, made.warnings))
    assert made.is_possible
    for fact in ("nothing is a link to nothing", "circle is a link that leads", "pipe is neither"):
        assert fact in text


def test_virtual_environments_are_left_out(workspace, write, folder):
    write("src/score.py", GOOD)
    write("src/.venv/pyvenv.cfg", "home = /usr/bin")
    write("src/.venv/lib/large.py", "")
    made = plan(workspace, "svc", [], InferenceConfig(entry_script="score.py", source_directory="src"))
    assert made.is_possible
    assert "src/.venv is a virtual environment, and is left out" in "\n".join(map(str, made.warnings))
    assert made.source is not None
    assert [file.path.name for file in source_files(made.source, folder / "elsewhere")] == ["score.py"]


def test_planning_changes_nothing(workspace, look, write):
    models.register(workspace, write("model.pkl", "weights"), "m")
    before = sorted(workspace.path.rglob("*"))
    look(models=["m"])
    assert sorted(workspace.path.rglob("*")) == before
