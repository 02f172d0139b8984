"""Real images, built, pushed and run by a real engine: ``make test-images`` sets MOORAGE_TEST_IMAGES."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
import uuid
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import httpx
import pytest

from moorage import packaging
from moorage.environments import CondaSpecification, DockerSpecification, Environment
from moorage.environments.tool import uv_path
from moorage.errors import ImageBuildFailed, RegistryFault, StorageFull
from moorage.packaging import registries
from moorage.packaging.bases import Credentials
from moorage.packaging.context import epoch
from moorage.packaging.engines import find_engine
from moorage.packaging.locks import server_lock

pytestmark = [pytest.mark.usefixtures("base"), pytest.mark.timeout(600)]
# What `make test-images` says.
ENGINE = "docker" if os.environ.get("MOORAGE_TEST_IMAGES") == "docker" else "podman"
USER, PASSWORD = "user", "pass-word"
SIX = "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274"
BCRYPT = "$2b$04$go5DpydgJJNXDGrzICil1OiCn2YhVKV0k/nqYl2lxsVqn6nrA4GGi"  # of PASSWORD


def engine(*arguments, input=None):
    done = subprocess.run(
        [ENGINE, *arguments], capture_output=True, text=True, timeout=300, check=False, input=input
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def layers(image):
    return json.loads(engine("image", "inspect", "--format", "{{json .RootFS.Layers}}", image))


@pytest.fixture
def base(home, container_engine, monkeypatch):
    """Build as this machine reaches the package index, on a base image that is here."""
    for name, value in container_engine.variables.items():
        monkeypatch.setenv(name, value)
    return container_engine.base_image


@pytest.fixture
def name():
    """A name for an image; it is removed afterwards, under every label."""
    name = f"localhost/moorage-test-{uuid.uuid4().hex[:8]}"
    yield name
    listed = engine("images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={name}")
    if listed:
        engine("rmi", "-f", *listed.split())


@pytest.fixture
def run():
    """Run an image with a read-only root; return its address once it is healthy."""
    names = []

    def run(image):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        names.append(f"moorage-test-{uuid.uuid4().hex[:8]}")
        engine("run", "-d", "--read-only", "-p", f"127.0.0.1:{port}:5001", "--name", names[-1], image)
        deadline = time.monotonic() + 90
        while True:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/", timeout=5).text == "Healthy":
                    return f"http://127.0.0.1:{port}", names[-1]
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline, engine("logs", names[-1])
            time.sleep(0.3)

    yield run
    for name in names:
        subprocess.run([ENGINE, "rm", "-f", name], capture_output=True, timeout=60, check=False)


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A registry on a free port that lets one user in, and an empty store of credentials for the engine."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("needs docker-registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    (tmp_path / "htpasswd").write_text(f"{USER}:{BCRYPT}\n")
    (tmp_path / "registry.yml").write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path / 'registry'}}}}}\n"
        f"http: {{addr: {address}}}\nauth: {{htpasswd: {{realm: r, path: {tmp_path / 'htpasswd'}}}}}\n"
    )
    if ENGINE == "podman":  # Docker asks registries of this machine without TLS
        monkeypatch.setenv("MOORAGE_REGISTRY_OPTIONS", "--tls-verify=false")
    # After this the engine has a store of its own; the registry would take the variable for a setting.
    with (tmp_path / "registry.log").open("wb") as log:
        server = subprocess.Popen([program, "serve", str(tmp_path / "registry.yml")], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                if httpx.get(f"http://{address}/v2/", timeout=5).status_code == 401:
                    break
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline, (tmp_path / "registry.log").read_text()
            time.sleep(0.1)
        (tmp_path / "store").mkdir()
        (tmp_path / "store" / "config.json").write_text("{}")
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "store" / "config.json"))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "store"))
        yield address
    finally:
        server.terminate()
        server.wait(30)


def test_an_image_from_a_dockerfile_with_packages_of_its_own_runs_and_stops(
    workspace, model, script, run, name, base
):
    own = "RUN echo 'word = 7' > /usr/lib/python3/dist-packages/own.py"
    environment = Environment(
        "e",
        user_managed=True,
        variables={"GREETING": "hello"},
        docker=DockerSpecification(base_dockerfile=f"FROM {base}\n{own}\nUSER 1234"),
    )
    text = script().entry_path.read_text().replace('"got"', '"greeting": os.environ["GREETING"], "got"')
    config = script("import own\n" + text.replace("json.loads(data)", "own.word"), environment=environment)
    made = packaging.package(workspace, [model], config, image_name=name, image_label="1")
    assert made.is_image
    assert packaging.pull(made) == made.location
    assert made.size_bytes > 50_000_000
    address, container = run(made.location)
    answer = httpx.post(f"{address}/score", json=[1, 2], timeout=30)
    assert answer.json() == {
        "model": "one", "greeting": "hello", "got": 7, "user": 10001, "prefix": "/usr",
    }  # fmt: skip

    # Labels, a health check that passes, models in a layer of their own, nothing that installs.
    facts = json.loads(engine("image", "inspect", made.location))[0]
    labels = facts["Config"]["Labels"]
    assert json.loads(labels["org.moorage.models"]) == [
        {"name": "m", "version": 1, "files": {"model.txt": f"sha256:{model.files[0].sha256}"}}
    ]
    assert labels["org.opencontainers.image.description"] == "scores m:1"
    assert labels["org.opencontainers.image.created"] == "1980-01-01T00:00:00Z"
    assert facts["Config"]["User"] == "10001:10001"
    kind, *check = (facts.get("Healthcheck") or facts["Config"]["Healthcheck"])["Test"]
    assert kind == "CMD"
    engine("exec", container, *check)
    steps = engine("history", "--no-trunc", "--format", "{{.CreatedBy}}", made.location).splitlines()
    copies = [step for step in steps if "COPY" in step]
    assert len([step for step in copies if "/var/azureml-app/azureml-models/" in step]) == 1
    look = ["run", "--rm", "--entrypoint", "/bin/sh", made.location, "-c"]
    inside = engine(*look, "command -v gcc pip pip3; ls -d /opt/*/bin/pip* /build /wheels 2>/dev/null; true")
    assert inside == ""

    begun = time.monotonic()
    engine("stop", "-t", "60", container)
    assert time.monotonic() - begun < 50  # the signal was understood
    assert engine("inspect", "--format", "{{.State.ExitCode}}", container) == "0"


@pytest.fixture(scope="module")
def minor(container_engine):
    """The minor version of the Python that the base image has."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return engine("run", "--rm", "--network", "host", container_engine.base_image, "python3", "-c", code)


