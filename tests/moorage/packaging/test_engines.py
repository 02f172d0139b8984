"""What engines and registries say, in our words. The engine is a small program that plays one."""

import json
import sys
from pathlib import Path

import pytest

from moorage import packaging
from moorage.environments import DockerSpecification, Environment
from moorage.errors import EngineNotFound, ImageBuildFailed, InvalidArgument, RegistryFault, StorageFull
from moorage.packaging.engines import find_engine
from moorage.packaging.package import image_location, pip_configuration

pytestmark = pytest.mark.usefixtures("offline")
SECRET = "pass-word"

PROGRAM = """\
#!{python}
import json, os, sys
from pathlib import Path
here = Path({folder!r})
def value(name):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None
auth = value("--authfile") or (os.environ.get("DOCKER_CONFIG", "") + "/config.json")
secret = (value("--secret") or "").partition("src=")[2]
note = dict(arguments=sys.argv[1:], auth=Path(auth).read_text() if Path(auth).is_file() else None,
            secret=Path(secret).read_text() if secret else None)
with (here / "calls").open("a") as file:
    print(json.dumps(note), file=file)
verb = sys.argv[1]
answer = json.loads((here / "answers.json").read_text()).get(verb, [0, ""])
print(answer[1], file=sys.stderr)
if not answer[0]:
    if value("--iidfile"): Path(value("--iidfile")).write_text("sha256:1")
    if value("--digestfile"): Path(value("--digestfile")).write_text("sha256:" + "a" * 64)
sys.exit(answer[0])
"""


