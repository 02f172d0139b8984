"""Every Python block of the documents, executed unchanged on a prepared stage.

A block belongs to the first scenario whose mark is in its text; a block that belongs to none fails. A
scenario says what became of it: ``works``; ``added`` with what had to be added because the block itself is
broken (an undefined name, a missing import); ``pending`` where something that it needs is not here.
"""

import base64
import importlib.util
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

WORKS = ("works", "")
Status = tuple[str, str]
Scenario = Callable[[Any, Any], Status]
TWO_ROWS = {"data": [list(range(1, 11)), list(range(10, 0, -1))]}


def added(what: str) -> Status:
    return "added", what


# Three of the documents are one text in three languages: the same block is executed once.
SEEN: dict[str, Status] = {}


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the blocks leave the files open that they read
def test_a_python_block_runs(
    python_block: Any, request: pytest.FixtureRequest, outcome: Any, outcome_of: Any
) -> None:
    scenario = next((one for mark, one in SCENARIOS if mark in python_block.text), None)
    assert scenario is not None, f"no scenario knows {python_block}:\n{python_block.text}"
    if python_block.text not in SEEN:
        SEEN[python_block.text] = scenario(python_block, request.getfixturevalue("stage"))
    outcome_of(python_block, outcome(*SEEN[python_block.text]))


# --- workspaces and registering ---


def connect(block: Any, stage: Any) -> Status:
    Path(".file-path").mkdir()
    keys = {"subscription_id": "s", "resource_group": "g", "workspace_name": "myworkspace"}
    Path(".file-path/ws_config.json").write_text(json.dumps(keys))
    assert stage.execute(block)["ws"].name == "myworkspace"
    return WORKS


def a_run(stage: Any) -> Any:
    pytest.importorskip("mlflow", reason="runs are kept by MLflow (moorage[mlflow])")
    from azureml.core import Experiment

    return Experiment(stage.ws, "myexperiment").start_logging()


def register_from_run(block: Any, stage: Any) -> Status:
    run = a_run(stage)
    run.upload_file("outputs/sklearn_mnist_model.pkl", stage.ridge())
    stage.names["run"] = run
    model = stage.execute(block)["model"]
    assert (model.id, model.run_id) == ("sklearn_mnist:1", run.id)
    return WORKS


def register_from_automl(block: Any, stage: Any) -> Status:
    from azureml.train.automl.run import AutoMLRun

    run = a_run(stage)
    run.add_properties({"primary_metric": "accuracy"})
    child = run.child_run()
    child.log("accuracy", 0.9)
    child.upload_file("outputs/model.pkl", stage.ridge())
    stage.names["run"] = AutoMLRun(run.experiment, run.id)
    names = stage.execute(block)
    assert names["model"].description == "My AutoML Model"
    assert names["run"].model_id == names["model"].name
    return WORKS


def register_onnx(block: Any, stage: Any) -> Status:
    stage.answer_downloads()
    model = stage.execute(block)["model"]
    assert (model.id, model.tags) == ("onnx_mnist:1", {"onnx": "demo"})
    return WORKS


def download(block: Any, stage: Any) -> Status:
    from azureml.core import Model

    stage.names["Model"] = Model
    stage.register(stage.ridge("m.pkl"), "mymodel")
    Path("m.pkl").unlink()
    assert stage.execute(block)["model_path"] == "m.pkl"
    assert Path("m.pkl").is_file()
    return WORKS


# --- where models are ---


def model_paths(folder: str, files: dict[str, str]) -> Scenario:
    def run(block: Any, stage: Any) -> Status:
        for file in files.values():
            Path(folder, file).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, file).write_text("")
        stage.patch.setenv("AZUREML_MODEL_DIR", folder)
        stage.names["os"] = os
        names = stage.execute(block)
        for name, file in files.items():
            assert names[name] == f"{folder}/{file}"
            assert Path(names[name]).is_file()
        return WORKS

    return run


def model_path_by_name(block: Any, stage: Any) -> Status:
    from azureml.core import Model

    stage.names["Model"] = Model
    folder = Path("azureml-models/sklearn_mnist/1")
    folder.mkdir(parents=True)
    (folder / "sklearn_mnist_model.pkl").write_text("")
    assert stage.execute(block)["model_path"] == str(folder / "sklearn_mnist_model.pkl")
    return WORKS


