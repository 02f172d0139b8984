"""The environment of the published examples, Python 3.6 with scikit-learn 0.20.0, behind a front of today.

The model is trained and pickled there, and the scripts load it with ``from sklearn.externals import joblib``.
"""

import json
import subprocess
from pathlib import Path

import pytest

PYTHON = Path(__file__).parents[3] / ".cache" / "scorer-3.6" / "bin" / "python"
TRAIN = """
import json, sys
import numpy as np
import pandas as pd
from sklearn.externals import joblib
from sklearn.linear_model import Ridge
rows = np.random.RandomState(0).rand(50, 2)
model = Ridge().fit(rows, rows.sum(axis=1))
joblib.dump(model, sys.argv[1])
print(json.dumps(model.predict([[1.0, 2.0], [3.5, 4.0]]).tolist()))
"""
LOADS = """
import os
import numpy as np
import pandas as pd
from sklearn.externals import joblib
from sklearn.linear_model import Ridge
from azureml.core.model import Model
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType

def init():
    global model
    model = joblib.load(os.path.join(os.getenv("AZUREML_MODEL_DIR"), "ridge.pkl"))
"""
SCRIPTS = {
    "text": """
import json
def run(data):
    return model.predict(json.loads(data)["data"]).tolist()
""",
    "numpy": """
@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
@output_schema(NumpyParameterType(np.array([3726.995])))
def run(data):
    assert isinstance(data, np.ndarray)
    return model.predict(data).tolist()
""",
    "pandas": """
@input_schema("data", PandasParameterType(pd.DataFrame({"a": [1.0], "b": [2.0]})))
@output_schema(NumpyParameterType(np.array([3726.995])))
def run(data):
    assert isinstance(data, pd.DataFrame)
    return model.predict(data)
""",
    "raw": """
import json
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse
import flask
@rawhttp
def run(request):
    assert isinstance(request, flask.Request)
    rows = json.loads(request.get_data(False).decode())["data"]
    return AMLResponse(json.dumps(model.predict(rows).tolist()), 200)
""",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A folder with a model of then, and what it answers there for two rows."""
    if not PYTHON.exists():
        pytest.skip("there is no environment .cache/scorer-3.6: make environments makes it")
    folder = tmp_path_factory.mktemp("azureml-models") / "ridge" / "1"
    folder.mkdir(parents=True)
    done = subprocess.run(
        [PYTHON, "-W", "ignore", "-c", TRAIN, folder / "ridge.pkl"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    return folder, json.loads(done.stdout)


@pytest.mark.parametrize("kind", list(SCRIPTS))
def test_a_model_of_then_answers_as_it_did(servers, model, kind):
    folder, expected = model
    server = servers.shared(LOADS + SCRIPTS[kind], python=str(PYTHON), model_dir=str(folder))
    rows = [[1.0, 2.0], [3.5, 4.0]]
    if kind == "pandas":
        rows = [{"a": a, "b": b} for a, b in rows]
    answer = server.post_json({"data": rows})
    assert (answer.status, answer.json()) == (200, expected)
    assert "azureml.core.model" in server.log  # said once, with what to write today
