"""Finding, importing, checking and initialising a script; what the process looks like to it."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from moorage_runtime import frames

GOOD = "def init(): pass\ndef run(data): return data\n"


def fails(scorer, source, **more):
    client = scorer(source, expect_ready=False, **more)
    assert client.process.wait(10) == client.failed["exit_code"] == 3
    return client


@pytest.mark.parametrize(
    ("source", "token"),
    [
        ("def run(data): pass", "init()"),
        ("def init(): pass", "run()"),
        ("def init(): pass\ndef run(*args): pass", "*args"),
        ("def init(): pass\ndef run(d, **kw): pass", "**kw"),
        ("def init(): pass\nrun = ord", "positional-only"),
        ("def init(): pass\ndef run(): pass", "no parameter"),
        ("def init(): pass\ndef run(request_headers): pass", "only request_headers"),
        ("def init(): pass\nrun = 5", "int"),
    ],
)
def test_scripts_that_cannot_serve_are_refused(scorer, edge_python, source, token) -> None:
    client = fails(scorer, source, python=edge_python)
    assert client.failed["stage"] == "check"
    assert token in client.failed["message"]
    assert "score.py" in client.failed["message"]
    assert client.failed["message"] in client.log


@pytest.mark.parametrize(
    ("source", "token"),
    [
        ("import nothing_like_this", "Add nothing_like_this to the environment"),
        ("def init(:\n", "SyntaxError"),
        ("def init():\npass", "IndentationError"),
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(7)", "SystemExit"),
    ],
)
def test_scripts_that_cannot_be_imported(scorer, edge_python, source, token) -> None:
    client = fails(scorer, source, python=edge_python)
    assert client.failed["stage"] == "import"
    assert token in client.failed["message"]
    assert "score.py" in client.failed["traceback"]
    assert "moorage_runtime" not in client.failed["traceback"]
    assert "importlib" not in client.failed["traceback"]


def test_missing_script_is_named(scorer) -> None:
    client = scorer(GOOD, entry_script="sub/other.py", expect_ready=False)
    assert str(Path("app1/sub/other.py")) in client.failed["message"]


def test_missing_main_lists_the_application_root(scorer, tmp_path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "only_this.txt").write_text("")
    client = scorer.launch(root, entry_script=None, expect_ready=False)
    assert "main.py" in client.failed["message"]
    assert "only_this.txt" in client.failed["message"]


def test_main_is_imported_without_an_entry_script(scorer, tmp_path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "main.py").write_text(GOOD)
    assert scorer.launch(root, entry_script=None).text("x").json == "x"


@pytest.mark.parametrize(
    "body",
    ["raise ValueError('in init')", "raise SystemExit(0)", "raise KeyboardInterrupt", "open('/none/file')"],
)
def test_init_that_fails_shows_the_users_frames_and_the_model_folder(
    scorer, edge_python, tmp_path, body
) -> None:
    model = tmp_path / "model"
    (model / "sub" / "deep").mkdir(parents=True)
    (model / "b.pkl").write_text("")
    (model / "sub" / "a.txt").write_text("")
    (model / "loop").symlink_to(model)
    client = fails(
        scorer, f"def init():\n    {body}\ndef run(d): pass", python=edge_python, model_dir=str(model)
    )
    assert client.failed["stage"] == "init"
    assert "in init" in client.failed["traceback"]
    assert "moorage_runtime" not in client.failed["traceback"]
    sep = os.sep
    tree = [f"{model}{sep}", "    b.pkl", "    loop", f"    sub{sep}"]
    tree += ["        a.txt", f"        deep{sep}"]
    assert "\n".join(tree) in client.log


def test_tree_of_the_model_folder_is_cut(scorer, tmp_path) -> None:
    for number in range(300):
        (tmp_path / f"f{number:03}").write_text("")
    client = fails(scorer, "def init(): 1 / 0\ndef run(d): pass", model_dir=str(tmp_path))
    assert "f100" in client.log
    assert "f250" not in client.log
    assert "200 lines" in client.log


def test_init_needs_no_arguments_and_its_result_is_ignored(scorer) -> None:
    assert scorer("def init(): return 1\ndef run(d): return d").text("x").json == "x"
    assert fails(scorer, "def init(a): pass\ndef run(d): pass").failed["stage"] == "init"
    assert fails(scorer, "init = 5\ndef run(d): pass").failed["stage"] == "init"


@pytest.mark.parametrize(
    "definition",
    [
        "run = lambda data: data",
        "class C:\n    def method(self, data): return data\nrun = C().method",
        "class C:\n    def __call__(self, data): return data\nrun = C()",
        "import functools\ndef f(a, data): return data\nrun = functools.partial(f, 1)",
        "def run(*, data): return data",
        "import functools\ndef f(data): return data\n"
        "@functools.wraps(f)\ndef run(*args, **kw): return f(*args, **kw)",
    ],
)
def test_run_may_be_any_callable(scorer, edge_python, definition) -> None:
    assert scorer(f"def init(): pass\n{definition}\n", python=edge_python).text("x").json == "x"


def test_defaults_fill_what_is_not_the_input(scorer) -> None:
    assert scorer("def init(): pass\ndef run(data, c='red'): return c").text("x").json == "red"
    reply = scorer("def init(): pass\ndef run(a, b): return a").text("x")
    assert reply.error == frames.SCRIPT_ERROR


def test_driver_module(scorer, tmp_path) -> None:
    (tmp_path / "app1").mkdir()
    (tmp_path / "app1" / "driver.py").write_text(
        "def run(data): return 'driver ' + data\ndef init(): 1 / 0\n"
    )
    client = scorer("import driver as driver_module\ndef init(): pass\ndef run(data): return 'script'\n")
    assert client.text("x").json == "driver x"
    client = scorer("driver_module = 5\ndef init(): pass\ndef run(data): return 'script'\n")
    assert client.text("x").json == "script"


LOOK = """
    import os, pickle, sys
    class Thing: pass
    def init(): pass
    def run(data): return eval(data)
