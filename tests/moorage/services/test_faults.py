"""What survives kills, races and interruptions: the service, the truth of the list, and the command."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from moorage import services
from moorage.deployments import LocalConfig
from moorage.errors import EntryScriptError, OperationInProgress, PortInUse
from moorage.services import operations
from moorage.services.locks import operation
from moorage_server.supervision import lock, orphans

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc to look for processes")

# Runs one operation and kills itself with SIGKILL at the n-th event, or after a given function was called.
KILLED = """
import os, signal, sys
from moorage import services
from moorage.deployments import InferenceConfig
from moorage.workspace import Workspace

what, moment, script = sys.argv[1:4]
workspace = Workspace.open("test")

def die(*_args, **_options):
    os.kill(os.getpid(), signal.SIGKILL)

def on_event(event):
    if event.kind == moment:
        die()

if "." in moment:
    import importlib
    module, _, name = moment.rpartition(".")
    owner = importlib.import_module(module)
    original = getattr(owner, name)
    def then_die(*args, **options):
        original(*args, **options)
        die()
    setattr(owner, name, then_die)

config = InferenceConfig(entry_script=script)
if what == "deploy":
    services.deploy(workspace, "svc", ["m:1"], config, on_event=on_event)
elif what == "update":
    services.update(workspace, "svc", models=["m:2"], inference_config=config, on_event=on_event)
elif what == "delete":
    services.delete(workspace, "svc", on_event=on_event)