@pytest.fixture
def wheels(home, tmp_path, minor):
    """A folder of wheels with all that the server needs, and six."""
    lock = tmp_path / "lock.txt"
    lock.write_text(f"{server_lock(minor).text}six==1.17.0 --hash=sha256:{SIX}\n")
    folder = tmp_path / "wheels"
    command = [
        uv_path(),
        "run",
        "--no-project",
        "--quiet",
        "--with",
        "pip",
        "python",
        "-m",
        "pip",
        "download",
    ]
    options = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--python-version", minor]
    subprocess.run([*command, *options, "-r", str(lock), "-d", str(folder)], check=True, timeout=200)
    return folder


def test_the_same_things_give_the_same_layers_offline(
    workspace, model, script, run, name, wheels, minor, monkeypatch, tmp_path
):
    monkeypatch.setenv("MOORAGE_BUILD_OPTIONS", "--network none")
    monkeypatch.setenv("UV_OFFLINE", "1")
    environment = Environment(
        "e",
        conda=CondaSpecification(packages=(f"python={minor}",), pip=("six",)),
        variables={"AZUREML_EXTRA_REQUIREMENTS_TXT": "more.txt"},
    )
    config = script("import six, idna\n" + script().entry_path.read_text(), environment)
    (config.source_path / "more.txt").write_text("idna  # the server has it, the script has its own\n")
    said = []
    made = packaging.package(
        workspace, [model], config, image_name=name, image_label="1", wheels=wheels, on_line=said.append
    )
    if ENGINE != "docker":  # whose own builder sets no times of files
        monkeypatch.setenv("MOORAGE_BUILD_OPTIONS", "--network none --no-cache")
        find_engine().build(made.context, [f"{name}:2"], epoch(), tmp_path / "again.log", said.append)
        assert layers(made.location) == layers(f"{name}:2")
    address, _container = run(made.location)
    answer = httpx.post(f"{address}/score", json=[1, 2], timeout=30).json()
    assert (answer["model"], answer["got"], answer["prefix"]) == ("one", [1, 2], "/opt/environment")


