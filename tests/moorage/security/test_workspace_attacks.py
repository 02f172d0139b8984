"""Names, paths, links and documents that try to lead the control plane somewhere else."""

import contextlib
import json
import os
import subprocess
import sys
import threading

import psutil
import pytest
import yaml
from sqlalchemy import update

from moorage import errors, models, services
from moorage.deployments import InferenceConfig, LocalConfig, parse_deployment_config, parse_inference_config
from moorage.environments import Environment
from moorage.environments.conda import read_conda_file
from moorage.storage.tables import model_files
from moorage.targets import Place, open_target
from moorage.vault import Vault
from moorage.workspace import Workspace

EVIL_NAMES = [
    *("..", ".", "", "/", "a/b", "../a", "/etc/passwd", "a\\b", "C:", "~", "%2e%2e", "\u202eevil", "a" * 300),
    *("a\0b", "con\0", "a\nb", "a b", "-rf", "$(id)", "`id`", "a;id", "a:1", "a\r\nSet-Cookie: b"),
]


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_names_are_never_paths(workspace, home, tmp_path, model, script, name):
    file = tmp_path / "file.txt"
    file.write_text("x")
    with pytest.raises(errors.InvalidName):
        models.register(workspace, file, name)
    with pytest.raises(errors.InvalidName):
        services.deploy(workspace, name, [model], script())
    with pytest.raises(errors.InvalidName):
        Workspace.create(name, home=home)
    for lookup in (
        lambda: Workspace.open(name, home=home),
        lambda: services.get(workspace, name),
        lambda: services.delete(workspace, name),
        lambda: services.get_logs(workspace, name),
        lambda: services.get_keys(workspace, name),
        lambda: models.get_by_id(workspace, f"{name}:1"),
        lambda: models.get_by_id(workspace, f"m:{name}"),
    ):
        with pytest.raises(errors.MoorageError):
            lookup()
    assert {path.name for path in tmp_path.iterdir()} <= {"file.txt", "model.txt", "src", "home"}


@pytest.mark.parametrize(
    "version", ["../1", "1/../../x", "-1", "0", "1e3", "\u0661", "99999999999999999999999999"]
)
def test_versions_are_numbers(workspace, model, version):
    with pytest.raises(errors.MoorageError):
        models.get_by_id(workspace, f"m:{version}")


EVIL_PATHS = ["../outside", "/etc/outside", "a/../../outside", "..", "."]


@pytest.mark.parametrize("path", EVIL_PATHS)
def test_a_path_that_was_forged_in_the_database_leads_nowhere(workspace, tmp_path, model, script, path):
    with workspace.database.write() as connection:
        connection.execute(update(model_files).values(path=path))
    with pytest.raises(errors.MoorageError):
        models.download(workspace, model.id, tmp_path / "target")
    if path != ".":  # the model's own folder: stays where it belongs
        with pytest.raises((errors.MoorageError, ValueError)):
            services.deploy(workspace, "forged", [model.id], script())
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize("child", EVIL_PATHS[:4])
def test_child_paths_stay_in_their_folder(workspace, tmp_path, child):
    folder = tmp_path / "folder"
    (folder / "a").mkdir(parents=True)
    (folder / "file").write_text("x")
    (tmp_path / "outside").write_text("secret")
    with pytest.raises(errors.ModelPathNotAllowed):
        models.register(workspace, folder, "m", child_paths=[child])


def test_links_and_devices_are_not_registered(workspace, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_text("x")
    (tmp_path / "outside").write_text("secret")
    for make in (
        lambda place: place.symlink_to(tmp_path / "outside"),
        lambda place: place.symlink_to("/etc"),
        lambda place: place.symlink_to("../outside"),
        lambda place: place.symlink_to("."),
        lambda place: place.symlink_to("/dev/zero"),
        os.mkfifo,
    ):
        make(folder / "evil")
        with pytest.raises(errors.ModelPathNotAllowed):
            models.register(workspace, folder, "m")
        (folder / "evil").unlink()
    for device in ("/dev/zero", "/dev/stdin", "/proc/self/mem"):
        with pytest.raises(
            (errors.ModelPathNotAllowed, errors.ModelPathNotFound, errors.EmptyModelFolder, OSError)
        ):
            models.register(workspace, device, "m")


def test_a_download_does_not_write_through_links(workspace, tmp_path):
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "file").write_text("new")
    made = models.register(workspace, folder, "m")
    victim, target = tmp_path / "victim", tmp_path / "target"
    victim.mkdir()
    (victim / "file").write_text("precious")
    (target / "folder").mkdir(parents=True)
    (target / "folder" / "sub").symlink_to(victim)
    with pytest.raises(errors.ModelPathNotAllowed):
        models.download(workspace, made, target, exist_ok=True)
    (target / "folder" / "sub").unlink()
    (target / "folder" / "sub").mkdir()
    (target / "folder" / "sub" / "file").symlink_to(victim / "file")
    models.download(workspace, made, target, exist_ok=True)
    assert (victim / "file").read_text() == "precious"
    assert (target / "folder" / "sub" / "file").read_text() == "new"


