"""The command ``azmlinfsrv``: options, variables, files and exit codes. Rows 178-195 of the case table."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

ECHO = """
import os
def init(): pass
def run(data):
    return eval(data) if data else ""
"""
NUMPY_SCHEMA = """
import numpy as np
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from azureml_inference_server_http.api.aml_request import rawhttp
"""
CONTRACT_VARIABLES = ("AML_", "AZUREML_", "SERVICE_", "SCORING_", "WORKER_", "SERVER_", "HEALTH_", "HTTP_X_")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Command:
    """A running ``azmlinfsrv``; stdout and stderr in files."""

    def __init__(self, folder, arguments, environment):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(CONTRACT_VARIABLES)}
        self.out_path, self.err_path = folder / "out", folder / "err"
        with self.out_path.open("wb") as out, self.err_path.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "moorage_server.cli", *arguments],
                cwd=folder,
                env={**clean, **environment},
                stdout=out,
                stderr=err,
            )

    @property
    def out(self):
        return self.out_path.read_text()

    @property
    def err(self):
        return self.err_path.read_text()

    def request(self, port, method="POST", target="/score", body=b"", within_s=20, **headers):
        """Send one request, as soon as the server listens."""
        from http.client import HTTPConnection

        deadline = time.monotonic() + within_s
        while True:
            connection = HTTPConnection("127.0.0.1", port, timeout=within_s)
            try:
                connection.request(method, target, body, headers)
                answer = connection.getresponse()
                return answer.status, answer.read(), dict(answer.getheaders())
            except ConnectionRefusedError:
                assert self.process.poll() is None, self.out + self.err
                assert time.monotonic() < deadline, self.out + self.err
                time.sleep(0.05)
            finally:
                connection.close()

    def wait(self, within_s=20):
        return self.process.wait(within_s)


@pytest.fixture
def azmlinfsrv(tmp_path):
    """Start the command in a folder with the given files."""
    started = []

    def start(*arguments, files=None, environment=None):
        for name, content in (files or {}).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        command = Command(tmp_path, [str(argument) for argument in arguments], environment or {})
        started.append(command)
        return command

    yield start
    for command in started:
        if command.process.poll() is None:
            command.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                command.process.wait(10)
        if command.process.poll() is None:
            command.process.kill()
            command.process.wait(5)


def test_row_178_a_separate_health_port(azmlinfsrv):
    port, health_port = free_port(), free_port()
    command = azmlinfsrv(
        *("--entry_script", "score.py", "--port", port, "--health_port", health_port),
        files={"score.py": ECHO},
        environment={"SEPERATE_HEALTH_ENDPOINT": "true"},
    )
    for number in (port, health_port):
        assert command.request(number, "GET", "/")[1] == b"Healthy"
        assert command.request(number, body=b"os.environ['HEALTH_PORT']")[1] == b'"%d"' % health_port


def test_row_179_print(azmlinfsrv):
    port = free_port()
    script = "def init(): pass\ndef run(data):\n    print('from', 'run', sep='-')\n    return 1\n"
    command = azmlinfsrv("--entry_script", "score.py", "--port", port, files={"score.py": script})
    command.request(port)
    command.request(port)
    lines = [line for line in command.out.splitlines() if "azmlinfsrv.print - from-run" in line]
    assert len(lines) == 2


def test_row_180_several_workers(azmlinfsrv):
    port = free_port()
    script = "import time\ndef init(): pass\ndef run(data):\n    begin = time.time()\n"
    script += "    time.sleep(0.3)\n    return [begin, time.time()]\n"
    command = azmlinfsrv(
        *("--entry_script", "score.py", "--port", port, "--worker_count", 3), files={"score.py": script}
    )
    command.request(port)
    connections = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(6)]
    spans = []
    for connection in connections:
        connection.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    for connection in connections:
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
        assert b"200 OK" in head
        spans.append(json.loads(body))
        connection.close()
    # One request at a time in each worker, three at a time in all.
    at_work = [sum(begin <= moment < end for begin, end in spans) for moment, _ in spans]
    assert max(at_work) == 3


def test_row_181_init_raises(azmlinfsrv):
    command = azmlinfsrv(
        *("--entry_script", "score.py", "--port", free_port(), "--model_dir", "model"),
        files={
            "score.py": "def init():\n    raise ValueError('no model here')\ndef run(data): pass\n",
            "model/deep/file.pkl": "x",
        },
    )
    assert command.wait() == 3
    assert "ValueError: no model here" in command.out
    assert "    file.pkl" in command.out


@pytest.mark.parametrize(
    "run",
    [
        "def run(*args): pass",
        "def run(**kw): pass",
        "def run(d, /): pass",
        "def run(): pass",
        "def run(request_headers): pass",
        "run = 5",
        "",
    ],
)
def test_row_182_signatures_that_cannot_be_called(azmlinfsrv, run):
    command = azmlinfsrv(
        "--entry_script", "score.py", "--port", free_port(), files={"score.py": f"def init(): pass\n{run}\n"}
    )
    assert command.wait() == 3
    assert "run" in command.out


def test_row_183_two_input_modes_at_once(azmlinfsrv):
    script = (
        NUMPY_SCHEMA
        + "def init(): pass\n@rawhttp\n@input_schema('data', NumpyParameterType(np.array([1.0])))\n"
        + "def run(data): pass\n"
    )
    command = azmlinfsrv("--entry_script", "score.py", "--port", free_port(), files={"score.py": script})
    assert command.wait() == 3
    assert "rawhttp" in command.out


def test_row_184_a_driver_module(azmlinfsrv):
    port = free_port()
    command = azmlinfsrv(
        *("--entry_script", "score.py", "--port", port),
        files={
            "score.py": "import driver as driver_module\ndef init():\n    driver_module.STARTED = 'script'\n"
            "def run(data): return 'script'\n",
            "driver.py": "STARTED = None\ndef init(): pass\ndef run(data): return ['driver', STARTED]\n",
        },
    )
    assert command.request(port)[1] == b'["driver", "script"]'


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "score.py"),
        ({"score.py": "def init():\npass\n"}, "IndentationError"),
        ({"score.py": "def init(:\n"}, "SyntaxError"),
        ({"score.py": "import not_there_at_all\n"}, "not_there_at_all"),
        ({"score.py": "raise SystemExit(0)\n"}, "SystemExit"),
        ({"score.py": "def run(data): pass\n"}, "init"),
        ({"score.py": "init = 1\ndef run(data): pass\n"}, "init"),
        ({"score.py": "def init(a): pass\ndef run(data): pass\n"}, "init"),
    ],
)
def test_row_185_scripts_that_cannot_be_loaded(azmlinfsrv, files, words):
    command = azmlinfsrv("--entry_script", "score.py", "--port", free_port(), files=files)
    assert command.wait() == 3
    assert words in command.out


def test_a_process_that_ends_while_it_loads(azmlinfsrv):
    command = azmlinfsrv(
        "--entry_script", "score.py", "--port", free_port(), files={"score.py": "import os\nos._exit(5)\n"}
    )
    assert command.wait() == 3
    assert "ended with code 5" in command.out


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        ([], {}),
        ([], {"AZUREML_ENTRY_SCRIPT": "score.py"}),
        (["--entry_script", ""], {}),
    ],
)
def test_row_186_nothing_to_serve(azmlinfsrv, arguments, environment):
    command = azmlinfsrv(*arguments, environment=environment, files={"score.py": ECHO})
    assert command.wait() == 1
    assert "--entry_script" in command.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["--unknown"],
        ["--entry_script", "score.py", "--port", "0"],
        ["--entry_script", "score.py", "--port", "65536"],
        ["--entry_script", "score.py", "--port", "x"],
        ["--entry_script", "score.py", "--worker_count", "0"],
    ],
)
def test_options_that_cannot_be_used(azmlinfsrv, arguments):
    command = azmlinfsrv(*arguments)
    assert command.wait() == 1
    assert "usage:" in command.err
    assert "error:" in command.err
    assert "--entry_script" in command.out


def test_help(azmlinfsrv):
    command = azmlinfsrv("--help")
    assert command.wait() == 0
    assert "--entry_script" in command.out
    assert "--rest" not in command.out


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"SCORING_TIMEOUT_MS": "abc"}, 3),
        ({"SCORING_TIMEOUT_MS": "1.5"}, 3),
        ({"SCORING_TIMEOUT_MS": ""}, 3),
        ({"AZUREML_DEBUG_PORT": "x"}, 3),
        ({"WORKER_COUNT": "many"}, 1),
        ({"WORKER_TIMEOUT": "long"}, 2),
    ],
)
def test_row_187_variables_that_cannot_be_used(azmlinfsrv, environment, code):
    command = azmlinfsrv("--entry_script", "score.py", files={"score.py": ECHO}, environment=environment)
    assert command.wait() == code
    (name,) = environment
    assert name in command.out


def test_row_188_an_entry_script_from_the_file(azmlinfsrv):
    port = free_port()
    command = azmlinfsrv(
        *("--config_file", "settings.json", "--port", port),
        files={"score.py": ECHO, "settings.json": {"AZUREML_ENTRY_SCRIPT": "score.py"}},
    )
    assert command.request(port, body=b"6*7")[1] == b"42"


def test_row_189_the_environment_wins_over_the_file(azmlinfsrv):
    port = free_port()
    command = azmlinfsrv(
        *("--config_file", "settings.json", "--port", port, "--entry_script", "score.py"),
        files={"score.py": ECHO, "settings.json": {"SERVICE_NAME": "f", "SERVICE_VERSION": "9.9"}},
        environment={"SERVICE_NAME": "e"},
    )
    information = json.loads(command.request(port, "GET", "/swagger.json")[1])["info"]
    assert information["title"] == "e"
    assert information["version"] == "9.9"


def test_row_190_the_port_is_no_variable(azmlinfsrv):
    # 5001 may be in use on the machine: what it would listen on is in the settings that it prints.
    command = azmlinfsrv(
        "--entry_script", "score.py", files={"score.py": ECHO}, environment={"SERVER_PORT": "3535"}
    )
    deadline = time.monotonic() + 15
    while "Server Port: 5001" not in command.out:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_row_191_the_folder_of_the_script_is_importable(azmlinfsrv):
    # The original ended with 3 here: on purpose not the same, see docs/differences.md.
    port = free_port()
    command = azmlinfsrv(
        *("--entry_script", "code/score.py", "--port", port),
        files={"code/score.py": "import sibling\n" + ECHO, "code/sibling.py": ""},
    )
    assert command.request(port, body=b"1")[1] == b"1"


@pytest.mark.parametrize(
    "environment",
    [
        {"AML_APP_ROOT": "{folder}/lib"},
        {"AZUREML_SOURCE_DIRECTORY": "lib"},
    ],
)
def test_row_192_other_folders_on_the_import_path(azmlinfsrv, tmp_path, environment):
    port = free_port()
    environment = {name: value.format(folder=tmp_path) for name, value in environment.items()}
    command = azmlinfsrv(
        *("--entry_script", "code/score.py", "--port", port),
        files={"code/score.py": "import helper\n" + ECHO, "lib/helper.py": ""},
        environment=environment,
    )
    assert command.request(port, body=b"1")[1] == b"1"


def test_row_193_a_document_written_by_init(azmlinfsrv):
    port = free_port()
    script = (
        "import os\ndef init():\n    root = os.environ['AML_APP_ROOT']\n"
        "    open(os.path.join(root, 'swagger.json'), 'w').write('{\"mine\": 1}')\ndef run(data): pass\n"
    )
    command = azmlinfsrv("--entry_script", "score.py", "--port", port, files={"score.py": script})
    assert json.loads(command.request(port, "GET", "/swagger.json")[1]) == {"mine": 1}


@pytest.mark.parametrize("value", [1234, "1234"])
def test_row_194_a_file_next_to_the_script(azmlinfsrv, value):
    port = free_port()
    command = azmlinfsrv(
        *("--entry_script", "code/score.py", "--port", port),
        files={"code/score.py": ECHO, "code/config.json": {"SCORING_TIMEOUT_MS": value}},
    )
    command.request(port, body=b"1")
    assert "1234 ms" in command.out


def test_row_195_main_py(azmlinfsrv):
    port = free_port()
    command = azmlinfsrv(
        *("--config_file", "settings.json", "--port", port),
        files={"main.py": ECHO, "settings.json": {"SERVICE_NAME": "x"}},
    )
    assert command.request(port, body=b"__name__")[1] == b'"main"'


@pytest.mark.parametrize("content", ["[1]", "{", '{"SERVICE_VERSION": 1}', '{"SCORING_TIMEOUT_MS": "x"}'])
def test_files_that_cannot_be_used(azmlinfsrv, content):
    command = azmlinfsrv("--entry_script", "score.py", files={"score.py": ECHO, "config.json": content})
    assert command.wait() == 3


def test_an_empty_or_missing_file_is_passed_over(azmlinfsrv):
    port = free_port()
    command = azmlinfsrv(
        *("--config_file", "missing.json", "--entry", "score.py", f"--port={port}"),
        files={"score.py": ECHO, "config.json": ""},
    )
    assert command.request(port, body=b"2")[1] == b"2"


def test_what_a_script_sees(azmlinfsrv, tmp_path):
    port = free_port()
    command = azmlinfsrv(
        *("--entry_script", "score.py", "--port", port, "--model_dir", "./m", "--worker_count", 1),
        files={"score.py": ECHO},
        environment={"MY_OWN": "mine", "MOORAGE_SECRET": "ours"},
    )
    seen = json.loads(command.request(port, body=b"dict(os.environ)")[1])
    assert seen["AML_APP_ROOT"] == str(tmp_path)
    assert seen["AZUREML_ENTRY_SCRIPT"] == str(tmp_path / "score.py")
    assert seen["SERVER_PORT"] == str(port)
    assert seen["WORKER_COUNT"] == "1"
    assert seen["AML_APP_INSIGHTS_ENABLED"] == "false"
    assert seen["TRANSPORT_PROTOCOL"] == "grpc"
    assert seen["HTTP_X_MS_SERVER_VERSION"].startswith("azmlinfsrv/")
    assert seen["AZUREML_MODEL_DIR"] == "./m"
    assert seen["MY_OWN"] == "mine"
    assert "MOORAGE_SECRET" not in seen
    assert json.loads(command.request(port, body=b"os.getcwd()")[1]) == str(tmp_path)


@pytest.mark.parametrize(
    ("environment", "version"),
    [
        ({}, "azmlinfsrv/"),
        ({"SERVER_VERSION_LOG_RESPONSE_ENABLED": "TRUE"}, "azmlinfsrv/"),
        ({"SERVER_VERSION_LOG_RESPONSE_ENABLED": "false"}, None),
        ({"SERVER_VERSION_LOG_RESPONSE_ENABLED": "notgood"}, None),
        ({"SERVER_VERSION_LOG_RESPONSE_ENABLED": "no", "HTTP_X_MS_SERVER_VERSION": "own"}, "own"),
    ],
)
def test_row_148_the_version_header(azmlinfsrv, environment, version):
    port = free_port()
    command = azmlinfsrv(
        "--entry_script", "score.py", "--port", port, files={"score.py": ECHO}, environment=environment
    )
    headers = {name.lower(): value for name, value in command.request(port, "GET", "/")[2].items()}
    sent = headers.get("x-ms-server-version")
    assert sent is None if version is None else sent.startswith(version)


def test_request_lines_and_settings_are_printed(azmlinfsrv):
    port = free_port()
    command = azmlinfsrv(
        *("--entry_script", "score.py", "--port", port, "--access_control_allow_origins", "http://a.com"),
        files={"score.py": ECHO},
        environment={"WORKER_TIMEOUT": "10"},
    )
    command.request(port, "GET", "//score?a=1", Origin="http://a.com")
    command.request(port, "GET", "/")
    deadline = time.monotonic() + 5
    while "GET /score?a=1 200" not in command.out:
        assert time.monotonic() < deadline, command.out
        time.sleep(0.02)
    assert "GET / " not in command.out
    for label in (
        "Server Settings",
        "Entry Script Name: ",
        "Model Directory: None",
        "Worker Count: 1",
        "Worker Timeout (seconds): 10",
        f"Server Port: {port}",
        "Application Insights Enabled: false",
        "CORS for the specified origins: http://a.com",
        "Server Routes",
    ):
        assert label in command.out
    assert "AZUREML_MODEL_DIR" in command.out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_finish_what_is_in_flight(azmlinfsrv, number):
    port = free_port()
    script = "import time\ndef init(): pass\ndef run(data):\n    time.sleep(0.5)\n    return 'done'\n"
    command = azmlinfsrv("--entry_script", "score.py", "--port", port, files={"score.py": script})
    command.request(port, "GET", "/")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        time.sleep(0.2)
        command.process.send_signal(number)
        answer = client.recv(65536)
        assert b"200 OK" in answer
        assert b"connection: close" in answer
        assert answer.endswith(b'"done"')
    assert command.wait() == 0


def test_a_port_in_use(azmlinfsrv):
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        begin = time.monotonic()
        command = azmlinfsrv("--entry_script", "score.py", "--port", port, files={"score.py": ECHO})
        assert command.wait() == 1
        assert str(port) in command.err
        assert time.monotonic() - begin > 3.5


def test_an_instrumentation_key_that_is_none(azmlinfsrv):
    port = free_port()
    command = azmlinfsrv(
        *("--entry_script", "score.py", "--port", port, "--appinsights_instrumentation_key", "secret-key"),
        files={"score.py": ECHO},
    )
    assert command.request(port, body=b"os.environ['AML_APP_INSIGHTS_ENABLED']")[1] == b'"false"'
    assert "not valid" in command.out
    assert "secret-key" not in command.out