"""


def test_what_a_script_sees(scorer, python) -> None:
    client = scorer(LOOK, python=python, model_dir="some/where")
    seen = client.text(
        "[__name__, __file__, os.environ['AZUREML_MODEL_DIR'], 'MOORAGE_SCORER_FD' in os.environ, sys.path,"
        " type(pickle.loads(pickle.dumps(Thing()))).__name__, sys.modules[__name__] is not None, os.getcwd()]"
    ).json
    app = str(scorer.folder / "app1")
    assert seen[:4] == ["entry_module", f"{app}/score.py", "some/where", False]
    assert seen[5:] == ["Thing", True, app]
    path = seen[4]
    assert app in path
    runtime = str(Path(frames.__file__).parent)
    assert runtime not in path
    assert str(Path(runtime).parent) not in path


def test_nothing_of_ours_is_visible(scorer, python) -> None:
    client = scorer(LOOK, python=python)
    assert client.text(
        "[m for m in sys.modules if m.startswith(('moorage', 'numpy')) and '.' not in m]"
    ).json == ["moorage_runtime"]
    loaded = set(client.text("sorted(sys.modules)").json)
    assert not loaded & {"moorage_runtime.aml_request", "pandas", "werkzeug", "flask"}


def test_import_path(scorer, tmp_path, edge_python) -> None:
    root = tmp_path / "root"
    for folder, module in (("", "in_root"), ("src/deep", "in_source"), ("scripts", "beside")):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / f"{module}.py").write_text("")
    (root / "scripts" / "score.py").write_text("import in_root, in_source, beside\n" + GOOD)
    client = scorer.launch(
        root, entry_script="scripts/score.py", source_directory="src/deep", python=edge_python
    )
    assert client.text("x").json == "x"


def test_print_and_logging(scorer, edge_python) -> None:
    source = """
        import logging, sys
        print("at", "import", sep="-")
        def init():
            logging.info("hidden")
            logging.warning("root warning")
            logging.basicConfig(level=logging.DEBUG)
            logging.getLogger("named").setLevel(logging.INFO)
            logging.getLogger("named").info("named info")
            logging.getLogger("azmlinfsrv.user_script").info("below ours")
        def run(data):
            print(data, 2, end="", flush=True)
            print("direct", file=sys.stderr)
            sys.stdout.write("raw\\n")
            print("two\\nlines")
    """
    client = scorer(source, python=edge_python)
    client.text("in run")
    log = client.log
    stamp = rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d,\d{{3}} I \[{client.ready['pid']}\] "
    assert re.search("^" + stamp + "azmlinfsrv.print - at-import$", log, re.M)
    assert re.search("^" + stamp + "azmlinfsrv.print - in run 2$", log, re.M)
    assert re.search("^" + stamp + "azmlinfsrv.print - two\nlines$", log, re.M)
    assert re.search("^" + stamp + "azmlinfsrv.user_script - below ours$", log, re.M)
    for line in ("direct", "raw", "WARNING:root:root warning", "INFO:named:named info"):
        assert re.search(f"^{line}$", log, re.M), line
    assert "hidden" not in log


def test_logging_json_replaces_the_defaults(scorer, tmp_path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "score.py").write_text("def init(): print('printed')\ndef run(data): return data\n")
    classes = "azureml_inference_server_http.log_config."
    config = {
        "version": 1, "disable_existing_loggers": False,
        "formatters": {"f": {"()": classes + "AMLLogFormatter", "format": "<%(message)s>"}},
        "filters": {"q": {"()": classes + "RootAccessFilter"}},
        "handlers": {"h": {"class": "logging.StreamHandler", "formatter": "f", "filters": ["q"]}},
        "loggers": {"azmlinfsrv": {"level": "INFO", "handlers": ["h"], "propagate": False}},
    }  # fmt: skip
    (root / "logging.json").write_text(json.dumps(config))
    client = scorer.launch(root, entry_script="score.py")
    assert "<printed>\n" in client.log
    (root / "logging.json").write_text("{")
    client = scorer.launch(root, entry_script="score.py", expect_ready=False)
    assert client.failed["stage"] == "settings"
    assert "logging.json" in client.failed["message"]


def test_user_swagger_files(scorer, tmp_path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "score.py").write_text(
        "def init(): open('swagger3.json', 'w').write('{\"u\": 3}')\ndef run(d): pass"
    )
    (root / "swagger2.json").write_text('{"u": 2}')
    (root / "swagger3.1.json").write_text("{}")
    client = scorer.launch(root, entry_script="score.py")
    assert client.ready["openapi"]["2"] == {"u": 2}
    assert client.ready["openapi"]["3"] == {"u": 3}
    assert client.ready["openapi"]["3.1"]["openapi"] == "3.1.0"
    (root / "swagger.json").write_text("{")
    client = scorer.launch(root, entry_script="score.py", expect_ready=False)
    assert "swagger.json" in client.failed["message"]


@pytest.mark.parametrize(
    ("settings", "token"),
    [
        ({"protocol": 2}, "protocol"),
        ({"scoring_timeout_ms": "5"}, "scoring_timeout_ms"),
        ({"scoring_timeout_ms": -1}, "scoring_timeout_ms"),
        ({"max_batch_size": True}, "max_batch_size"),
        ({"debug_port": 1}, "debug"),
    ],
)
def test_unsuitable_settings(scorer, settings, token) -> None:
    client = scorer(GOOD, expect_ready=False, **settings)
    assert client.failed["stage"] == "settings"
    assert token in client.failed["message"]


def test_child_processes_of_the_script_know_its_names(scorer, edge_python) -> None:
    source = """
        import multiprocessing
        def square(x): return x * x
        def init(): pass
        def run(data):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                return pool.map(square, [1, 2, 3])
    """
    assert scorer(source, python=edge_python).text("x").json == [1, 4, 9]


def test_script_that_starts_threads_serves_and_ends(scorer, edge_python) -> None:
    source = """
        import threading, time, socket
        from http.server import HTTPServer, BaseHTTPRequestHandler
        def init():
            global server
            server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
            threading.Thread(target=server.serve_forever).start()
        def run(data):
            socket.create_connection(server.server_address, 5).close()
            return "reached"
    """
    client = scorer(source, python=edge_python)
    assert client.text("x").json == "reached"
    assert client.stop() == 0


def test_started_by_hand_says_what_it_is() -> None:
    command = [sys.executable, str(Path(frames.__file__).parent / "__main__.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "moor serve" in done.stderr


def test_dies_with_its_parent(tmp_path, edge_python) -> None:
    """The scorer's parent is killed while run() is busy: nobody reads the socket then."""
    (tmp_path / "score.py").write_text(
        "import os, time\ndef init(): pass\ndef run(d):\n"
        " open('pid', 'w').write(str(os.getpid()))\n time.sleep(600)"
    )
    parent = f"""
import json, os, socket, subprocess, time
from moorage_runtime import frames
ours, theirs = socket.socketpair()
p = subprocess.Popen([{str(edge_python)!r}, "-u", {str(Path(frames.__file__).parent / "__main__.py")!r}],
    pass_fds=[theirs.fileno()], cwd={str(tmp_path)!r},
    env=dict(os.environ, MOORAGE_SCORER_FD=str(theirs.fileno())))
theirs.close()
ours.sendall(frames.pack(frames.CONFIGURE, json.dumps({{"entry_script": "score.py"}}).encode()))
ours.recv(10)
ours.sendall(frames.pack(frames.SCORE, b"x"))
while not os.path.exists({str(tmp_path / "pid")!r}) or not open({str(tmp_path / "pid")!r}).read():
    time.sleep(0.01)
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", parent], check=False, timeout=60, capture_output=True)
    pid = int((tmp_path / "pid").read_text())
    for _ in range(500):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.01)
    os.kill(pid, 9)
    pytest.fail("the scorer has survived its parent")


DEBUGPY = """
import sys
calls = []
def connect(address):
    print("connect", address, "entry_module" in sys.modules, file=sys.stderr)
    if address[1] == 7777:
        raise ConnectionRefusedError("refused")