def two_models(block: Any, stage: Any) -> Status:
    from azureml.core.model import InferenceConfig, Model
    from azureml.core.webservice import LocalWebservice

    for name, versions in (("my_first_model", 1), ("my_second_model", 2)):
        for _ in range(versions):
            Path(f"{name}.pkl").write_text(name)
            stage.register(f"{name}.pkl", name)
    Path("score.py").write_text(
        "import os\n\ndef init(): pass\n\ndef run(data):\n    folder = os.environ['AZUREML_MODEL_DIR']\n"
        "    return sorted(os.path.relpath(os.path.join(f, name), folder)\n"
        "                  for f, _, names in os.walk(folder) for name in names)\n"
    )
    stage.names.update(
        Model=Model,
        inference_config=InferenceConfig("score.py", environment=stage.environment()),
        deployment_config=LocalWebservice.deploy_configuration(),
    )
    service = stage.execute(block)["service"]
    service.wait_for_deployment()
    assert service.run("{}") == [
        "my_first_model/1/my_first_model.pkl",
        "my_second_model/2/my_second_model.pkl",
    ]
    return WORKS


# --- entry scripts ---


def numpy_script(block: Any, stage: Any) -> Status:
    model = stage.register(stage.ridge(), "sklearn_mnist")
    service = stage.serve(block.text, [model])
    answer = requests.post(service.scoring_uri, json=TWO_ROWS, timeout=30)
    assert answer.status_code == 200
    assert [type(one) for one in answer.json()] == [float, float]
    document = requests.get(service.swagger_uri, timeout=30).json()
    assert document["definitions"]["ServiceOutput"]["example"] == [3726.995]
    return WORKS