class Played:
    """An engine that does nothing but note how it was called; ``says`` sets how it answers a verb."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.path = folder / name
        self.path.write_text(PROGRAM.format(python=sys.executable, folder=str(folder)))
        self.path.chmod(0o755)
        self.answers = {}
        self.says()

    def says(self, **answers):
        self.answers |= answers
        (self.folder / "answers.json").write_text(json.dumps(self.answers))

    def calls(self, verb):
        lines = [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]
        return [line for line in lines if line["arguments"][0] == verb]


@pytest.fixture(params=["podman", "docker"])
def engine(request, tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return Played(folder, request.param)


@pytest.fixture
def make(workspace, model, script):
    def make(environment=None, **options):
        return packaging.package(workspace, [model], script(environment=environment), **options)

    return make


def test_an_engine_that_is_stopped_is_told_with_its_own_words(make, engine, workspace):
    engine.says(info=[125, "Cannot connect to the daemon. Is it running?"])
    with pytest.raises(
        EngineNotFound, match=r"Cannot connect to the daemon. Is it running\?.*generate_dockerfile"
    ):
        make()
    assert not (workspace.path / "packages").exists()


def test_the_engine_that_is_chosen_is_the_one(make, engine, monkeypatch):
    other = {"podman": "docker", "docker": "podman"}[engine.path.name]
    monkeypatch.setenv("MOORAGE_CONTAINER_ENGINE", engine.path.name)
    assert find_engine().name == engine.path.name
    monkeypatch.setenv("MOORAGE_CONTAINER_ENGINE", other)
    with pytest.raises(EngineNotFound, match=f"{other} is not installed"):
        make()


def test_a_failed_step_leaves_the_log_alone(make, engine, workspace):
    engine.says(build=[1, "step 3 of 9\nno such thing"])
    with pytest.raises(ImageBuildFailed, match=r"the log is (.*)\n.*step 3 of 9\nno such thing") as caught:
        make()
    (folder,) = (workspace.path / "packages").iterdir()
    assert [path.name for path in folder.iterdir()] == ["build.log"]
    assert str(folder / "build.log") in str(caught.value)
    assert "no such thing" in (folder / "build.log").read_text()


def test_a_layer_that_somebody_else_just_removed_is_made_again(make, engine):
    engine.says(build=[1, "Error: getting top layer info: layer not known"])
    with pytest.raises(ImageBuildFailed):
        make()
    assert len(engine.calls("build")) == 2


def test_a_full_disk_is_called_that(make, engine, workspace):
    engine.says(build=[1, "write /var/lib/x: no space left on device"])
    with pytest.raises(StorageFull, match=r"no space left for the image; free some"):
        make()


def test_a_full_disk_while_the_files_are_written_leaves_nothing(make, engine, workspace, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("moorage.packaging.context.write_wheel", full)
    with pytest.raises(StorageFull, match="no space left for the files of the package; free some at /"):
        make()
    assert not list((workspace.path / "packages").iterdir())


def test_a_base_image_that_cannot_be_pulled_is_told_without_its_tries(make, engine, workspace):
    warning = 'time="x" level=warning msg="Failed, retrying in 2s ... (1/3). Error: connection refused"'
    engine.says(image=[1, "no such image"], pull=[125, f"{warning}\n{warning}\nError: connection refused"])
    base = DockerSpecification(base_image="registry.example.org/base:1")
    with pytest.raises(RegistryFault) as fault:
        make(Environment("e", pip_requirements=("boat",), docker=base))
    assert str(fault.value).splitlines() == [
        "registry.example.org/base:1 cannot be pulled: registry.example.org cannot be reached",
        "Error: connection refused",
    ]
    assert not list((workspace.path / "packages").glob("*/context"))


def test_an_image_is_pushed_with_the_engine_s_own_credentials(make, engine, workspace):
    if engine.path.name == "docker":
        engine.says(push=[0, f"1.0: digest: sha256:{'a' * 64} size: 1"])
    made = make(image_name="registry.example.org:5000/team/mine", image_label="1", push=True)
    assert made.digest == f"sha256:{'a' * 64}"
    (call,) = engine.calls("push")
    assert call["arguments"][-1] == made.location == "registry.example.org:5000/team/mine:1"
    assert call["auth"] is None
    assert packaging.find(workspace, made.id) == made
    engine.says(image=[1, ""])
    packaging.pull(made)
    assert engine.calls("pull")[0]["arguments"][-1] == made.location


def test_a_registry_for_all_images(make, engine, monkeypatch):
    monkeypatch.setenv("MOORAGE_REGISTRY", "registry.example.org/team")
    made = make(image_label="1")
    assert made.location == "registry.example.org/team/package:1"
    assert len(engine.calls("push")) == 1
    assert not make(generate_dockerfile=True).is_image
    assert image_location("localhost/x", "1") == "localhost/x:1"


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("unauthorized: authentication required", "sign in: {name} login registry.example.org"),
        ("dial tcp: lookup registry.example.org: no such host", "registry.example.org cannot be reached"),
        ("http: server gave HTTP response to HTTPS client", "MOORAGE_REGISTRY_OPTIONS=--tls-verify=false"),
        ("something else", "{name} says"),
    ],
)
def test_a_registry_that_refuses(make, engine, workspace, said, advice):
    engine.says(push=[1, said])
    with pytest.raises(RegistryFault) as caught:
        make(image_name="registry.example.org/mine", push=True)
    text = str(caught.value)
    assert text.startswith("the image is built, but registry.example.org/mine:")
    assert advice.format(name=engine.path.name) in text
    assert said in text
    (folder,) = (workspace.path / "packages").iterdir()
    assert packaging.find(workspace, folder.name).is_image


def test_nowhere_to_push_to_is_said_before_anything_is_made(make, engine, workspace):
    for options in ({"image_name": "mine"}, {"image_name": "a.example/b", "generate_dockerfile": True}):
        with pytest.raises(InvalidArgument, match="push"):
            make(push=True, **options)
    assert not (workspace.path / "packages").exists()


def private():
    return Environment(
        "e",
        pip_requirements=("boat",),
        docker=DockerSpecification(
            base_image="base:1", registry_address="registry.example.org", registry_username="user",
            registry_password=SECRET,
        ),
    )  # fmt: skip


def test_a_private_base_image_is_pulled_first_and_its_password_is_nowhere(make, engine, tmp_path):
    said = []
    engine.says(image=[1, "no such image"])
    made = make(private(), on_line=said.append)
    (call,) = engine.calls("pull")
    assert call["arguments"][-1] == "registry.example.org/base:1"
    assert json.loads(call["auth"])["auths"]["registry.example.org"]["auth"] == "dXNlcjpwYXNzLXdvcmQ="
    arguments = [
        word for verb in ("pull", "build") for call in engine.calls(verb) for word in call["arguments"]
    ]
    written = [path.read_bytes() for path in made.folder.rglob("*") if path.is_file()]
    for text in (*arguments, *said, made.log):
        assert SECRET not in text
        assert "dXNlcjpwYXNzLXdvcmQ=" not in text
    assert not [content for content in written if SECRET.encode() in content]


def test_a_base_image_that_is_refused(make, engine, workspace):
    engine.says(image=[1, "no such image"], pull=[125, "unauthorized: authentication required"])
    with pytest.raises(
        RegistryFault, match=r"cannot be pulled as user: .*are user name and password right\?"
    ) as fault:
        make(private())
    assert SECRET not in str(fault.value)
    assert not engine.calls("build") if (engine.folder / "calls").exists() else True


def test_the_address_of_a_private_index_reaches_the_build_as_a_secret(make, engine, home, monkeypatch):
    from moorage.environments.interpreters import this_python
    from moorage.environments.locking import Lock, this_platform
    from moorage.environments.store import Store
    from moorage.environments.wanted import translate

    lines = (f"--extra-index-url https://user:{SECRET}@index.example.org/simple", "boat")
    wanted = translate(None, lines)
    lock = Lock(this_python().minor, this_platform(), "boat==1.0\n", wanted.options)
    Store.of(home).remember(wanted, this_python(), lock)
    made = make(Environment("e", pip_requirements=lines))
    (call,) = engine.calls("build")
    assert call["secret"] == pip_configuration(wanted.options)
    assert f"https://user:{SECRET}@index.example.org/simple" in call["secret"]
    assert "--mount=type=secret,id=pip.conf" in (made.context / "Dockerfile").read_text()
    assert not [
        path for path in made.folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert SECRET not in " ".join(call["arguments"])


def test_the_first_engine_that_works_is_taken(engine):
    assert find_engine().name == engine.path.name
