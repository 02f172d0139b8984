"""A disk that takes nothing more: every order says so, and deleting a service works, for it makes space."""

import contextlib
import errno
import os

import pytest

from moorage import services
from moorage.errors import StorageFull, StorageUnavailable
from moorage_server.supervision import files


@pytest.fixture
def full(monkeypatch):
    """Let every durable small file fail for a while, as it does when no block is left."""

    @contextlib.contextmanager
    def filled(number=errno.ENOSPC):
        original = files.write_json

        def write(path, value, *, is_durable=False):
            if is_durable:
                raise OSError(number, os.strerror(number), str(path))
            original(path, value)

        with monkeypatch.context() as patch:
            patch.setattr(files, "write_json", write)
            yield

    return filled


def test_on_a_full_disk_orders_say_so_and_deleting_works(workspace, model, script, full):
    services.deploy(workspace, "svc", [model("one")], script())
    said = []
    with full():
        with pytest.raises(StorageFull, match="no space left for the order to stop svc"):
            services.stop(workspace, "svc")
        with pytest.raises(StorageFull, match="no space left for"):
            services.update(workspace, "svc")
        assert services.run(workspace, "svc", "1").status == 200
        services.delete(workspace, "svc", on_event=lambda event: said.append(event.kind))
    assert said == ["deleted"]
    assert not (workspace.path / "services" / "svc").exists()
    assert services.list_services(workspace) == []


def test_where_nothing_can_be_written_nothing_is_deleted(workspace, model, script, full):
    services.deploy(workspace, "svc", [model("one")], script())
    with (
        full(errno.EROFS),
        pytest.raises(StorageUnavailable, match="the order to stop svc cannot be written"),
    ):
        services.delete(workspace, "svc")
    assert services.run(workspace, "svc", "1").status == 200