def pandas_script(block: Any, stage: Any) -> Status:
    import joblib
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline

    frame = pd.DataFrame({"input_name_1": [1.0, 2.0], "input_name_2": ["a", "b"], "input_name_3": [3, 5]})
    takes_third = make_column_transformer(("passthrough", ["input_name_3"]))
    joblib.dump(make_pipeline(takes_third, LinearRegression()).fit(frame, [3, 5]), "model_file.pkl")
    model = stage.register("model_file.pkl", "mymodel")
    service = stage.serve("import os\n" + block.text, [model])
    rows = [{"input_name_1": 1.5, "input_name_2": "a", "input_name_3": 7}]
    answer = requests.post(service.scoring_uri, json={"data": rows}, timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.json() == [pytest.approx(7)], answer.text
    return added("import os")


def power_bi_script(names: tuple[str, str]) -> Scenario:
    def run(block: Any, stage: Any) -> Status:
        stage.ridge("sklearn_regression_model.pkl")
        model = stage.register("sklearn_regression_model.pkl", "mymodel")
        service = stage.serve("import os\n" + block.text, [model])
        inputs = {"input1": TWO_ROWS["data"], "input2": [{"name": "Sarah", "age": 25}], "input3": 1.0}
        answer = requests.post(
            service.scoring_uri, json=dict(zip(names, (inputs, 1.0), strict=True)), timeout=30
        )
        assert answer.status_code == 200, answer.text
        assert [type(one) for one in answer.json()] == [float, float], answer.text
        return added("import os")

    return run


def image_script(block: Any, stage: Any) -> Status:
    pytest.importorskip("PIL", reason="the script opens images with Pillow")
    service = stage.serve(block.text, [])
    picture = Path(a_picture()).read_bytes()
    answer = requests.post(service.scoring_uri, files={"image": picture}, timeout=30)
    assert (answer.status_code, answer.json()) == (200, [3, 2])
    assert requests.get(f"{service.scoring_uri}?a=b", timeout=30).text == "/score?a=b"
    return WORKS


def a_picture(name: str = "test.jpg") -> str:
    from PIL import Image

    Image.new("RGB", (3, 2)).save(name)
    return name


def raw_script(block: Any, stage: Any) -> Status:
    service = stage.serve(block.text, [])
    answer = requests.post(service.scoring_uri, data=b"\x00\xff", timeout=30)
    assert (answer.status_code, answer.content) == (200, b"\x00\xff")
    assert requests.get(service.scoring_uri, timeout=30).text == "/score?"
    assert "This is init()" in service.get_logs()
    return WORKS


def cors_script(block: Any, stage: Any) -> Status:
    text, status = block.text, WORKS
    if "@rawhttp" not in text:
        text = "from azureml.contrib.services.aml_request import rawhttp\n" + text
        text = text.replace("def run(", "@rawhttp\ndef run(")
        status = added("@rawhttp and its import, which the script needs to get a request")
    service = stage.serve(text, [])
    answer = requests.post(service.scoring_uri, data=b"body", timeout=30)
    assert (answer.status_code, answer.content) == (200, b"body")
    assert answer.headers["Access-Control-Allow-Origin"] == "http://www.example.com"
    return status


# --- clients ---


def image_client(block: Any, stage: Any) -> Status:
    pytest.importorskip("PIL", reason="the client sends an image")
    a_picture()
    stage.names["service"] = stage.serve(
        "from azureml.contrib.services.aml_request import rawhttp\n\ndef init(): pass\n\n@rawhttp\n"
        "def run(request):\n    return len(request.files['image'].read())\n",
        [],
    )
    text, status = block.text, WORKS
    if "post(url, " in text:
        text, status = text.replace("post(url, ", "post(uri, "), added("the name: url is uri")
    names = stage.execute(block, text)
    assert names["response"].json() == Path("test.jpg").stat().st_size
    return status


def bytes_client(block: Any, stage: Any) -> Status:
    Path("example.jpg").write_bytes(b"\xff\xd8picture")
    service = stage.serve(
        "from azureml.contrib.services.aml_request import rawhttp\n\ndef init(): pass\n\n@rawhttp\n"
        "def run(request):\n    return [request.content_type, len(request.get_data())]\n",
        [],
    )
    names = stage.execute(block, block.text.replace("<scoring-uri>", service.scoring_uri))
    assert names["res"].json() == ["application/octet-stream", 9]
    return added("the address of the service in place of <scoring-uri>")


def client(block: Any, stage: Any) -> Status:
    stage.names["service"] = stage.serve("def init(): pass\n\ndef run(data):\n    return data\n", [])
    names = stage.execute(block)
    assert names["response"].status_code == 200
    return WORKS


def package(block: Any, stage: Any) -> Status:
    from azureml.core import Environment
    from azureml.core.model import InferenceConfig, Model
    from azureml.exceptions import WebserviceException

    Path("score.py").write_text("def init(): pass\ndef run(data): return data\n")
    stage.ridge("sklearn_regression_model.pkl")
    model = stage.register("sklearn_regression_model.pkl", "mymodel")
    config = InferenceConfig("score.py", environment=Environment("empty"))
    stage.names.update(Model=Model, model=model, inference_config=config)
    stage.lock_server()
    if "generate_dockerfile=True" not in block.text:
        # Building takes a minute and an engine: tests/moorage/packaging has both where they are.
        stage.patch.setenv("PATH", "")
        with pytest.raises(WebserviceException, match="an image needs a container engine"):
            stage.execute(block)
        return WORKS
    stage.execute(block)
    assert Path("imagefiles/models/mymodel/1/sklearn_regression_model.pkl").is_file()
    assert Path("imagefiles/Dockerfile").read_text().startswith("# Written by Moorage")
    return WORKS


def packaged_client(block: Any, stage: Any) -> Status:
    with stage.port(6789):
        stage.serve("def init(): pass\n\ndef run(data):\n    return data\n", [], port=6789)
        assert stage.execute(block)["resp"].status_code == 200
    return WORKS


# --- configurations and deploying ---


def inference_config(block: Any, stage: Any) -> Status:
    stage.environment().register(stage.ws)
    Path("x/y").mkdir(parents=True)
    Path("x/y/score.py").write_text("def init(): pass\ndef run(data): return data\n")
    names = stage.execute(block)
    assert names["inference_config"].environment.version == "1"
    return WORKS


def imports(block: Any, stage: Any) -> Status:
    names = stage.execute(block)
    for name in ("AciWebservice", "AksWebservice", "LocalWebservice"):
        assert callable(names[name].deploy_configuration)
    return WORKS


def literal(block: Any, stage: Any) -> Status:
    assert eval(block.text) == {"cpu": 1.0, "memoryInGB": 0.5}
    return WORKS


def local_deploy(block: Any, stage: Any) -> Status:
    from azureml.core.model import InferenceConfig, Model

    Path("score.py").write_text("def init(): pass\ndef run(data): return data\n")
    stage.names.update(
        Model=Model,
        model=stage.register(stage.ridge(), "mymodel"),
        inference_config=InferenceConfig("score.py", environment=stage.environment()),
    )
    with stage.port(8890):
        assert stage.execute(block)["service"].state == "running"
    return WORKS


def profile(block: Any, stage: Any) -> Status:
    from azureml.core.model import InferenceConfig, Model

    Path("score.py").write_text("def init(): pass\ndef run(data): return data\n")
    stage.names.update(
        Model=Model,
        model=stage.register(stage.ridge(), "mymodel"),
        inference_config=InferenceConfig("score.py", environment=stage.environment()),
    )
    found = stage.execute(block)["profile"]
    assert (found.state, found.success_rate) == ("Succeeded", 100)
    assert set(found.get_results()) == {"cpu", "memoryInGB"}
    assert found.get_details()["totalQueries"] > 1
    return WORKS


# --- without a script ---


def no_code_scikit_learn(block: Any, stage: Any) -> Status:
    import joblib

    stage.ridge("sklearn_regression_model.pkl")
    service = stage.execute(block)["service"]
    service.wait_for_deployment()
    assert service.state == "Healthy"
    answer = service.run(json.dumps({**TWO_ROWS, "method": "predict"}))
    expected = joblib.load("sklearn_regression_model.pkl").predict(TWO_ROWS["data"])
    assert answer == {"predict": pytest.approx(expected.tolist(), rel=1e-6)}
    assert service.run(json.dumps(TWO_ROWS)) == answer
    return WORKS


def no_code_onnx(block: Any, stage: Any) -> Status:
    """The public sample is not dependable; a graph with the same input and output names stands for it."""
    np = pytest.importorskip("numpy")
    pytest.importorskip("onnxruntime", reason="ONNX models need moorage-server[onnx]")
    stage.onnx_digits("mnist-model.onnx")
    service = stage.execute(block)["service"]
    service.wait_for_deployment()
    picture = np.zeros((1, 1, 28, 28), np.float32)
    picture[0, 0, 3] = 1
    plain = service.run(json.dumps({"data": picture.tolist()}))
    assert np.argmax(plain["Plus214_Output_0"]) == 3
    tensor = {"dims": ["1", "1", "28", "28"], "dataType": 1}
    tensor["rawData"] = base64.b64encode(picture.tobytes()).decode()
    request = {"inputs": {"Input3": tensor}, "outputFilter": ["Plus214_Output_0"]}
    raw = service.run(json.dumps(request))["outputs"]["Plus214_Output_0"]
    assert (raw["dims"], raw["dataType"]) == (["1", "10"], 1)
    assert np.argmax(np.frombuffer(base64.b64decode(raw["rawData"]), "<f4")) == 3
    return WORKS


def no_code_tensorflow(block: Any, stage: Any) -> Status:
    """With TensorFlow where it is installed; without, the deployment names what is missing."""
    from azureml.exceptions import WebserviceException

    if importlib.util.find_spec("tensorflow") is None:
        Path("flowers_model").mkdir()
        Path("flowers_model/saved_model.pb").write_bytes(b"\x08\x01")
        with pytest.raises(WebserviceException, match="needs tensorflow"):
            stage.execute(block)
        return "pending", "TensorFlow is not installed where this was tested"
    stage.flowers("flowers_model")
    service = stage.execute(block)["service"]
    service.wait_for_deployment()
    assert service.run(json.dumps({"instances": [[1.0, 2.0]]})) == {"predictions": [[3.0]]}
    return WORKS


SCENARIOS: list[tuple[str, Scenario]] = [
    ("Workspace.from_config(path=", connect),
    ("run.register_model(model_name=", register_from_run),
    ("run.register_model(description =", register_from_automl),
    ("onnx_model_url", register_onnx),
    ("request.files[", image_script),
    ("Access-Control-Allow-Origin", cors_script),
    ("def run(Inputs, GlobalParameters)", power_bi_script(("Inputs", "GlobalParameters"))),
    ("def run(inputs, global_parameters)", power_bi_script(("inputs", "global_parameters"))),
    ("PandasParameterType(input_sample)", pandas_script),
    ("NumpyParameterType(input_sample)", numpy_script),
    ("request.get_data(False)", raw_script),
    (
        "my_model_folder",
        model_paths(
            "azureml-models/m/1",
            {
                "model_path": "sklearn_regression_model.pkl",
                "file_path": "my_model_folder/sklearn_regression_model.pkl",
            },
        ),
    ),
    (
        "first_model_path",
        model_paths(
            "azureml-models",
            {
                "first_model_path": "my_first_model/1/my_first_model.pkl",
                "second_model_path": "my_second_model/2/my_second_model.pkl",
            },
        ),
    ),
    (
        "'sklearn_model', '1'",
        model_paths("azureml-models", {"model_path": "sklearn_model/1/sklearn_regression_model.pkl"}),
    ),
    ("Model.get_model_path('sklearn_mnist')", model_path_by_name),
    ("[first_model, second_model]", two_models),
    ("files = {'image'", image_client),
    ("application/octet-stream", bytes_client),
    ("Environment.get(workspace=ws", inference_config),
    ("import AciWebservice, AksWebservice, LocalWebservice", imports),
    ("Model.profile(", profile),
    ("{'cpu': 1.0, 'memoryInGB': 0.5}", literal),
    ("LocalWebservice.deploy_configuration(port=8890)", local_deploy),
    ("service.auth_enabled", client),
    ("Model(ws,'mymodel').download()", download),
    ("Model.Framework.TENSORFLOW", no_code_tensorflow),
    ("Model.Framework.ONNX", no_code_onnx),
    ("Model.Framework.SCIKITLEARN", no_code_scikit_learn),
    ("Model.package(", package),
    ("http://localhost:6789/score", packaged_client),
]
