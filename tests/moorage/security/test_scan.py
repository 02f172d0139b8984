"""Model files that would run code when they are loaded, in every disguise that we know of."""

import bz2
import collections
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage import errors, models
from moorage.models import scanning
from moorage.models.pickle_names import CannotFollow, Reader, follow_all

pytest.importorskip("picklescan")


MARKER = Path(tempfile.gettempdir()) / f"moorage-model-was-loaded-{os.getpid()}"


class Evil:
    """Would write a file when it is loaded."""

    def __reduce__(self):
        return (os.system, (f"touch {MARKER}",))


def found(path):
    return {(one.danger, one.path) for one in models.scan_path(path)}


def dangers(path):
    return {one.danger for one in models.scan_path(path)}


def write(path, content):
    path.write_bytes(content)
    return path


@pytest.fixture(autouse=True)
def _nothing_is_executed():
    yield
    assert not MARKER.exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ["model.pkl", "model", "model.bin", "model.txt"])
def test_a_pickle_in_any_protocol_and_by_any_name(tmp_path, protocol, name):
    path = write(tmp_path / name, pickle.dumps({"weights": [1.0, 2.0], "x": Evil()}, protocol))
    assert found(path) == {("dangerous", name)}


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_harmless_pickles_are_harmless(tmp_path, protocol):
    value = {"a": [1, 2.5, None], ("b", 1): {1, 2}, "c": collections.OrderedDict(x=numpy.arange(9.0))}
    assert found(write(tmp_path / "model.pkl", pickle.dumps(value, protocol))) == set()


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 99, b"cat\ndog\nbird\n", b'{"a": 1}', b"]q\0(K\1", b"PK", b"ohne"]
)
def test_other_files_are_left_alone(tmp_path, data):
    assert found(write(tmp_path / "labels.txt", data)) == set()


def test_names_that_are_put_together_on_the_stack(tmp_path):
    """The memo, replaced texts, and names that only arise while it runs."""
    memo = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x8c\x01a\x8c\x01b00h\x00h\x01\x93\x8c\x02id\x85R."
    assert dangers(write(tmp_path / "memo.pkl", memo)) == {"dangerous"}
    nested = b"\x80\x04\x8c\x06pickle\x8c\x05loads\x93C\x05cos\n.\x85R."
    assert dangers(write(tmp_path / "nested.pkl", nested)) == {"dangerous"}
    computed = b"\x80\x04\x8c\x08builtins\x8c\x03str\x93\x8c\x02os\x85R\x8c\x06system\x93\x8c\x02id\x85R."
    assert "unreadable" in dangers(write(tmp_path / "computed.pkl", computed))


def test_a_pickle_that_breaks_off_behind_the_evil(tmp_path):
    """The loader has executed it before it notices that the rest is missing."""
    whole = pickle.dumps(Evil(), 4)
    assert dangers(write(tmp_path / "model.pkl", whole[:-1])) == {"dangerous", "unreadable"}
    assert dangers(write(tmp_path / "model", whole[:-1] + b"\xff")) == {"dangerous", "unreadable"}


def test_the_second_pickle_in_a_file(tmp_path):
    assert dangers(write(tmp_path / "model.pt", pickle.dumps(1, 2) + pickle.dumps(Evil(), 2))) == {
        "dangerous"
    }


COMPRESS = {
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
}


