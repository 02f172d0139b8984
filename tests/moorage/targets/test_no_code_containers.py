"""Models without a script in real containers: the image has their packages. With MOORAGE_TEST_IMAGES."""

import json
import os
import subprocess
import time
import uuid

import httpx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from moorage import environments, models, packaging, services
from moorage.cli.app import app
from moorage.errors import EntryScriptError

pytestmark = [pytest.mark.usefixtures("containers"), pytest.mark.timeout(900)]
# What `make test-images` says.
ENGINE = "docker" if os.environ.get("MOORAGE_TEST_IMAGES") == "docker" else "podman"
ROWS = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)
BODY = {"data": ROWS.tolist()}


def engine(*arguments):
    done = subprocess.run([ENGINE, *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def linear(workspace, tmp_path):
    """Register a version of the model "m", three numbers by three weights; return it with its answer."""

    def register(weights, **more):
        values = np.array(weights, np.float32).reshape(3, 1)
        graph = helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["y"])],
            "linear",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])],
            [numpy_helper.from_array(values, "w")],
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(made, str(tmp_path / "model.onnx"))
        model = models.register(workspace, tmp_path / "model.onnx", "m", framework="Onnx", **more)
        return model, (ROWS @ values).tolist()

    return register


@pytest.fixture(autouse=True)
def _nothing_left(workspace):
    yield
    for service in services.list_services(workspace):
        services.delete(workspace, service.name)


def test_a_model_without_a_script_is_served_by_a_container(workspace, linear, tmp_path, containers_of):
    asked = models.ResourceConfiguration(cpu_cores=1.5, memory_gb=0.9)
    _model, expected = linear([1, 2, 3], resources=asked)
    config = tmp_path / "deploymentconfig.json"
    config.write_text(json.dumps({"computeType": "ACI", "modelOptions": {"onnx.threads": "1"}}))
    command = ["model", "deploy", "-n", "svc", "-m", "m:1", "--dc", str(config), "-w", "test"]
    done = CliRunner().invoke(app, command, prog_name="moor")
    assert done.exit_code == 0, done.output

    service = services.get(workspace, "svc")
    assert (service.target, service.compute_type, service.state) == ("aci", "ACI", "Healthy")
    assert service.resources == asked
    answer = httpx.post(service.scoring_uri, json=BODY, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"y": expected}
    base = service.scoring_uri.removesuffix("/score")
    assert httpx.get(f"{base}/v2/models/m", timeout=60).json()["name"] == "m"
    assert httpx.post(f"{base}/score/m/1", json=BODY, timeout=60).json() == answer.json()
    assert "ServiceInput" in httpx.get(f"{base}/swagger.json", timeout=60).text
    (name,) = containers_of("svc")
    assert engine("inspect", "--format", "{{.HostConfig.Memory}}", name) == "900000000"
    assert environments.list_environments(workspace) == []

    second, expected = linear([3, 2, 1])
    service = services.update(workspace, "svc", models=[second])
    assert service.models == ("m:2",)
    answer = httpx.post(service.scoring_uri, json=BODY, timeout=60)
    assert answer.json() == {"y": expected}
    # What nobody names any more is a default again.
    assert service.resources == models.ResourceConfiguration(0.1, 0.5)

    (tmp_path / "model.onnx").write_bytes(b"hello")
    broken = models.register(workspace, tmp_path / "model.onnx", "m", framework="Onnx")
    with pytest.raises(EntryScriptError, match="is damaged or no ONNX model"):
        services.update(workspace, "svc", models=[broken])
    assert httpx.post(service.scoring_uri, json=BODY, timeout=60).json() == {"y": expected}


def test_an_image_of_a_model_without_a_script(workspace, linear):
    model, expected = linear([1, 2, 3])
    name = f"localhost/moorage-test-{uuid.uuid4().hex[:8]}"
    made = packaging.package(workspace, [model], None, image_name=name, image_label="1")
    container = engine("run", "-d", "--read-only", "--tmpfs", "/tmp", "-p", "127.0.0.1::5001", f"{name}:1")
    try:
        assert made.models == ("m:1",)
        port = engine("port", container, "5001").splitlines()[0].rpartition(":")[2]
        deadline = time.monotonic() + 120
        while True:
            try:
                answer = httpx.post(f"http://127.0.0.1:{port}/score", json=BODY, timeout=60)
                if answer.status_code != 503:
                    break
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, engine("logs", container)
            time.sleep(0.2)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"y": expected}
    finally:
        engine("rm", "-f", container)
        engine("rmi", "-f", f"{name}:1")