def test_links_that_wait_in_the_workspace_are_not_followed(workspace, tmp_path, model, script):
    """Whoever could write to the folder once must not have our files written through links of theirs."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = workspace.path / "services" / "waiting"
    folder.mkdir(parents=True, mode=0o700)
    (workspace.path / "services").chmod(0o700)
    (folder / "auth.json").symlink_to(victim)
    (folder / "desired.json").symlink_to(victim)
    (workspace.path / "secrets.key").symlink_to(victim)
    with pytest.raises((errors.MoorageError, OSError)):
        services.deploy(workspace, "waiting", [model], script(), LocalConfig(auth_enabled=True))
    (workspace.path / "secrets.key").unlink()
    services.deploy(workspace, "waiting", [model], script(), LocalConfig(auth_enabled=True))
    assert services.run(workspace, "waiting", "1").status == 200
    assert victim.read_text() == "precious"
    assert not (folder / "auth.json").is_symlink()


def test_a_folder_that_is_exchanged_for_a_link_during_a_download(workspace, tmp_path):
    """The race: the folder becomes a link while files are fetched. Nothing precious is replaced."""
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for number in range(50):
        (folder / "sub" / f"f{number}").write_text("new")
    made = models.register(workspace, folder, "m")
    victim, target = tmp_path / "victim", tmp_path / "target"
    victim.mkdir()
    (victim / "f1").write_text("precious")
    (target / "folder").mkdir(parents=True)
    stop = threading.Event()

    def exchange():
        place = target / "folder" / "sub"
        while not stop.is_set():
            try:
                place.symlink_to(victim)
                place.unlink()
            except OSError:
                pass

    thread = threading.Thread(target=exchange)
    thread.start()
    try:
        for _ in range(5):
            with contextlib.suppress(errors.MoorageError, OSError):
                models.download(workspace, made, target)
    finally:
        stop.set()
        thread.join()
    assert (victim / "f1").read_text() == "precious"


def test_a_model_that_was_changed_on_disk_is_not_started(workspace, model, script):
    service = services.deploy(workspace, "changed", [model], script())
    (file,) = (workspace.path / "services" / "changed" / "revisions" / "1").rglob("model.txt")
    open_target("local").stop(Place(workspace.path, workspace.name, "changed"))
    file.chmod(0o600)
    file.write_text("poisoned")
    with pytest.raises(errors.MoorageError, match="changed after it was deployed"):
        services.start(workspace, "changed")
    file.unlink()
    file.symlink_to("/etc/hostname")
    with pytest.raises(errors.MoorageError, match="cannot be read"):
        services.start(workspace, "changed")
    file.unlink()
    file.write_text("weights")
    services.start(workspace, "changed")
    assert services.run(workspace, "changed", "1").status == 200
    assert service.models == ("m:1",)


def test_workspaces_do_not_see_each_other(home, tmp_path, script):
    file = tmp_path / "file.txt"
    file.write_text("x")
    with Workspace.create("one", home=home) as one, Workspace.create("two", home=home) as two:
        models.register(one, file, "m")
        Vault(one).change("s", lambda old: "secret of one")
        with pytest.raises(errors.ModelNotFound):
            models.get(two, "m")
        with pytest.raises(errors.MoorageError):
            models.get_by_id(two, "../one/m:1")
        assert Vault(two).read("s") is None
        assert models.list_models(two) == []
        # The key file of one opens nothing of the other.
        Vault(two).change("s", lambda old: "secret of two")
        kept = (one.path / "secrets.key").read_bytes()
        (two.path / "secrets.key").write_bytes(kept)
        with pytest.raises(errors.SecretsUnreadable):
            Vault(two).read("s")


EVIL_YAML = [
    "!!python/object/apply:os.system ['touch {marker}']",
    "computeType: !!python/object/apply:os.system ['touch {marker}']",
    "computeType: !!python/name:os.system",
    "a: &a [*a]",
    "a: &a ['x','x']\nb: &b [*a,*a]\nc: &c [*b,*b]\ncomputeType: *c",
    "computeType: local\ntags: !!binary Zm9v",
]


@pytest.mark.parametrize("text", EVIL_YAML)
def test_yaml_makes_data_and_nothing_else(tmp_path, text):
    marker = tmp_path / "marker"
    path = tmp_path / "evil.yml"
    path.write_text(text.replace("{marker}", str(marker)))
    for read in (parse_deployment_config, parse_inference_config, read_conda_file):
        with contextlib.suppress(errors.MoorageError):
            read(path)
    assert not marker.exists()


def test_values_are_never_templates(workspace, tmp_path, model, script):
    """Labels, descriptions and variables come back as they were given, and run nothing."""
    marker = tmp_path / "marker"
    texts = ["{{ 7*7 }}", "${7*7}", f"$(touch {marker})", f"`touch {marker}`", "a\nb: c", "'; id #", "%s%n"]
    values = {f"V{number}": text for number, text in enumerate(texts)}
    reply = "import os\ndef init(): pass\ndef run(data): return dict(os.environ)\n"
    environment = Environment("env", variables=values, user_managed=True)
    config = InferenceConfig(entry_script=script(reply).entry_script, environment=environment)
    made = services.deploy(workspace, "given", [model], config, tags=values, description=texts[4])
    seen = services.run(workspace, "given", "1").json()
    assert {name: seen[name] for name in values} == values
    assert (made.tags, made.description) == (values, texts[4])
    command = [sys.executable, "-m", "moorage.cli", "service", "show", "-n", "given", "-o", "yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert yaml.safe_load(done.stdout)["tags"] == values
    assert not marker.exists()


def test_no_service_answers_for_the_control_plane(workspace, model, script):
    """There is no socket but the service's own: nothing to send commands to."""
    service = services.deploy(workspace, "quiet", [model], script())
    state = json.loads((workspace.path / "services" / "quiet" / "status.json").read_text())
    pids = {state["pid"], *(generation["pid"] for generation in state["generations"])}
    for generation in state["generations"]:
        pids |= set(generation["scorer_pids"])
    listening = set()
    for pid in pids:
        for connection in psutil.Process(pid).net_connections(kind="all"):
            if connection.status == psutil.CONN_LISTEN:
                listening.add((connection.laddr.ip, connection.laddr.port))
    assert listening <= {("127.0.0.1", service.port)}
