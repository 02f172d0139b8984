"""Started by root, a script runs as a user of its own, within its limits, and reaches nothing else."""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage import models, services
from moorage.deployments import InferenceConfig, LocalConfig
from moorage.environments import Environment
from moorage.errors import EntryScriptError, InvalidConfiguration
from moorage.workspace import Workspace
from moorage_server import cgroups, confined, scorer_user
from moorage_server.settings import ServiceSettings

LOOK = """
import getpass, json, os, resource

def init():
    global text
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.txt")) as file:
        text = file.read()
    os.makedirs(os.path.expanduser("~/.cache/library"), exist_ok=True)
    with open("beside.txt", "w") as file:
        file.write("results")
    with open("/dev/stdout", "w") as file:
        file.write("written by name\\n")

def reach(path, mode):
    try:
        open(path, mode).close()
    except PermissionError:
        return False
    return True

def run(data):
    paths = json.loads(data)
    return {
        "pid": os.getpid(),
        "text": text,
        "who": getpass.getuser(),
        "readable": [path for path in paths if reach(path, "rb")],
        "writable": [path for path in paths if reach(path, "ab")],
        "files": resource.getrlimit(resource.RLIMIT_NOFILE),
        "data": resource.getrlimit(resource.RLIMIT_DATA),
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "cpus": len(os.sched_getaffinity(0)),
    }
"""
NOBODY = 65533
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="these are Linux's own")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the user")


