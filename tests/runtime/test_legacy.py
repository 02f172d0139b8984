"""The old import names, with and without the real packages in the environment."""

import json
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from moorage_runtime import frames

EVALUATE = """
    import importlib, os, sys

    def init():
        pass

    def run(data):
        try:
            scope = {}
            exec(data, scope)
            return scope.get("result", "no result")
        except Exception as error:
            return [type(error).__name__, str(error), [base.__name__ for base in type(error).__mro__]]
"""


@pytest.fixture(scope="module")
def execute(module_scorer, python):
    """``execute(code)``: the value of ``result`` after running some lines in a scorer."""
    client = module_scorer(EVALUATE, python=python)
    return lambda *lines: client.text("\n".join(lines)).json


OLD_NAMES = {
    "azureml.contrib.services.aml_request": ["AMLRequest", "rawhttp"],
    "azureml.contrib.services.aml_response": ["AMLResponse"],
    "azureml_inference_server_http.api.aml_request": ["AMLRequest", "rawhttp"],
    "azureml_inference_server_http.api.aml_response": ["AMLResponse"],
    "azureml_inference_server_http.log_config": ["AMLLogFormatter", "RootAccessFilter"],
    "azureml.core": ["Model", "Run", "Workspace", "VERSION"],
    "azureml.core.model": ["Model"],
    "azureml.core.run": ["Run"],
    "azureml.exceptions": ["WebserviceException", "ModelNotFoundException"],
    "azureml.monitoring": ["ModelDataCollector"],
    "azureml.ai.monitoring": ["Collector"],
    "azureml.ai.monitoring.context": ["BasicCorrelationContext"],
    "azureml.train.automl": [],
    "inference_schema.schema_decorators": ["input_schema", "output_schema"],
    "inference_schema.schema_util": ["get_input_schema", "is_schema_decorated", "__functions_schema__"],
    "inference_schema._constants": ["ALL_SUPPORTED_VERSIONS"],
    "inference_schema.parameter_types.standard_py_parameter_type": ["StandardPythonParameterType"],
    "inference_schema.parameter_types.abstract_parameter_type": ["AbstractParameterType"],
}


@pytest.mark.parametrize("module", OLD_NAMES)
def test_old_names_resolve_in_every_form(execute, module) -> None:
    names = OLD_NAMES[module]
    assert execute(f"import {module}", f"result = {module}.__name__") == module
    assert execute(f"import {module} as m", f"result = [hasattr(m, n) for n in {names}]") == [True] * len(
        names
    )
    for name in names:
        assert execute(f"from {module} import {name}", f"result = {name} is not None") is True
    assert execute("import importlib.util as u", f"result = u.find_spec('{module}') is not None") is True


def test_both_names_give_the_same_objects(execute) -> None:
    assert execute(
        "from azureml.contrib.services.aml_request import AMLRequest, rawhttp",
        "from azureml.contrib.services.aml_response import AMLResponse",
        "from azureml_inference_server_http.api import aml_request as q, aml_response as p",
        "result = [AMLRequest is q.AMLRequest, rawhttp is q.rawhttp, AMLResponse is p.AMLResponse]",
    ) == [True, True, True]


def test_names_that_nobody_provides_fail_as_imports_do(execute) -> None:
    assert execute("from azureml.core import Nothing")[0] == "ImportError"
    assert execute("import azureml.nothing")[0] == "ModuleNotFoundError"
    assert execute("import azureml.core", "azureml.core.Nothing")[0] == "AttributeError"
    assert execute("import sklearn.externals.joblib")[0] == "ModuleNotFoundError"


def test_client_names_import_and_say_why_they_do_not_work(execute) -> None:
    name, message, _ = execute("from azureml.core import Workspace", "Workspace.from_config()")
    assert name == "UserErrorException"
    assert "inside a service" in message


def test_run_context(execute) -> None:
    assert execute(
        "from azureml.core.run import Run",
        "run = Run.get_context()",
        "run.log('a', 1); run.log_list('b', [1]); run.tag('c')",
        "result = [run.id.startswith('OfflineRun'), run.get_metrics()]",
    ) == [True, {}]
    code = ["from azureml.core import Run", "Run.get_context(allow_offline=False)"]
    assert execute(*code)[0] == "RunEnvironmentException"
    code = ["from azureml.core import Run", "Run.get_context().experiment.workspace"]
    assert "no run" in execute(*code)[1]