def wait_for_client():
    print("waited", file=sys.stderr)
"""


def test_debugger_is_attached_before_the_script_is_loaded(scorer, tmp_path, edge_python) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "debugpy.py").write_text(DEBUGPY)
    path = {"PYTHONPATH": str(tmp_path / "site")}
    client = scorer(GOOD, debug_port=5678, environment=path, python=edge_python)
    assert "connect ('localhost', 5678) False\nwaited\n" in client.log
    assert "not for production" in client.log
    client = scorer(GOOD, debug_port=7777, environment=path, python=edge_python, expect_ready=False)
    assert client.failed["stage"] == "settings"
    assert "7777" in client.failed["message"]


def test_polling_before_sleeping_changes_no_answer(scorer, edge_python) -> None:
    client = scorer(GOOD, spin_us=500, python=edge_python)
    for i in range(50):
        assert client.score(frames.TEXT, b"%d" % i, flags=frames.POLL).json == str(i)
    time.sleep(0.05)
    assert client.text("x" * 100_000).json == "x" * 100_000
    client.socket.close()
    assert client.process.wait(10) == 0


@pytest.mark.skipif(
    not Path("/proc/self/schedstat").exists(), reason="/proc does not say what a process used"
)
def test_only_who_is_told_to_poll_polls(scorer) -> None:
    client = scorer(GOOD, spin_us=400_000)

    def used_s():
        return int(Path(f"/proc/{client.process.pid}/schedstat").read_text().split()[0]) * 1e-9

    client.text("x")
    before = used_s()
    time.sleep(0.1)
    asleep_s = used_s() - before
    client.score(frames.TEXT, b"x", flags=frames.POLL)
    before = used_s()
    time.sleep(1)
    assert used_s() - before > asleep_s + 0.05
    before = used_s()
    time.sleep(0.2)
    assert used_s() - before < 0.05  # at the end of its time it sleeps