def reachable_python():
    """Return an interpreter that every user of the machine can start."""
    for candidate in (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3"):
        path = Path(candidate)
        if path.is_file() and scorer_user.first_barrier(path, NOBODY, NOBODY) is None:
            return path
    pytest.skip("no interpreter here can be reached by other users")


@pytest.fixture
def open_workspace(home):
    """A workspace in a folder that other users can reach, and an entry script beside it."""
    python = reachable_python()
    try:
        scorer_user._check_rights()
        scorer_user._check_way(scorer_user.ScorerUser(NOBODY, NOBODY, "x"), [scorer_user.runtime_folder()])
    except scorer_user.NotPossible as reason:
        pytest.skip(str(reason))
    folder = Path(tempfile.mkdtemp(prefix="moorage-test-"))
    folder.chmod(0o755)
    workspace = Workspace.create("t", home=folder / "home")
    try:
        (folder / "model.txt").write_text("weights")
        (folder / "score.py").write_text(LOOK)
        models.register(workspace, folder / "model.txt", "m")
        environment = Environment(name="e", interpreter=python, user_managed=True)
        yield workspace, InferenceConfig(entry_script=folder / "score.py", environment=environment)
    finally:
        for service in services.list_services(workspace):
            services.delete(workspace, service.name)
        workspace.close()
        shutil.rmtree(folder)


@pytest.fixture
def wait_for():
    def wait(condition, what):
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within 30 s"
            time.sleep(0.02)

    return wait


def status_of(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


@needs_linux
@needs_root
@pytest.mark.parametrize("preload", [False, True])
def test_a_script_runs_as_a_user_of_its_own_and_reaches_only_what_it_needs(open_workspace, preload, wait_for):
    workspace, script = open_workspace
    config = LocalConfig(
        auth_enabled=True, open_files_limit=99, memory_limit_bytes=2_000_000_000, niceness=5, preload=preload,
        cpu_cores_limit=1,
    )  # fmt: skip
    services.deploy(workspace, "svc", ["m:1"], script, config)
    folder = workspace.path / "services" / "svc"
    app = folder / "revisions" / "1" / "app"
    private = [
        workspace.path / "registry.db",
        workspace.path / "secrets.key",
        folder / "auth.json",
        folder / "desired.json",
        folder / "logs" / "service.log",
        folder / "revisions" / "1" / "service.json",
        Path("/etc/shadow"),
    ]
    own = [app / "score.py", app / "azureml-models" / "m" / "1" / "model.txt"]
    paths = json.dumps([str(path) for path in (*private, *own) if path.exists()])
    seen = services.run(workspace, "svc", paths).json()
    assert seen["text"] == "weights"
    assert seen["readable"] == [str(path) for path in own]
    assert seen["writable"] == []
    assert (seen["files"], seen["data"]) == ([99, 99], [2_000_000_000, 2_000_000_000])
    assert (seen["nice"], seen["cpus"]) == (max(5, os.getpriority(os.PRIO_PROCESS, 0)), 1)
    assert "written by name" in services.get_logs(workspace, "svc")
    status = status_of(seen["pid"])
    uid = int(status["Uid"][0])
    assert scorer_user.LOWEST_UID <= uid <= scorer_user.HIGHEST_UID
    assert seen["who"] == f"scorer-{uid}"
    assert status["Uid"] == status["Gid"] == [str(uid)] * 4
    assert status["Groups"] == []
    assert status["NoNewPrivs"] == ["1"]
    assert {int(status[name][0], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    # Whoever watches over the service finds its processes, also those of another user.
    live = json.loads((folder / "status.json").read_text())["generations"][0]
    os.kill(live["pid"], signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{seen['pid']}").exists(), "the scorer of a killed front has ended")
    wait_for(lambda: services.get(workspace, "svc").state == "Healthy", "the service is back")
    again = services.run(workspace, "svc", "[]").json()
    assert status_of(again["pid"])["Uid"] == status["Uid"]
    services.delete(workspace, "svc")
    assert not Path(f"/proc/{again['pid']}").exists()
    assert not folder.exists()


@needs_linux
@needs_root
def test_a_user_may_be_named_or_kept(open_workspace):
    workspace, script = open_workspace
    services.deploy(workspace, "svc", ["m:1"], script, LocalConfig(user="61000"))
    assert status_of(services.run(workspace, "svc", "[]").json()["pid"])["Uid"] == ["61000"] * 4
    services.update(workspace, "svc", inference_config=script, deployment_config=LocalConfig(user="same"))
    assert status_of(services.run(workspace, "svc", "[]").json()["pid"])["Uid"] == ["0"] * 4


@needs_linux
@needs_root
def test_where_another_user_cannot_go_the_service_runs_and_says_so_once(workspace, model, script):
    (workspace.path.parent.parent).chmod(0o700)
    workspace.path.parents[2].chmod(0o700)
    services.deploy(workspace, "svc", [model], script(), LocalConfig(worker_count=2))
    assert services.run(workspace, "svc", "1").status == 200
    log = services.get_logs(workspace, "svc")
    assert log.count("the script runs as root, not as a user of its own") == 1
    assert (workspace.path.parent.parent).stat().st_mode & 0o077 == 0


def test_a_user_that_cannot_be_taken_is_an_error(workspace, model, script):
    with pytest.raises(
        EntryScriptError, match="scorers cannot run as no-such-user: this machine has no user"
    ):
        services.deploy(workspace, "svc", [model], script(), LocalConfig(user="no-such-user"))


@pytest.mark.parametrize("wrong", [{"user": "a b"}, {"user": ""}, {"user": "-x"}, {"cpu_cores_limit": -1.0}])
def test_what_is_no_user_and_no_bound_is_refused(wrong):
    with pytest.raises(InvalidConfiguration, match=next(iter(wrong))):
        LocalConfig(**wrong)


@needs_linux
def test_processors_are_bounded_for_the_same_user_too(workspace, model, script):
    look = "import os\ndef init(): pass\ndef run(data): return len(os.sched_getaffinity(0))\n"
    services.deploy(workspace, "svc", [model], script(look), LocalConfig(cpu_cores_limit=0.5))
    assert services.run(workspace, "svc", "1").json() == 1


@given(st.text(max_size=50), st.sets(st.integers(scorer_user.LOWEST_UID, scorer_user.LOWEST_UID + 50)))
def test_the_number_of_a_user_is_free_and_always_the_same(service, taken):
    uid = scorer_user.automatic_uid(service, taken)
    assert scorer_user.LOWEST_UID <= uid <= scorer_user.HIGHEST_UID
    assert uid not in taken
    assert uid == scorer_user.automatic_uid(service, taken)


@given(
    st.dictionaries(
        st.sampled_from(["LD_PRELOAD", "LD_LIBRARY_PATH", "GLIBC_TUNABLES", "PATH", "A"]), st.text()
    )
)
def test_nothing_is_loaded_before_the_user_has_changed(variables):
    covered = confined.covered(variables)
    assert [name for name in covered if name.startswith(("LD_", "GLIBC_TUNABLES"))] == []
    assert confined.uncovered(covered) == variables


def test_a_closed_folder_on_the_way_is_named_also_behind_a_link(tmp_path):
    closed = tmp_path / "closed"
    (closed / "inner").mkdir(parents=True)
    for folder in reversed(tmp_path.parents):
        if not folder.stat().st_mode & 0o001:
            assert scorer_user.first_barrier(closed / "inner", NOBODY, NOBODY) == folder
            break
    assert scorer_user.first_barrier(Path("/"), NOBODY, NOBODY) is None
    link = tmp_path / "link"
    link.symlink_to(closed / "inner")
    closed.chmod(0o600)
    try:
        uid = os.geteuid()
        assert scorer_user.first_barrier(link / "file", uid, os.getegid()) == closed
    finally:
        closed.chmod(0o700)


@needs_root
def test_what_the_script_made_and_what_is_elsewhere_too_is_not_handed_over(tmp_path):
    app = tmp_path / "app"
    (app / "sub").mkdir(parents=True)
    (app / "sub" / "tool.sh").write_text("x")
    (app / "sub" / "tool.sh").chmod(0o700)
    outside = tmp_path / "outside"
    outside.write_text("secret")
    outside.chmod(0o600)
    (app / "link").symlink_to(outside)
    (app / "hard").hardlink_to(outside)
    made = app / "made"
    made.mkdir(mode=0o700)
    os.chown(made, 61000, 61000)
    (made / "hard").hardlink_to(outside)
    user = scorer_user.ScorerUser(61001, 61001, "x", tmp_path / "home")
    scorer_user.hand_over(ServiceSettings(app_root=str(app)), user, tmp_path / "home")
    assert (outside.stat().st_gid, outside.stat().st_mode & 0o777) == (0, 0o600)
    assert made.stat().st_uid == 61000
    assert ((app / "sub" / "tool.sh").stat().st_gid, (app / "sub" / "tool.sh").stat().st_mode & 0o777) == (
        61001,
        0o750,
    )
    assert ((tmp_path / "home").stat().st_uid, app.stat().st_mode & 0o7777) == (61001, 0o1770)


def test_a_control_group_bounds_scorers_together(tmp_path):
    (tmp_path / "a.slice" / "own.service").mkdir(parents=True)
    (tmp_path / "a.slice" / "cgroup.subtree_control").write_text("cpu memory pids\n")
    abandoned = tmp_path / "a.slice" / f"{cgroups.PREFIX}{2**22 + 1}"
    (abandoned / "scorer-1").mkdir(parents=True)
    group = cgroups.make(1000, 1.5, root=tmp_path, own="/a.slice/own.service")
    assert group is not None
    assert group.folder == tmp_path / "a.slice" / f"{cgroups.PREFIX}{os.getpid()}"
    assert (group.folder / "cpu.max").read_text() == "150000 100000"
    assert (group.folder / "cgroup.subtree_control").read_text() == "+memory"
    one = group.add(4711, shares=3)
    assert (one / "memory.max").read_text() == "3000"
    assert (one / "cgroup.procs").read_text() == "4711"
    assert not abandoned.exists()


def test_without_the_right_to_make_control_groups_there_are_none(tmp_path):
    (tmp_path / "own").mkdir()
    assert cgroups.make(1000, 0, root=tmp_path, own="/own") is None  # no file says what may be divided
    (tmp_path / "cgroup.subtree_control").write_text("pids")
    assert cgroups.make(1000, 0, root=tmp_path, own="/own") is None
    (tmp_path / "cgroup.subtree_control").write_text("memory")
    assert cgroups.make(0, 0, root=tmp_path, own="/own") is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cgroup.subtree_control", "own"]