def test_a_registry_takes_and_gives_images_as_the_engine_s_own_user(registry, name, tmp_path):
    repository = f"{registry}/team/{name.rpartition('/')[2]}"
    said = []
    now = datetime.now(timezone.utc)
    made = packaging.Package("1", f"{repository}:1", tmp_path, is_image=True, models=(), created_at=now)
    # What is in it is nothing to a registry; so it is small.
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    engine("build", "-t", made.location, str(tmp_path / "small"))
    here = find_engine()
    try:
        with pytest.raises(RegistryFault, match=f"sign in: {ENGINE} login {registry}"):
            registries.push(here, made.location, said.append)
        options = ["--tls-verify=false"] if ENGINE == "podman" else []
        engine("login", *options, "-u", USER, "--password-stdin", registry, input=PASSWORD)
        digest = registries.push(here, made.location, said.append)
        kinds = ("oci.image.manifest.v1+json", "docker.distribution.manifest.v2+json")
        asked = httpx.get(
            f"http://{registry}/v2/{repository.partition('/')[2]}/manifests/1",
            headers={"Accept": ", ".join(f"application/vnd.{kind}" for kind in kinds)},
            auth=(USER, PASSWORD),
        )
        assert asked.status_code == 200, asked.text
        assert f"sha256:{hashlib.sha256(asked.content).hexdigest()}" == digest
        engine("rmi", "-f", made.location)
        assert packaging.pull(replace(made, digest=digest)) == made.location

        # Who is not signed in needs the credentials that an environment brings along.
        engine("rmi", "-f", made.location)
        engine("logout", registry)
        with pytest.raises(RegistryFault, match="are user name and password right"):
            registries.pull(here, made.location, said.append, Credentials(registry, USER, "wrong"))
        registries.pull(here, made.location, said.append, Credentials(registry, USER, PASSWORD))
        assert here.has(made.location)
        assert PASSWORD not in "".join(said)
        stores = [path.read_text() for path in (tmp_path / "store").iterdir() if path.is_file()]
        assert stores
        assert not [text for text in stores if PASSWORD in text or '"auth":' in text]
    finally:
        command = [ENGINE, "rmi", "-f", made.location]
        subprocess.run(command, capture_output=True, timeout=60, check=False)


def test_a_base_image_that_cannot_be_one_is_told_in_a_line(
    workspace, model, script, name, tmp_path, minor, base
):
    (tmp_path / "Dockerfile").write_text(f"FROM {base}\nRUN rm /usr/bin/python3\n")
    engine("build", "-t", f"{name}:bare", str(tmp_path))
    bare = DockerSpecification(base_image=f"{name}:bare")
    for environment, said in (
        (Environment("e", pip_requirements=("six",), docker=bare), "the base image has no python3"),
        (
            Environment("e", conda=CondaSpecification(packages=("python=3.10",), pip=("six",))),
            f"the base image has Python {minor}; 3.10 is needed here",
        ),
    ):
        with pytest.raises(ImageBuildFailed, match=said):
            packaging.package(workspace, [model], script(environment=environment))
    steps = DockerSpecification(base_dockerfile=f"FROM {base}\nRUN exit 7")
    with pytest.raises(ImageBuildFailed, match=r"exit status 7|exit code 7|code: 7"):
        packaging.package(workspace, [model], script(environment=Environment("e", docker=steps)))
    full = DockerSpecification(base_dockerfile=f"FROM {base}\nRUN cp /etc/passwd /dev/full")
    with pytest.raises(StorageFull, match="no space left"):
        packaging.package(workspace, [model], script(environment=Environment("e", docker=full)))
    assert {path.name for path in (workspace.path / "packages").glob("*/*")} == {"build.log"}


def test_packages_of_a_conda_channel_come_with_their_python(
    workspace, model, script, run, name, base, new_channel
):
    """Python 3.12 of a channel and a package of its own; the server runs with the base image's Python."""
    source = Path.home() / ".pyenv" / "versions" / "3.12.1"
    if not source.is_dir():
        pytest.skip("no Python 3.12.1 of pyenv to make a package of")
    channel = new_channel()
    release = channel.add_whole_python(source)
    activate = 'export SAIL_DATA="$CONDA_PREFIX/share"\n'
    files = {"bin/hoist": "#!/bin/sh\necho PREFIX\n", "etc/conda/activate.d/sail.sh": activate}
    channel.add("hoist", files=files)
    channel.add("sail", module="version = '1.0'\n", needs=["hoist"])
    conda = CondaSpecification(channels=(channel.url,), packages=("sail",), pip=("six==1.17.0",))
    text = (
        "import os, subprocess, sys, sail, six\n"
        "def init(): pass\n"
        "def run(data):\n"
        "    said = subprocess.check_output(['hoist'], text=True).strip()\n"
        "    return [sail.version, six.__version__, os.environ['SAIL_DATA'], said, sys.version.split()[0]]\n"
    )
    config = script(text, environment=Environment("e", conda=conda))
    made = packaging.package(workspace, [model], config, image_name=name, image_label="1")
    address, _container = run(made.location)
    answer = httpx.post(f"{address}/score", json={}, timeout=60).json()
    assert answer == ["1.0", "1.17.0", "/opt/environment/share", "/opt/environment", release]
    look = ["run", "--rm", "--entrypoint", "/bin/sh", made.location, "-c", "ls /opt/environment/bin"]
    assert "pip" not in engine(*look)  # what installs stays behind