def test_collectors(execute) -> None:
    assert execute(
        "from azureml.monitoring import ModelDataCollector",
        "c = ModelDataCollector('m', designation='inputs', feature_names=['a', 'b'])",
        "got = c.collect([[1, 2]], user_correlation_id='u')",
        "more = c.add_correlations([[1]], {'k': 2})",
        "result = [got['$aml_dc_correlation_id'], got['$aml_model_name'], more]",
    ) == ["u", "m", [[1, 2]]]
    assert execute(
        "from azureml.ai.monitoring import Collector",
        "from azureml.ai.monitoring.context import BasicCorrelationContext",
        "class Frame:",
        "    columns = ['a']",
        "    def to_dict(self): pass",
        "c = Collector(name='model_inputs')",
        "context = c.collect(Frame())",
        "result = [c.collect(Frame(), context) is context, len(context.get_id()) > 10,",
        "          BasicCorrelationContext(id='x').get_id()]",
    ) == [True, True, "x"]
    errors = execute(
        "from azureml.ai.monitoring import Collector",
        "result = []",
        "Collector(name='n', on_error=lambda e: result.append(type(e).__name__)).collect(5)",
    )
    assert errors == ["TypeError"]


def test_each_stand_in_is_logged_once_with_advice(scorer, edge_python) -> None:
    source = """
        import azureml.contrib.services.aml_request
        from azureml.contrib.services.aml_request import AMLRequest
        from azureml.contrib.services.aml_request import rawhttp
        def init(): pass
        def run(d): pass
    """
    log = scorer(source, python=edge_python).log
    assert log.count("azureml.contrib.services.aml_request: a stand-in") == 1
    assert "from moorage_runtime.aml_request import" in log
    source = "from azureml.core import Model\nimport azureml.train.automl\n" + GOOD
    log = scorer(source, python=edge_python).log
    assert log.count("azureml.core: a stand-in") == log.count("azureml.train.automl: a stand-in") == 1
    assert "a stand-in" not in scorer(GOOD, python=edge_python).log
    log = scorer("from azureml.core.model import Model\n" + GOOD, python=edge_python).log
    assert log.count("a stand-in") == 1


GOOD = "def init(): pass\ndef run(d): pass\n"
REAL = {
    "azureml/core/__init__.py": """
        print("real azureml.core is loaded")
        from azureml.core.model import Model, InferenceConfig, OnlyReal
        from azureml.core.other import Other
        VERSION = "9.9"
    """,
    "azureml/core/model.py": """
        from azureml.core.other import Other
        class Model: real = True
        class InferenceConfig: real = True
        class OnlyReal:
            def other(self): return Other()
    """,
    "azureml/core/other.py": "class Other: real = True",
    "azureml/widgets/__init__.py": "value = 5",
    "azureml/train/automl/__init__.py": "value = 'real automl'",
    "inference_schema/__init__.py": "",
    "inference_schema/extra.py": "value = 6",
    "inference_schema/schema_util.py": """
        def is_schema_decorated(f): return 'real'
        def only_real(): return 'real'
    """,
    "sklearn/__init__.py": "",
    "sklearn/externals/__init__.py": "kept = 1",
    "joblib/__init__.py": "def load(path): return 'joblib ' + path\nfrom . import numpy_pickle",
    "joblib/numpy_pickle.py": "class NumpyArrayWrapper: pass",
}


@pytest.fixture(scope="module", params=["namespace", "regular"])
def with_real(request, module_scorer, python, tmp_path_factory):
    """The same, in an environment that holds packages of these names, with ``__init__.py`` or without."""
    site = tmp_path_factory.mktemp("site")
    files = dict(REAL)
    if request.param == "regular":
        files["azureml/__init__.py"] = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)"
    for name, content in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(textwrap.dedent(content))
    client = module_scorer(EVALUATE, python=python, environment={"PYTHONPATH": str(site)})

    def execute(*lines):
        return client.text("\n".join(lines)).json

    execute.client = client
    return execute


def test_ours_answer_and_the_rest_comes_from_the_real_packages(with_real) -> None:
    execute = with_real
    assert execute("from azureml.core.model import Model", "result = hasattr(Model, 'real')") is False
    assert execute("from azureml.core import Model", "result = hasattr(Model, 'real')") is False
    assert "real azureml.core is loaded" not in execute.client.log
    assert execute("import azureml.core.other as o", "result = o.Other.real") is True
    assert execute("from azureml.core.model import OnlyReal", "result = OnlyReal().other().real") is True
    assert execute("import azureml.widgets", "result = azureml.widgets.value") == 5
    assert execute("import azureml.train.automl as a", "result = a.value") == "real automl"
    assert execute("import azureml.core as c", "result = c.Other.real") is True
    assert execute.client.log.count("real azureml.core is loaded") == 1
    assert execute("from azureml.core.model import Model", "result = hasattr(Model, 'real')") is False
    assert execute("import azureml.core as c, sys", "result = sys.modules['azureml.core'] is c") is True
    assert execute("import inference_schema.extra as e", "result = e.value") == 6
    assert execute("from inference_schema.schema_util import only_real", "result = only_real()") == "real"
    code = ["from inference_schema.schema_util import is_schema_decorated as i", "result = i(len)"]
    assert execute(*code) is False


