"""Contents come back as they were put, whole or not at all, once each."""

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import obstore
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obstore.store import LocalStore

from moorage.errors import (
    BlobCorrupt,
    ModelChanged,
    ModelPathNotAllowed,
    StorageUnavailable,
    WorkspaceUnusable,
)
from moorage.storage import Blobs, open_blobs
from moorage.storage.blobs import blob_key
from moorage.storage.digests import CHUNK_BYTES
from moorage.storage.local_blobs import LocalBlobs
from moorage.storage.object_blobs import ObjectBlobs


@pytest.fixture(params=["local", "object", "s3", "azure", "google"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blobs]:
    """A folder through our own code, one through obstore with the same files inside, S3, Azure, Google."""
    if request.param in ("s3", "azure", "google"):
        yield open_blobs(request.getfixturevalue(f"{request.param}_url"))
        return
    folder = tmp_path / "blobs"
    folder.mkdir()
    if request.param == "local":
        yield open_blobs(folder)
    else:
        yield ObjectBlobs(LocalStore(folder), folder.as_uri())


def _content(store: Blobs, sha256: str) -> bytes:
    target = BytesIO()
    store.write_to(sha256, target)
    return target.getvalue()


def _file(folder: Path, content: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


SIZES = st.one_of(
    st.integers(0, 5000),
    st.integers(-2, 2).map(lambda more: CHUNK_BYTES + more),
    st.integers(-2, 2).map(lambda more: 2 * CHUNK_BYTES + more),
)


@settings(suppress_health_check=list(HealthCheck), max_examples=25, deadline=None)
@given(size_bytes=SIZES, probably_stored=st.booleans())
def test_what_was_put_comes_back(
    store: Blobs, tmp_path: Path, size_bytes: int, probably_stored: bool
) -> None:
    content = (hashlib.sha256(str(size_bytes).encode()).digest() * (size_bytes // 32 + 1))[:size_bytes]
    done: list[int] = []
    blob = store.put_file(_file(tmp_path, content), probably_stored=probably_stored, on_progress=done.append)
    assert (blob.sha256, blob.size_bytes) == (hashlib.sha256(content).hexdigest(), size_bytes)
    assert sum(done) == size_bytes
    assert _content(store, blob.sha256) == content
    assert store.size(blob.sha256) == size_bytes


def test_a_content_is_kept_once(store: Blobs, tmp_path: Path) -> None:
    first = store.put_file(_file(tmp_path, b"same" * 1000, "a"))
    again = store.put_file(_file(tmp_path, b"same" * 1000, "b"))
    guessed = store.put_file(_file(tmp_path, b"same" * 1000, "c"), probably_stored=True)
    assert (first.is_new, again.is_new, guessed.is_new) == (True, False, False)
    assert [(blob.sha256, blob.size_bytes) for blob in store.list()] == [(first.sha256, 4000)]


def test_a_deleted_content_is_gone(store: Blobs, tmp_path: Path) -> None:
    blob = store.put_file(_file(tmp_path, b"content"))
    store.delete(blob.sha256)
    store.delete(blob.sha256)
    assert store.size(blob.sha256) is None
    assert list(store.list()) == []
    with pytest.raises(BlobCorrupt, match=rf"{blob.sha256}.*missing.*Register the original file again"):
        _content(store, blob.sha256)


@pytest.mark.parametrize("damaged", [b"Content", b"conten", b"content and more", b""])
def test_a_damaged_content_is_never_read_as_good(store: Blobs, tmp_path: Path, damaged: bytes) -> None:
    blob = store.put_file(_file(tmp_path, b"content"))
    if isinstance(store, ObjectBlobs):
        obstore.put(store._store, blob_key(blob.sha256), damaged)
    else:
        (tmp_path / "blobs" / blob_key(blob.sha256)).write_bytes(damaged)
    with pytest.raises(BlobCorrupt, match=blob.sha256):
        _content(store, blob.sha256)
    with pytest.raises(BlobCorrupt, match=blob.sha256):
        store.verify(blob.sha256)


@pytest.mark.parametrize("probably_stored", [True, False])
def test_putting_the_file_again_repairs_a_damaged_copy(tmp_path: Path, probably_stored: bool) -> None:
    store = open_blobs(tmp_path / "blobs")
    blob = store.put_file(_file(tmp_path, b"content"))
    (tmp_path / "blobs" / blob_key(blob.sha256)).write_bytes(b"Content")
    store.put_file(_file(tmp_path, b"content"), probably_stored=probably_stored)
    assert _content(store, blob.sha256) == b"content"


def test_a_file_that_changes_while_it_is_read_is_refused(store: Blobs, tmp_path: Path) -> None:
    path = _file(tmp_path, b"x" * (3 * CHUNK_BYTES))

    def grow(_count: int) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    with pytest.raises(ModelChanged, match=str(path)):
        store.put_file(path, on_progress=grow)


def test_a_file_that_cannot_be_read_is_the_callers_fault(store: Blobs, tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(ModelPathNotAllowed, match=f"{path} cannot be read"):
            store.put_file(path)
    # It opens, but reading it fails.
    with pytest.raises(ModelPathNotAllowed, match="mem cannot be read"):
        store.put_file(Path("/proc/self/mem"))
    assert list(store.list()) == []


def test_many_threads_put_the_same_content(store: Blobs, tmp_path: Path) -> None:
    path = _file(tmp_path, b"y" * 300_000)
    with ThreadPoolExecutor(8) as threads:
        digests = {blob.sha256 for blob in threads.map(lambda _: store.put_file(path), range(32))}
    assert [blob.sha256 for blob in store.list()] == list(digests)
    assert _content(store, digests.pop()) == path.read_bytes()


@pytest.mark.parametrize("kind", ["s3", "azure", "google"])
def test_large_contents_at_once(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    store = open_blobs(request.getfixturevalue(f"{kind}_url"))
    path = _file(tmp_path, b"z" * 9_000_000)
    with ThreadPoolExecutor(3) as threads:
        digests = {blob.sha256 for blob in threads.map(lambda _: store.put_file(path), range(6))}
    assert [(blob.sha256, blob.size_bytes) for blob in store.list()] == [(*digests, 9_000_000)]
    store.verify(*digests)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "a" * 63, "a" * 64 + "/.."])
def test_only_digests_name_blobs(store: Blobs, name: str) -> None:
    with pytest.raises(ValueError, match="not a sha256 digest"):
        store.size(name)


def test_a_folder_written_by_us_is_read_by_obstore(tmp_path: Path) -> None:
    blob = open_blobs(tmp_path / "blobs").put_file(_file(tmp_path, b"content"))
    found = obstore.get(LocalStore(tmp_path / "blobs"), blob_key(blob.sha256)).bytes()
    assert bytes(found) == b"content"


def test_a_store_in_memory_works_by_url(tmp_path: Path) -> None:
    store = open_blobs("memory://")
    blob = store.put_file(_file(tmp_path, b"content"))
    assert _content(store, blob.sha256) == b"content"


@pytest.mark.parametrize("url", ["folder/without/scheme", "gopher://host/x"])
def test_an_address_that_is_no_store_is_refused(url: str) -> None:
    with pytest.raises(WorkspaceUnusable, match=url):
        open_blobs(url)


def test_files_and_folders_are_their_owners_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        blob = open_blobs(tmp_path / "blobs").put_file(_file(tmp_path, b"content"))
    finally:
        os.umask(old)
    path = tmp_path / "blobs" / blob_key(blob.sha256)
    assert path.stat().st_mode & 0o777 == 0o600
    for folder in (tmp_path / "blobs", path.parent, path.parent.parent, tmp_path / "blobs" / "incoming"):
        assert folder.stat().st_mode & 0o777 == 0o700, folder


def test_what_a_killed_writer_left_is_removed_and_a_living_one_is_spared(tmp_path: Path) -> None:
    incoming = tmp_path / "blobs" / "incoming"
    incoming.mkdir(parents=True)
    dead, alive, young = (_file(incoming, b"half", name) for name in ("dead", "alive", "young"))
    long_ago = time.time() - 3600
    os.utime(dead, (long_ago, long_ago))
    os.utime(alive, (long_ago, long_ago))
    with alive.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        open_blobs(tmp_path / "blobs").put_file(_file(tmp_path, b"content"))
        assert (dead.exists(), alive.exists(), young.exists()) == (False, True, True)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    path = _file(tmp_path, b"z" * (3 * CHUNK_BYTES))
    program = (
        "import pathlib, resource, sys\n"
        "from moorage.errors import StorageFull\n"
        "from moorage.storage import open_blobs\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, 5_000_000))\n"
        "try:\n    open_blobs(pathlib.Path(sys.argv[1])).put_file(pathlib.Path(sys.argv[2]))\n"
        "except StorageFull as error:\n    sys.exit(0 if 'no space left' in str(error) else 2)\n"
        "sys.exit(3)\n"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path / "blobs"), str(path)]
    assert subprocess.run(arguments, check=False).returncode == 0
    assert [entry for entry in (tmp_path / "blobs").rglob("*") if entry.is_file()] == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    _file(tmp_path, b"a file where the folder should be", "blobs")
    with pytest.raises(StorageUnavailable, match="blobs"):
        open_blobs(tmp_path / "blobs").put_file(_file(tmp_path, b"content"))


def test_a_large_file_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(192 * 1024 * 1024)
    program = (
        "import pathlib, resource, sys\n"
        "from moorage.storage import open_blobs\n"
        "store = open_blobs(pathlib.Path(sys.argv[1]))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "blob = store.put_file(pathlib.Path(sys.argv[2]))\n"
        "store.verify(blob.sha256)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path / "blobs"), str(path)]
    grown_kilobytes = int(subprocess.run(arguments, check=True, capture_output=True).stdout)
    assert grown_kilobytes < 64 * 1024


def test_the_local_store_is_the_default_for_paths(tmp_path: Path) -> None:
    assert isinstance(open_blobs(tmp_path), LocalBlobs)
    assert isinstance(open_blobs(tmp_path.as_uri()), LocalBlobs)
