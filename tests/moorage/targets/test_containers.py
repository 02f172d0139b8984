"""What only containers do: limits, images of the user's own, and how they fail. With MOORAGE_TEST_IMAGES."""

import http.client
import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from moorage import models, services
from moorage.deployments import ContainerConfig, InferenceConfig
from moorage.environments import Environment
from moorage.errors import DeploymentFailed, DeploymentTimeout

# What `make test-images` says.
ENGINE = "docker" if os.environ.get("MOORAGE_TEST_IMAGES") == "docker" else "podman"
SERVER = """\
import http.server, os, signal, sys, time
NAME = os.environ.get("NAME", "image")
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Served-By", NAME)
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(200 if self.path in ("/up", "/ready") else 404, self.path)
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if body == b"stream":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (b"a" * 400000, b"b" * 400000):
                self.wfile.write(b"%x\\r\\n%b\\r\\n" % (len(part), part))
            self.wfile.write(b"0\\r\\n\\r\\n")
            return
        if body == b"break":
            self.wfile.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 100\\r\\n\\r\\nshort")
            self.close_connection = True
            return
        self.answer(200 if self.path == "/predict" else 404, "%s %s %s" % (
            NAME, body.decode(), self.headers.get("Authorization")))
    def log_message(self, *values):
        print("asked", self.command, self.path, flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if os.environ.get("FAILS"):
    sys.exit("the weights are not there")
print("begins", sorted(os.listdir(os.environ.get("AZUREML_MODEL_DIR", "/tmp"))), flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""


@pytest.fixture(scope="session")
def image(tmp_path_factory, container_engine):
    """An image with a server that knows nothing of Moorage."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "server.py").write_text(SERVER)
    text = f'FROM {container_engine.base_image}\nCOPY server.py /\nCMD ["python3", "/server.py"]\n'
    (folder / "Dockerfile").write_text(text)
    name = f"localhost/moorage-test-own:{uuid.uuid4().hex[:8]}"
    subprocess.run(
        [ENGINE, "build", "-q", "-t", name, str(folder)], check=True, capture_output=True, timeout=120
    )
    yield name
    subprocess.run([ENGINE, "rmi", "-f", name], capture_output=True, timeout=60, check=False)


@pytest.fixture
def own(containers, image):
    """A service of that image."""
    return ContainerConfig(
        image=image,
        cpu_cores=1.0,
        scoring_path="/predict",
        scoring_port=8080,
        liveness_path="/up",
        readiness_path="/ready",
    )


@pytest.fixture(autouse=True)
def _nothing_left(workspace, containers_of):
    yield
    for service in services.list_services(workspace):
        services.delete(workspace, service.name)
    assert containers_of("svc") == []


