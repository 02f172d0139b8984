"""The documents that define the system, their code blocks, and the stage on which a block is executed.

The documents are not part of the repository: they are looked for in ``$MOORAGE_SEEDS``, then in
``shared/seeds`` beside the repository. Where they are not, these tests are skipped and say so.
"""

import fcntl
import io
import json
import os
import re
import shutil
import socket
import tarfile
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^(?P<indent>[ >]*)```(?P<language>[\w-]*)\s*$")
NOT_THERE = "the seed documents are not here; set MOORAGE_SEEDS to their folder"


@dataclass(frozen=True)
class Block:
    """A fenced block: the document's number, the line of its fence (from 1), language and dedented text."""

    document: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}-line-{self.line}-{self.language}"


def seeds_folder() -> Path | None:
    for candidate in (os.environ.get("MOORAGE_SEEDS"), ROOT.parent / "shared" / "seeds"):
        if candidate and Path(candidate).is_dir():
            return Path(candidate)
    return None


def blocks_of(path: Path) -> Iterator[Block]:
    lines: list[str] = []
    opened: tuple[int, str] | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fence = FENCE.match(line)
        if fence and opened is None and fence["language"]:
            opened, lines = (number, fence["language"].lower()), []
        elif fence and opened is not None:
            yield Block(path.name[:3], *opened, textwrap.dedent("\n".join(lines)) + "\n")
            opened = None
        elif opened is not None:
            lines.append(line)


def all_blocks() -> list[Block]:
    folder = seeds_folder()
    documents = [] if folder is None else sorted(folder.glob("*.txt"))
    return [block for document in documents for block in blocks_of(document)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    kinds = {"python_block": ("python",), "az_block": ("azurecli-interactive",)}
    for fixture, languages in kinds.items():
        if fixture in metafunc.fixturenames:
            found = [block for block in all_blocks() if block.language in languages]
            missing = [pytest.param(None, marks=pytest.mark.skip(reason=NOT_THERE))]
            metafunc.parametrize(fixture, found or missing, ids=str if found else None)


@pytest.fixture
def seed_blocks() -> list[Block]:
    found = all_blocks()
    if not found:
        pytest.skip(NOT_THERE)
    return found


@dataclass
class Outcome:
    """How a block fared: works; or what was added because the block itself is broken; or pending, and why."""

    status: str
    note: str = ""


@contextmanager
def fixed_port(number: int) -> Iterator[int]:
    """Hold a port that a document names, for one test of this machine at a time.

    Skips if another test keeps it for two minutes, or a program that is none of ours has it.
    """
    with (Path(tempfile.gettempdir()) / f"moorage-tests-port-{number}.lock").open("w") as lock:
        deadline = time.monotonic() + 120
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    pytest.skip(f"another test has held port {number} for two minutes")
                time.sleep(0.2)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                pytest.skip(f"port {number}, which the document names, is taken by another program")
        yield number


class Stage:
    """A workspace, files and names that the documents presuppose; blocks are executed in its namespace."""

    def __init__(self, workspace: Any, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.ws, self.folder, self.patch = workspace, folder, patch
        self.names: dict[str, Any] = {"__name__": "__main__", "ws": workspace}

    def execute(self, block: Block, text: str | None = None) -> dict[str, Any]:
        """Run a block (or ``text`` in its place) in the namespace and return that."""
        exec(compile(text or block.text, f"{block.document}:{block.line}", "exec"), self.names)
        return self.names

    def ridge(self, name: str = "sklearn_mnist_model.pkl", columns: int = 10) -> str:
        """Train a model on so many numbers and save it; return its path."""
        import joblib
        import numpy as np
        from sklearn.linear_model import Ridge

        rows = np.arange(columns * 20.0).reshape(20, columns) % 7
        joblib.dump(Ridge().fit(rows, rows.sum(axis=1)), name)
        return name

    def onnx_digits(self, name: str) -> None:
        """Save a graph with the names of the public MNIST sample: it counts the white points of each line."""
        import numpy as np
        from onnx import TensorProto, helper, numpy_helper, save_model

        weights = np.zeros((784, 10), np.float32)
        for line in range(10):
            weights[line * 28 : line * 28 + 28, line] = 1
        given = {"W": weights, "shape": np.array([1, 784])}
        nodes = [
            helper.make_node("Reshape", ["Input3", "shape"], ["flat"]),
            helper.make_node("MatMul", ["flat", "W"], ["Plus214_Output_0"]),
        ]
        image = helper.make_tensor_value_info("Input3", TensorProto.FLOAT, [1, 1, 28, 28])
        scores = helper.make_tensor_value_info("Plus214_Output_0", TensorProto.FLOAT, [1, 10])
        constants = [numpy_helper.from_array(value, key) for key, value in given.items()]
        graph = helper.make_graph(nodes, "digits", [image], [scores], constants)
        opsets = [helper.make_opsetid("", 13)]
        save_model(helper.make_model(graph, opset_imports=opsets, ir_version=8), name)

    def flowers(self, name: str) -> None:
        """Save a TensorFlow model that adds the two numbers of each row."""
        import tensorflow as tf

        class Sum(tf.Module):  # type: ignore[misc]
            @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
            def __call__(self, rows: Any) -> Any:
                return tf.reduce_sum(rows, axis=1, keepdims=True)

        module = Sum()
        tf.saved_model.save(module, name, signatures=module.__call__)

    def register(self, path: str, name: str) -> Any:
        from azureml.core import Model

        return Model.register(self.ws, path, name)

    def answer_downloads(self) -> None:
        """Give a local archive with ``mnist/model.onnx`` to whoever downloads the sample of the document."""
        archive = self.folder.parent / "mnist.tar.gz"
        with tarfile.open(archive, "w:gz") as written:
            entry = tarfile.TarInfo("mnist/model.onnx")
            entry.size = 4
            written.addfile(entry, io.BytesIO(b"onnx"))

        def copy(url: str, filename: str) -> None:
            assert url.endswith("/mnist.tar.gz")
            shutil.copy(archive, filename)

        self.patch.setattr("urllib.request.urlretrieve", copy)

    def environment(self) -> Any:
        """Return a definition whose packages are those of this Python."""
        from azureml.core import Environment

        made = Environment("myenv")
        made.python.user_managed_dependencies = True
        return made

    def lock_server(self) -> None:
        """Let what the server needs be known to this home, so that no package index is asked."""
        import sys

        from moorage.environments.interpreters import this_python
        from moorage.environments.locking import Lock, this_platform
        from moorage.environments.store import Store
        from moorage.environments.wanted import translate
        from moorage.packaging.wheels import requirements_of

        wanted = translate(None, requirements_of("moorage-server", without="moorage-runtime"))
        for asked in (wanted, translate(None)):
            lock = Lock("{}.{}".format(*sys.version_info), this_platform(), "\n")
            Store.of().remember(asked, this_python(), lock)

    def serve(self, script: str, models: list[Any], name: str = "myservice", port: int | None = None) -> Any:
        """Deploy a script as a local service and return it when it answers."""
        from azureml.core.model import InferenceConfig, Model
        from azureml.core.webservice import LocalWebservice

        Path("score.py").write_text(script, encoding="utf-8")
        service = Model.deploy(
            self.ws,
            name,
            models,
            InferenceConfig(entry_script="score.py", environment=self.environment()),
            LocalWebservice.deploy_configuration(port=port),
        )
        service.wait_for_deployment()
        return service

    @contextmanager
    def port(self, number: int) -> Iterator[int]:
        """Hold a port that a document names; the services on it stop at the end."""
        with fixed_port(number):
            try:
                yield number
            finally:
                self.stop_services()

    def stop_services(self) -> None:
        """Delete every service."""
        from moorage import services

        for service in services.list_services(self.ws._moorage):
            services.delete(self.ws._moorage, service.name)

    def close(self) -> None:
        """Stop every service and close the workspace."""
        self.stop_services()
        self.ws._moorage.close()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    from azureml.core import Workspace

    monkeypatch.setenv("MOORAGE_HOME", str(tmp_path / "home"))
    for variable in ("MOORAGE_WORKSPACE", "MLFLOW_TRACKING_URI", "AZUREML_MODEL_DIR"):
        monkeypatch.delenv(variable, raising=False)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    made = Stage(Workspace.create("myworkspace", show_output=False), folder, monkeypatch)
    yield made
    made.close()


def telling_line(block: Block) -> str:
    """Return the line by which people recognise a block: ``run`` of a script, or the first real statement."""
    lines = [line.strip() for line in block.text.splitlines() if line.strip() and line.strip()[0] != "#"]
    scripts = [line for line in lines if line.startswith("def run(")]
    statements = [line for line in lines if not line.startswith(("import ", "from "))]
    return (scripts or statements or lines)[0]


@pytest.fixture
def outcome_of(request: pytest.FixtureRequest) -> Any:
    """Record what became of a block, for the table in docs/coverage.md."""

    def record(block: Block, outcome: Outcome) -> None:
        document = {
            "document": block.document,
            "line": block.line,
            "language": block.language,
            "shows": telling_line(block),
            "status": outcome.status,
            "note": outcome.note,
        }
        # Not record_property: it warns of a form of the results file that nobody here needs.
        request.node.user_properties.append(("seed-block", json.dumps(document)))

    return record


@pytest.fixture
def outcome() -> type[Outcome]:
    return Outcome


@pytest.fixture
def port_8890() -> Iterator[int]:
    with fixed_port(8890) as number:
        yield number
