"""One contract for all targets: each test runs on every target that this machine has.

With MOORAGE_TEST_IMAGES (make test-images) containers are among them.
"""

import json
import os
import time
import urllib.error
import urllib.request

import pytest

from moorage import models
from moorage.deployments import ContainerConfig, InferenceConfig, LocalConfig, plan
from moorage.environments import Environment
from moorage.errors import BlobCorrupt, NotSupported
from moorage.services.converging import Contents
from moorage.targets import Observed, Order, Place, TargetFault, open_target

SCRIPT = "import os\nNAME = {name!r}\ndef init(): print('starts', NAME)\ndef run(data): return NAME\n"
FAILING = "def init(): raise ValueError('no such weights')\ndef run(data): return 1\n"


@pytest.fixture(params=["local", "container"])
def target(request):
    """Each target in turn; those that need an engine or a cluster skip where there is none."""
    if request.param == "container":
        request.getfixturevalue("containers")
    return open_target(request.param)


@pytest.fixture
def asked(target):
    """What a deployment to that target says: its configuration, and the environment of the script."""
    if target.name == "local":
        return LocalConfig(), None
    return ContainerConfig(compute_type="container", cpu_cores=1.0), Environment("empty")


@pytest.fixture
def place(workspace, target):
    place = Place(workspace.path, workspace.name, "svc")
    yield place
    target.destroy(place)


@pytest.fixture
def model(workspace, tmp_path):
    path = tmp_path / "model.txt"
    path.write_text("weights")
    return models.register(workspace, path, "m")


@pytest.fixture
def prepare(workspace, target, place, model, tmp_path, asked):
    config, environment = asked

    def prepare(revision, script=None):
        path = tmp_path / f"score{revision}.py"
        path.write_text(SCRIPT.format(name=f"r{revision}") if script is None else script)
        inference = InferenceConfig(entry_script=path, environment=environment)
        made = plan(workspace, place.service, [model], inference, config)
        made.check()
        target.prepare(place, revision, made, Contents(workspace, made.models))

    return prepare


@pytest.fixture
def until(target, place):
    def until(condition, timeout_s=60.0):
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            observed = target.observe(place)
            if condition(observed):
                return observed
            time.sleep(0.02)
        raise AssertionError(f"not reached: {observed}\n{target.logs(place, 50)}")

    return until


def _ask(uri):
    request = urllib.request.Request(uri, data=b"1", headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def test_there_is_nothing_at_first(target, place):
    assert target.observe(place) == Observed()
    assert target.logs(place, 10) == ""
    assert target.snapshot(place, 1) is None
    target.stop(place)
    target.destroy(place)


def test_a_revision_runs_and_is_replaced(target, place, prepare, until):
    prepare(1)
    assert target.observe(place).prepared == {1}
    assert not target.observe(place).is_supervised
    target.start(place, Order(1))
    observed = until(lambda o: o.live == 1 and 1 in o.ready)
    uri = target.scoring_uri(place, observed)
    assert _ask(uri) == "r1"
    assert "starts r1" in target.logs(place, 1000)
    prepare(2)
    assert _ask(uri) == "r1"
    target.start(place, Order(2, port=observed.port))
    observed = until(lambda o: o.live == 2 and o.accepting == {2})
    assert target.scoring_uri(place, observed) == uri
    assert _ask(uri) == "r2"


def test_calls_may_be_repeated(target, place, prepare, until):
    prepare(1)
    prepare(1)
    target.start(place, Order(1))
    target.start(place, Order(1))
    until(lambda o: o.live == 1)
    target.start(place, Order(1))
    assert until(lambda o: o.ready == {1}).restarts == 0
    target.stop(place)
    target.stop(place)
    assert not target.observe(place).is_supervised
    target.destroy(place)
    target.destroy(place)
    assert target.observe(place) == Observed()


def test_a_revision_that_fails_is_told_and_the_other_one_stays(target, place, prepare, until):
    prepare(1)
    target.start(place, Order(1))
    observed = until(lambda o: 1 in o.ready)
    prepare(2, FAILING)
    target.start(place, Order(2, port=observed.port))
    observed = until(lambda o: 2 in o.failed)
    assert observed.failed[2].stage == "init"
    assert "no such weights" in observed.failed[2].traceback
    assert (observed.live, observed.ordered) == (1, 2)
    assert _ask(target.scoring_uri(place, observed)) == "r1"
    target.start(place, Order(1, port=observed.port))
    assert until(lambda o: o.ordered == 1).ready == {1}


def test_a_stopped_service_keeps_its_files_and_starts_again(target, place, prepare, until):
    prepare(1)
    target.start(place, Order(1))
    observed = until(lambda o: 1 in o.ready)
    uri = target.scoring_uri(place, observed)
    target.stop(place)
    with pytest.raises(urllib.error.URLError):
        _ask(uri)
    assert target.observe(place).prepared == {1}
    target.start(place, Order(1, port=observed.port))
    observed = until(lambda o: 1 in o.ready)
    assert _ask(uri) == "r1"


def test_only_what_does_not_run_is_retired(target, place, prepare, until):
    prepare(1)
    prepare(2)
    target.start(place, Order(1))
    until(lambda o: 1 in o.ready)
    with pytest.raises(TargetFault, match="is running"):
        target.retire(place, 1)
    target.retire(place, 2)
    target.retire(place, 2)
    assert target.observe(place).prepared == {1}


def test_nothing_can_be_started_that_is_not_prepared(target, place):
    with pytest.raises(TargetFault, match="not prepared"):
        target.start(place, Order(1))


def test_a_damaged_model_is_never_deployed(workspace, target, place, prepare, model):
    digest = model.files[0].sha256
    path = workspace.path / "blobs" / "sha256" / digest[:2] / digest
    path.chmod(0o600)
    path.write_text("weightz")
    with pytest.raises(BlobCorrupt, match="m:1"):
        prepare(1)
    assert target.observe(place).prepared == frozenset()


def test_a_preparation_that_was_cut_short_is_not_visible_and_not_in_the_way(
    target, place, prepare, monkeypatch
):
    def no_space(*_):
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", no_space)
        with pytest.raises(Exception, match="no space"):
            prepare(1)
    assert target.observe(place).prepared == frozenset()
    prepare(1)
    assert target.observe(place).prepared == {1}


def test_other_targets_come_later():
    with pytest.raises(NotSupported, match="aks come with a later release"):
        open_target("aks")