sys.exit("it was not killed")
"""

MOMENTS = [
    "planned",
    "moorage.services.rows.begin",
    "moorage.targets.local.revision.make_private_folder",
    "prepared",
    "moorage_server.supervision.files.write_json",
    "starting",
    "moorage.targets.local.target.open_way",
    "moorage.targets.local.daemon.wake",
    "moorage.services.rows.went_live",
]


@pytest.fixture
def killed(home):
    def run(what, moment, config):
        code = subprocess.run(
            [sys.executable, "-c", KILLED, what, moment, str(config.entry_path)], timeout=60, check=False
        ).returncode
        assert code == -signal.SIGKILL

    return run


def _ask(workspace):
    return services.run(workspace, "svc", "1").json()["answer"]


def _kill_supervisor_and_keeper(folder):
    deadline = time.monotonic() + 30
    while lock.keeper_pid(folder) is None:
        assert time.monotonic() < deadline, "there is no keeper"
        time.sleep(0.01)
    # Held, it cannot start another keeper in between.
    lock.signal_supervisor(folder, signal.SIGSTOP)
    lock.kill_keeper(folder)
    lock.signal_supervisor(folder, signal.SIGKILL)
    while lock.supervisor_pid(folder) is not None or lock.keeper_pid(folder) is not None:
        assert time.monotonic() < deadline, "something survives SIGKILL"
        time.sleep(0.01)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_deployment_killed_anywhere_is_finished_by_the_same_command(
    workspace, model, script, killed, moment
):
    model("one")
    killed("deploy", moment, script())
    listed = services.list_services(workspace)
    # Whatever is said to be healthy answers.
    if listed and listed[0].state == "Healthy":
        assert _ask(workspace) == "one"
    is_done = moment.endswith("went_live")
    service = services.deploy(workspace, "svc", ["m:1"], script(), overwrite=is_done)
    assert service.state == "Healthy"
    assert _ask(workspace) == "one"


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_update_killed_anywhere_leaves_a_service_that_answers(workspace, model, script, killed, moment):
    services.deploy(workspace, "svc", [model("one")], script())
    model("two")
    killed("update", moment, script())
    assert _ask(workspace) in ("one", "two")
    service = services.get(workspace, "svc")
    assert service.state == "Healthy"
    assert service.models == (("m:1",) if _ask(workspace) == "one" else ("m:2",))
    # An update that fails now leaves alone what is there now.
    with pytest.raises(EntryScriptError):
        services.update(
            workspace, "svc", inference_config=script("def init(): 1 / 0\ndef run(x): 1", "bad.py")
        )
    assert services.get(workspace, "svc").revision in (1, 2)
    assert _ask(workspace) in ("one", "two")
    assert services.update(workspace, "svc", models=["m:2"]).models == ("m:2",)
    assert _ask(workspace) == "two"


@pytest.mark.parametrize(
    "moment",
    [
        "stopped",
        "moorage.targets.local.daemon.end",
        "moorage.targets.local.folders.sync_folder",
        "moorage.targets.local.folders.remove",
        "moorage.services.keys.forget_keys",
    ],
)
def test_a_deletion_killed_anywhere_is_finished_by_the_same_command(workspace, model, script, killed, moment):
    services.deploy(workspace, "svc", [model("one")], script())
    killed("delete", moment, script())
    assert [service.state for service in services.list_services(workspace)] == ["Stopped"]
    services.delete(workspace, "svc")
    assert services.list_services(workspace) == []
    assert services.models_in_use(workspace) == {}
    assert services.deploy(workspace, "svc", ["m:1"], script()).revision == 1


def test_the_list_tells_the_truth_after_any_kill(workspace, model, script, wait_for):
    services.deploy(workspace, "svc", [model("one")], script())
    folder = workspace.path / "services" / "svc"

    def state():
        return services.get(workspace, "svc").state

    def generation():
        return json.loads((folder / "status.json").read_text())["generations"][0]

    # A scorer, then the front: replaced.
    for kind in ("scorer_pids", "pid"):
        before = generation()
        victim = before[kind][0] if kind == "scorer_pids" else before[kind]
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda before=before: generation() != before)
        wait_for(lambda: state() == "Healthy")
        assert _ask(workspace) == "one"
    # The supervisor: another one takes over; the front does not notice.
    before = generation()
    os.kill(lock.supervisor_pid(folder), signal.SIGKILL)
    assert _ask(workspace) == "one"
    assert state() in ("Healthy", "Transitioning")
    wait_for(lambda: state() == "Healthy")
    assert generation()["pid"] == before["pid"]
    # It and its keeper at once: everything ends, and nobody says otherwise.
    _kill_supervisor_and_keeper(folder)
    wait_for(lambda: state() == "Stopped")
    wait_for(lambda: orphans.marked(orphans.mark(folder)) == [])
    service = services.get(workspace, "svc")
    assert "moor service start -n svc" in service.error.message
    # And it comes back as it was, on its own port.
    again = services.start(workspace, "svc")
    assert (again.state, again.port, again.revision) == ("Healthy", service.port, 1)
    assert _ask(workspace) == "one"


def test_stale_files_of_a_dead_machine_do_not_deceive(workspace, model, script):
    services.deploy(workspace, "svc", [model("one")], script())
    folder = workspace.path / "services" / "svc"
    _kill_supervisor_and_keeper(folder)
    # The pid in the lock file belongs to somebody else now: to us.
    (folder / "supervisor.lock").write_text(f"{os.getpid()}\n")
    status = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps({**status, "pid": os.getpid()}))
    assert services.get(workspace, "svc").state == "Stopped"
    services.start(workspace, "svc")
    assert _ask(workspace) == "one"


def test_two_operations_at_once_one_wins(workspace, model, script):
    slow = script("import time\ndef init(): time.sleep(1.5)\ndef run(data): return 1\n")
    first = operations.start_deploy(workspace, "svc", [model("one")], slow)
    try:
        deadline = time.monotonic() + 20
        while "starting" not in [event.kind for event in first.events] and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [service.state for service in services.list_services(workspace)] == ["Transitioning"]
        for attempt in (
            lambda: services.deploy(workspace, "svc", ["m:1"], slow),
            lambda: services.update(workspace, "svc"),
            lambda: services.reload(workspace, "svc"),
            lambda: services.delete(workspace, "svc"),
        ):
            with pytest.raises(OperationInProgress, match="svc"):
                attempt()
    finally:
        service = first.value()
    assert service.state == "Healthy"


def test_the_lock_is_free_for_another_service(workspace, model, script):
    with operation(workspace, "other"):
        assert services.deploy(workspace, "svc", [model("one")], script()).state == "Healthy"


def test_an_interrupted_first_deployment_leaves_no_process(workspace, model, script):
    slow = script("import time\ndef init(): time.sleep(60)\ndef run(data): return 1\n")

    def interrupt(event):
        if event.kind == "starting":
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        services.deploy(workspace, "svc", [model("one")], slow, on_event=interrupt)
    assert orphans.marked(f"{workspace.path}/") == []
    service = services.get(workspace, "svc")
    assert service.state == "Failed"
    assert "interrupted" in service.error.message


def test_an_interrupted_update_leaves_the_service_alone(workspace, model, script):
    services.deploy(workspace, "svc", [model("one")], script())
    slow = script("import time\ndef init(): time.sleep(60)\ndef run(data): return 1\n", "slow.py")

    def interrupt(event):
        if event.kind == "starting":
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        services.update(workspace, "svc", inference_config=slow, on_event=interrupt)
    assert services.get(workspace, "svc").state == "Healthy"
    assert _ask(workspace) == "one"


def test_a_port_that_is_taken_is_named_and_ones_own_is_fine(workspace, model, script):
    service = services.deploy(workspace, "svc", [model("one")], script())
    config = LocalConfig(port=service.port)
    with pytest.raises(PortInUse, match=str(service.port)):
        services.deploy(workspace, "svc2", ["m:1"], script(), config)
    assert services.update(workspace, "svc", deployment_config=config).port == service.port


def test_no_request_is_lost_in_updates(workspace, model, script):
    service = services.deploy(workspace, "svc", [model("one")], script())
    model("two")
    done = threading.Event()
    answers, failures = [], []

    def client(keeps_alive):
        connection = None
        while not done.is_set():
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
                connection.request("POST", "/score", b"1", {"Content-Type": "application/json"})
                answer = connection.getresponse()
                content = json.loads(answer.read())
                answers.append(content["answer"])
                closes = not keeps_alive or answer.getheader("connection", "").lower() == "close"
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
                failures.append(repr(error))
                closes = True
            if closes and connection is not None:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    threads = [threading.Thread(target=client, args=(keeps,)) for keeps in (True, True, False, False)]
    for thread in threads:
        thread.start()
    try:
        for version in (2, 1, 2):
            services.update(workspace, "svc", models=[f"m:{version}"])
            time.sleep(0.3)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert set(answers) == {"one", "two"}
    assert len(answers) > 100