def ask(service, body=b"1", path=None, key=None):
    address = service.scoring_uri if path is None else service.scoring_uri.replace("/score", path)
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(address, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_an_image_of_ones_own_answers_without_a_script(workspace, own, tmp_path):
    (tmp_path / "model.txt").write_text("weights")
    model = models.register(workspace, tmp_path / "model.txt", "m")
    service = services.deploy(workspace, "svc", [model], None, replace(own, variables={"NAME": "first"}))
    assert (service.state, service.compute_type) == ("Healthy", "ACI")
    assert ask(service) == (200, "first 1 None")
    assert ask(service, path="/predict") == (200, "first 1 None")
    assert ask(service, body=None, path="/up") == (200, "/up")
    assert ask(service, path="/elsewhere")[0] == 404
    assert ask(service, body=b"stream") == (200, "a" * 400_000 + "b" * 400_000)
    assert services.run(workspace, "svc", "2").text == "first 2 None"
    deadline = time.monotonic() + 30  # the engine hands the log on when it gets to it
    while "asked POST /predict" not in services.get_logs(workspace, "svc"):
        assert time.monotonic() < deadline, services.get_logs(workspace, "svc")
        time.sleep(0.1)
    assert "begins ['model.txt']" in services.get_logs(workspace, "svc")
    with pytest.raises(http.client.IncompleteRead):
        whole(service, b"break")

    failures, answers, done = [], [], threading.Event()

    def client():
        while not done.is_set():
            status, text = ask(service)
            (answers if status == 200 else failures).append(text)

    threads = [threading.Thread(target=client) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        config = replace(own, variables={"NAME": "second"}, auth_enabled=False)
        services.update(workspace, "svc", deployment_config=config)
        with pytest.raises(DeploymentFailed, match="the weights are not there"):
            services.update(workspace, "svc", deployment_config=replace(config, variables={"FAILS": "yes"}))
    finally:
        time.sleep(0.2)
        done.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert {answer.split()[0] for answer in answers} == {"first", "second"}
    assert ask(service) == (200, "second 1 None")


def whole(service, body):
    parts = urlsplit(service.scoring_uri)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=30)
    try:
        connection.request("POST", "/score", body)
        answer = connection.getresponse()
        if answer.status == 502:
            raise http.client.IncompleteRead(b"")
        return answer.read()
    finally:
        connection.close()


def test_keys_are_asked_for_in_front_of_an_image_and_not_handed_to_it(workspace, own):
    service = services.deploy(workspace, "svc", [], None, replace(own, auth_enabled=True))
    key = services.get_keys(workspace, "svc")[0]
    assert ask(service, key=key) == (200, "image 1 None")
    assert ask(service, path="/predict")[0] == 401
    assert ask(service, key="guess")[0] == 401
    assert ask(service, body=None, path="/up") == (200, "/up")
    assert ask(service, body=None, path="/ready")[0] == 401


def test_an_image_that_does_not_answer_is_told_with_its_own_words(workspace, own, containers_of):
    with pytest.raises(DeploymentFailed, match="exit code 1 before it was ready") as caught:
        services.deploy(workspace, "svc", [], None, replace(own, variables={"FAILS": "yes"}))
    assert "the weights are not there" in str(caught.value)
    assert services.get(workspace, "svc").state == "Failed"
    assert containers_of("svc") == []
    services.delete(workspace, "svc")

    with pytest.raises(DeploymentTimeout):
        services.deploy(workspace, "svc", [], None, replace(own, scoring_port=9999), timeout_s=8)
    assert containers_of("svc") == []


def test_an_image_without_a_program_is_told(workspace, containers, containers_of):
    config = ContainerConfig(image=containers, cpu_cores=1.0)
    with pytest.raises(DeploymentFailed, match=r"cannot run the container|exit code"):
        services.deploy(workspace, "svc", [], None, config)
    assert containers_of("svc") == []


HUNGRY = """\
import json
def init(): pass
def run(data):
    return len(bytearray(json.loads(data) << 20))
"""


def test_memory_and_cpu_are_held_to_what_was_asked_for(workspace, containers, tmp_path, containers_of):
    (tmp_path / "score.py").write_text(HUNGRY)
    inference = InferenceConfig(entry_script=tmp_path / "score.py", environment=Environment("empty"))
    config = ContainerConfig(compute_type="container", cpu_cores=0.5, memory_gb=0.4)
    service = services.deploy(workspace, "svc", [], inference, config)
    (name,) = containers_of("svc")
    shown = [ENGINE, "inspect", "--format", "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}", name]
    limits = subprocess.run(shown, capture_output=True, text=True, timeout=60, check=True).stdout.split()
    assert limits == ["400000000", "400000000"]
    read = [
        ENGINE,
        "exec",
        name,
        "sh",
        "-c",
        "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max",
    ]
    quota = subprocess.run(read, capture_output=True, text=True, timeout=60, check=False).stdout.split()
    assert quota[0] == "50000"  # of 100 ms, once it is ready
    assert ask(service, b"10") == (200, str(10 << 20))
    status, _ = ask(service, b"2000")
    assert status >= 500
    deadline = time.monotonic() + 90
    while True:
        try:
            if ask(service, b"1")[0] == 200:
                break
        except OSError:
            pass
        assert time.monotonic() < deadline, services.get_logs(workspace, "svc")
        time.sleep(0.2)
    root = [ENGINE, "exec", containers_of("svc")[0], "sh", "-c", "id -u; touch /x"]
    done = subprocess.run(root, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "10001"
    assert "Read-only" in done.stderr
    document = json.loads((workspace.path / "services/svc/revisions/1/container.json").read_text())
    assert document["memory_bytes"] == 400_000_000