@pytest.mark.parametrize("kind", COMPRESS)
def test_behind_compression(tmp_path, kind):
    evil = COMPRESS[kind](pickle.dumps([0.5] * 1000 + [Evil()]))
    assert found(write(tmp_path / "model.joblib", evil)) == {("dangerous", "model.joblib")}
    assert dangers(write(tmp_path / "model", evil)) == {"dangerous"}
    harmless = COMPRESS[kind](pickle.dumps({"a": 1}))
    assert dangers(write(tmp_path / "harmless", harmless)) == set()
    assert dangers(write(tmp_path / "cut.joblib", evil[: len(evil) // 2])) == {"unreadable"}


def test_behind_the_arrays_of_joblib(tmp_path):
    joblib = pytest.importorskip("joblib")
    arrays = {
        "a": numpy.arange(100_000.0),
        "b": numpy.zeros((3, 4), "i4"),
        "c": numpy.array(["text", "more"]),
        "d": numpy.zeros(3, [("x", "f8"), ("y", "i2")]),
        "e": numpy.array(7),
    }
    for compress in (0, 3, "gzip", "xz", "lzma", "bz2"):
        joblib.dump(arrays, tmp_path / "good.joblib", compress=compress)
        assert found(tmp_path / "good.joblib") == set(), compress
        joblib.dump({**arrays, "z": Evil()}, tmp_path / "evil.joblib", compress=compress)
        assert found(tmp_path / "evil.joblib") == {("dangerous", "evil.joblib")}, compress
        inside = {**arrays, "f": numpy.array([Evil(), 1], object), "g": arrays["a"]}
        joblib.dump(inside, tmp_path / "inside.joblib", compress=compress)
        assert found(tmp_path / "inside.joblib") == {("dangerous", "inside.joblib")}, compress


def test_a_real_model_is_harmless(tmp_path):
    linear_model = pytest.importorskip("sklearn.linear_model")
    joblib = pytest.importorskip("joblib")
    model = linear_model.Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
    joblib.dump(model, tmp_path / "model.pkl")
    assert found(tmp_path / "model.pkl") == set()
    write(tmp_path / "model.pkl", pickle.dumps(model))
    assert found(tmp_path / "model.pkl") == set()


def test_arrays_of_objects(tmp_path):
    numpy.save(tmp_path / "evil.npy", numpy.array([Evil()], object), allow_pickle=True)
    numpy.save(tmp_path / "good.npy", numpy.arange(9.0))
    numpy.savez(tmp_path / "evil.npz", a=numpy.arange(3), b=numpy.array([Evil()], object))
    numpy.savez_compressed(tmp_path / "good.npz", a=numpy.arange(3))
    assert found(tmp_path) == {
        ("dangerous", f"{tmp_path.name}/evil.npy"),
        ("dangerous", f"{tmp_path.name}/evil.npz!b.npy"),
    }


def archive(path, members):
    with zipfile.ZipFile(path, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


def test_pytorch(tmp_path):
    good = {"archive/data.pkl": pickle.dumps(collections.OrderedDict(a=1.0), 2), "archive/data/0": b"\0" * 64}
    assert found(archive(tmp_path / "good.pt", good)) == set()
    for place in ("archive/data.pkl", "archive/other", "archive/deep/in/model.bin"):
        path = archive(tmp_path / "evil.pt", {**good, place: pickle.dumps(Evil(), 2)})
        assert found(path) == {("dangerous", f"evil.pt!{place}")}
    # Bytes in front of an archive do not keep anybody from opening it.
    write(tmp_path / "shifted.pt", b"\0" * 10 + path.read_bytes())
    assert dangers(tmp_path / "shifted.pt") == {"dangerous"}
    inner = io.BytesIO()
    archive(inner, {"model.pkl": pickle.dumps(Evil())})
    path = archive(tmp_path / "matryoshka.zip", {"inner.zip": inner.getvalue()})
    assert found(path) == {("dangerous", "matryoshka.zip!inner.zip!model.pkl")}


def test_members_that_leave_their_folder(tmp_path):
    for name in ("../outside", "/etc/cron.d/job", "a/../../b", "C:\\windows", "..\\outside"):
        assert found(archive(tmp_path / "a.zip", {name: b"x"})) == {("dangerous", f"a.zip!{name}")}
    assert found(archive(tmp_path / "a.zip", {"a..b/...c": b"x"})) == set()


def test_lambda_layers_of_keras(tmp_path):
    layers = [{"class_name": "Dense"}, {"class_name": "Lambda", "config": {"function": ["4wEAAAA=", None]}}]
    config = json.dumps({"config": {"layers": layers}})
    assert dangers(archive(tmp_path / "model.keras", {"config.json": config})) == {"dangerous"}
    escaped = config.replace("Lambda", "\\u004cambda")
    assert dangers(archive(tmp_path / "model.keras", {"config.json": escaped})) == {"dangerous"}
    assert dangers(write(tmp_path / "model.h5", b"\x89HDF\r\n\x1a\n" + config.encode())) == {"dangerous"}
    harmless = json.dumps({"config": {"layers": layers[:1]}})
    assert dangers(archive(tmp_path / "good.keras", {"config.json": harmless})) == set()
    assert dangers(write(tmp_path / "good.h5", b"\x89HDF\r\n\x1a\n" + harmless.encode())) == set()


def test_bombs_end(tmp_path):
    """Each of these would keep a loader busy, or eat all memory."""
    tuples = b"\x80\x02" + b"K\x01\x85q\x00" + b"h\x00h\x00\x86q\x00" * 200 + b"}h\x00K\x01s."
    assert dangers(write(tmp_path / "hash.pkl", b"\x80\x02}" + tuples[2:])) <= {"unreadable"}
    huge = b"\x80\x04\x8e" + struct.pack("<Q", 1 << 60) + b"abc"
    assert dangers(write(tmp_path / "huge.pkl", huge)) == {"unreadable"}
    frame = b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b"abc"
    assert dangers(write(tmp_path / "frame.pkl", frame)) == {"unreadable"}
    names: set[tuple[str, str]] = set()
    with pytest.raises(CannotFollow, match="too large"):
        follow_all(Reader(io.BytesIO(b"\x80\x02B" + struct.pack("<I", 10_000) + b"x" * 10_000), 5000), names)


def test_archives_that_grow_without_end_are_given_up(tmp_path, monkeypatch):
    """Each member says that it is a text of ten megabytes, and is: a few kilobytes of archive."""
    monkeypatch.setattr(scanning, "LIMIT_BYTES", 15_000_000)
    member = b"\x80\x02B" + struct.pack("<I", 10_000_000)
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number in range(3):
            with archive.open(f"archive/{number}.pkl", "w") as file:
                file.write(member)
                for _ in range(10):
                    file.write(bytes(1_000_000))
                file.write(b".")
    assert path.stat().st_size < 100_000
    seen = scanning.scan_files([("model.pt", path)])
    assert {one.danger for one in seen} == {"unreadable"}
    assert [one.path.rpartition("/")[2] for one in seen] == ["1.pkl", "2.pkl"]
    assert all("too large" in one.what for one in seen)


def test_something_that_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(errors.ModelPathNotAllowed):
        models.scan_path(tmp_path / "pipe")


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"\x80\x04", b"\x1f\x8b", b"\x93NUMPY\x01\x00", b"x\x9c"])
)
def test_any_bytes_give_an_answer(tmp_path_factory, data, head):
    path = tmp_path_factory.getbasetemp() / "any.pkl"
    models.scan_path(write(path, head + data))


# registration


def test_registration_warns_or_refuses(workspace, tmp_path, caplog, monkeypatch):
    path = write(tmp_path / "model.pkl", pickle.dumps(Evil()))
    with pytest.raises(errors.DangerousModel, match=r"model\.pkl: imports posix\.system") as refused:
        models.register(workspace, path, "m", scan="refuse")
    assert len(refused.value.findings) == 1
    assert models.list_models(workspace) == []
    findings = []
    made = models.register(workspace, path, "m", scan="warn", on_finding=findings.append)
    assert [one.danger for one in findings] == ["dangerous"]
    assert models.scan_model(workspace, made.id) == findings
    assert caplog.records == []
    models.register(workspace, path, "m", scan="warn")
    assert "posix.system" in caplog.text
    assert models.register(workspace, path, "m").version == 3
    monkeypatch.setenv("MOORAGE_MODEL_SCAN", "refuse")
    with pytest.raises(errors.DangerousModel):
        models.register(workspace, path, "m")
    assert models.register(workspace, write(tmp_path / "ok.pkl", pickle.dumps(1)), "m").version == 4
    monkeypatch.setenv("MOORAGE_MODEL_SCAN", "perhaps")
    with pytest.raises(errors.InvalidArgument, match="warn or refuse"):
        models.register(workspace, path, "m")


def test_the_command(home, tmp_path):
    def moor(*arguments, verb="scan"):
        command = [sys.executable, "-m", "moorage.cli", "model", verb, *map(str, arguments), "-o", "json"]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    evil = write(tmp_path / "evil.pkl", pickle.dumps(Evil()))
    done = moor("-p", evil)
    assert done.returncode == 1
    assert json.loads(done.stdout)[0]["danger"] == "dangerous"
    done = moor("-p", write(tmp_path / "good.pkl", pickle.dumps(1)))
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    assert moor().returncode == 2
    assert moor("-p", tmp_path / "missing").returncode == 1
    refused = moor("-n", "m", "-p", evil, "--scan", "refuse", verb="register")
    assert refused.returncode == 1
    assert "posix.system" in refused.stderr
    warned = moor("-n", "m", "-p", evil, "--scan", "warn", verb="register")
    assert (warned.returncode, json.loads(warned.stdout)["version"]) == (0, 1)
    assert "posix.system" in warned.stderr
    assert moor("-i", "m:1").returncode == 1
    assert moor("-n", "m", "-p", evil, "--scan", "ignore", verb="register").returncode == 2