def test_scikit_learn_externals(with_real) -> None:
    execute = with_real
    assert execute("from sklearn.externals import joblib", "result = joblib.load('p')") == "joblib p"
    assert execute("import sklearn.externals.joblib as j, joblib", "result = j is joblib") is True
    assert execute("import joblib", "result = joblib.__name__ + joblib.__spec__.name") == "joblibjoblib"
    code = [
        "from sklearn.externals.joblib.numpy_pickle import NumpyArrayWrapper as N",
        "result = N.__module__",
    ]
    assert execute(*code) == "joblib.numpy_pickle"
    assert execute("import sklearn.externals as e", "result = e.kept") == 1
    assert execute(
        "from sklearn.externals import six",
        "from sklearn.externals.six import string_types, iteritems",
        "from sklearn.externals.six.moves import xrange, cPickle",
        "from sklearn.externals.six.moves.urllib.parse import quote",
        "result = [isinstance('a', string_types), list(iteritems({1: 2})), list(xrange(2)), quote('ä')]",
    ) == [True, [[1, 2]], [0, 1], "%C3%A4"]


def test_real_joblib_of_old_scikit_learn_is_left_alone(scorer, tmp_path) -> None:
    site = tmp_path / "site"
    (site / "sklearn" / "externals" / "joblib").mkdir(parents=True)
    (site / "sklearn" / "__init__.py").write_text("")
    (site / "sklearn" / "externals" / "__init__.py").write_text("")
    (site / "sklearn" / "externals" / "joblib" / "__init__.py").write_text("vendored = True")
    client = scorer(EVALUATE, environment={"PYTHONPATH": str(site)})
    assert client.text("from sklearn.externals import joblib\nresult = joblib.vendored").json is True


def test_packages_that_appear_on_the_path_later_are_found(scorer, tmp_path, edge_python) -> None:
    (tmp_path / "late" / "azureml" / "latecomer").mkdir(parents=True)
    (tmp_path / "late" / "azureml" / "latecomer" / "__init__.py").write_text("value = 7")
    client = scorer(EVALUATE, python=edge_python)
    late = str(tmp_path / "late")
    code = f"import azureml, sys\nsys.path.append({late!r})\nimport azureml.latecomer as l\nresult = l.value"
    assert client.text(code).json == 7


SEED_SCRIPT = """
    import json
    import numpy as np
    import os
    from sklearn.externals import joblib
    from sklearn.linear_model import Ridge
    from azureml.core.model import Model
    import azureml.train.automl

    from inference_schema.schema_decorators import input_schema, output_schema
    from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType

    def init():
        global model
        model_path = os.path.join(os.getenv("AZUREML_MODEL_DIR"), "sklearn_mnist_model.pkl")
        assert Model.get_model_path("sklearn_mnist") == model_path
        model = joblib.load(model_path)

    input_sample = np.array([[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]])
    output_sample = np.array([3726.995])

    @input_schema("data", NumpyParameterType(input_sample))
    @output_schema(NumpyParameterType(output_sample))
    def run(data):
        try:
            result = model.predict(data)
            return result.tolist()
        except Exception as e:
            return str(e)
"""
TRAIN = """
import sys, numpy as np
from sklearn.linear_model import Ridge
try:
    from sklearn.externals import joblib
except ImportError:
    import joblib
X = np.random.RandomState(0).rand(50, 10)
model = Ridge().fit(X, X.sum(axis=1))
joblib.dump(model, sys.argv[1])
print(model.predict(np.arange(10).reshape(1, 10)).tolist())
"""


@pytest.mark.parametrize("environment", ["today", "python-3.6-scikit-learn-0.20"])
def test_model_and_script_of_old_work_together(scorer, tmp_path, environment) -> None:
    python = Path(sys.executable)
    if environment != "today":
        python = Path(__file__).parents[2] / ".cache" / "scorer-3.6" / "bin" / "python"
        if not python.exists():
            pytest.skip("there is no environment .cache/scorer-3.6 with scikit-learn 0.20")
    folder = tmp_path / "azureml-models" / "sklearn_mnist" / "3"
    folder.mkdir(parents=True)
    command = [str(python), "-W", "ignore", "-c", TRAIN, str(folder / "sklearn_mnist_model.pkl")]
    expected = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    client = scorer(SEED_SCRIPT, python=python, model_dir=str(folder))
    assert client.json({"data": [list(range(10))]}).json == expected
    array = frames.pack_array("i8", (1, 10), struct.pack("<10q", *range(10)))
    assert client.score(frames.ARRAY, array).json == expected
