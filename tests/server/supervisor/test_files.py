"""The files of a service folder: whole or absent, and what they say is checked."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_server.supervision import files, lock
from moorage_server.supervision.records import Desired, Failure, GenerationStatus, InvalidDesired, Status


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "status.json"
    files.write_json(path, {"a": 1})
    files.write_json(path, {"a": 2}, is_durable=True)
    assert files.read_json(path) == {"a": 2}
    assert [p.name for p in tmp_path.iterdir()] == ["status.json"]


def test_what_cannot_be_written_leaves_the_old_content(tmp_path):
    path = tmp_path / "status.json"
    files.write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        files.write_json(path, {"a": object()})
    assert files.read_json(path) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["status.json"]


@given(st.binary(max_size=100))
def test_any_file_is_an_object_or_nothing(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("files") / "status.json"
    path.write_bytes(content)
    value = files.read_json(path)
    assert value is None or isinstance(value, dict)


_JSON = st.none() | st.booleans() | st.integers(-1, 70_000) | st.sampled_from(["", "a/b", "/a", "../a", []])


@given(
    st.dictionaries(
        st.sampled_from(["generation", "settings", "host", "port", "drain_timeout_s", "x"]), _JSON
    )
)
def test_any_object_is_a_wish_or_refused(value):
    try:
        desired = Desired.from_json(value)
    except InvalidDesired:
        return
    assert Desired.from_json(json.loads(json.dumps(desired.to_json()))) == desired
    assert desired.generation >= 1
    assert not desired.settings.startswith("/")


def test_a_status_survives_the_way_through_json():
    failed = GenerationStatus(2, "failed", "revisions/2/service.json", error=Failure("init", "no", "trace"))
    status = Status(
        7, "running", "127.0.0.1", 80, 1, (GenerationStatus(1, "ready", "s", 8, (9,), 2), failed), "t"
    )
    assert Status.from_json(json.loads(json.dumps(status.to_json()))) == status
    assert Status.from_json({"pid": 1}) is None


def test_a_lock_ends_with_its_holder(tmp_path):
    path = tmp_path / "supervisor.lock"
    code = (
        "import sys; from pathlib import Path; from moorage_server.supervision.lock import FileLock\n"
        "lock = FileLock(Path(sys.argv[1])); lock.acquire(); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout.readline() == b"held\n"
            assert lock.holder(path) == process.pid
            assert not lock.FileLock(path).acquire(wait_s=0.05)
        finally:
            process.kill()
    assert lock.holder(path) is None
    mine = lock.FileLock(path)
    assert mine.acquire()
    assert lock.holder(path) == os.getpid()
    mine.release()
    assert lock.holder(path) is None


def test_nobody_holds_a_lock_that_was_never_taken(tmp_path):
    assert lock.holder(tmp_path / "nothing") is None
    assert lock.signal_supervisor(tmp_path, 15) is False
