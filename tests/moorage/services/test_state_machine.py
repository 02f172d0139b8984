"""Registry and services against a simple model: any order of operations, killed at any point.

The supervisor is replaced by one that does at once what it is told, and by rules for what a real one does by
itself; everything else is real: database, blobs, files, locks, the plan and the target. `MOORAGE_TEST_RUNS`
makes the test larger.
"""

import os
import shutil
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from moorage import models, services
from moorage.deployments import InferenceConfig, LocalConfig
from moorage.errors import (
    EntryScriptError,
    ModelInUse,
    ModelNotFound,
    MoorageError,
    NoCandidate,
    RevisionNotFound,
    ServiceExists,
    ServiceNotFound,
)
from moorage.storage.database import Database
from moorage.targets.local import LocalTarget
from moorage.workspace import Workspace
from moorage_server.auth import digest_of, read_guard_file

RUNS_WANTED = int(os.environ.get("MOORAGE_TEST_RUNS", "0"))
GOOD = "def init(): pass\ndef run(data): return 1\n"
BAD = "def init(): raise ValueError('BAD')\ndef run(data): return 1\n"
KILLED = 77


def crash_points():
    """Return the functions around which a process may be killed."""
    names = ("prepare", "start", "stop", "retire", "destroy", "admit")
    return [(LocalTarget, name) for name in names] + [(Database, "write")]


@contextmanager
def killed_after(count):
    """End this process, without a chance to clean up, at the ``count``-th point from now on."""
    left = [count]

    def step():
        left[0] -= 1
        if left[0] == 0:
            os._exit(KILLED)

    def around(function):
        def wrapped(*args, **kwargs):
            step()
            result = function(*args, **kwargs)
            step()
            return result

        return wrapped

    def around_transaction(function):
        @contextmanager
        def wrapped(*args, **kwargs):
            step()
            with function(*args, **kwargs) as connection:
                yield connection
                step()  # before it is committed
            step()

        return wrapped

    for owner, name in crash_points():
        wrap = around_transaction if name == "write" else around
        setattr(owner, name, wrap(getattr(owner, name)))
    yield


class Services(RuleBasedStateMachine):
    """``versions``: of each model, those that are there; ``service``: None, or what it should be."""

    supervisor = None

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="moorage-states-"))
        os.environ["MOORAGE_HOME"] = str(self.folder / "home")
        self.workspace = Workspace.create("test")
        self.last = {"m": 0, "n": 0}
        self.versions = {"m": set(), "n": set()}
        self.service = None
        self.keys = None
        self.scripts = {}
        for name, text in (("good", GOOD), ("bad", BAD)):
            path = self.folder / name / "score.py"
            path.parent.mkdir()
            path.write_text(text)
            self.scripts[name] = InferenceConfig(entry_script=path)

    @initialize()
    def begin(self):
        # From the middle of things, so that few steps lead far.
        for name in ("m", "m", "n"):
            self.register(name)
        self.deploy("m", "good", None)

    def teardown(self):
        self.workspace.close()
        shutil.rmtree(self.folder)

    # doing

    def attempt(self, operation, kill_after=None):
        """Do it; with ``kill_after``, first in a process that is killed on the way. Return the result."""
        if kill_after is not None:
            self.workspace.close()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # forking where threads may be
                child = os.fork()
            if child == 0:
                code = 0
                try:
                    with killed_after(kill_after):
                        operation(Workspace.open("test"))
                except MoorageError:
                    code = 1
                except BaseException:
                    code = 2
                finally:
                    os._exit(code)
            _, status = os.waitpid(child, 0)
            assert os.waitstatus_to_exitcode(status) in (0, 1, KILLED)
            self.workspace = Workspace.open("test")
            self.was_killed = os.waitstatus_to_exitcode(status) == KILLED
            if not self.was_killed:
                # Done, or refused: then it is refused once more.
                return None if os.waitstatus_to_exitcode(status) == 0 else operation(self.workspace)
        return operation(self.workspace)

    def place(self):
        return self.workspace.path / "services" / "svc"

    def live(self):
        return self.service and self.service["live"]

    kill = st.none() | st.none() | st.integers(1, 40)

    # the registry

    @rule(name=st.sampled_from(["m", "n"]), kill=kill)
    def register(self, name, kill=None):
        path = self.folder / "model.txt"
        path.write_text(f"{name}{self.last[name] + 1}")
        before = {m.version for m in models.list_models(self.workspace, name=name)}
        self.attempt(lambda w: models.register(w, path, name), kill)
        after = {m.version for m in models.list_models(self.workspace, name=name)}
        # Killed after it was written, the same command makes another version.
        assert after >= before
        assert len(after - before) in ((1, 2) if kill else (1,))
        assert min(after - before) == self.last[name] + 1
        self.versions[name] |= after
        self.last[name] = max(after)

    @rule(name=st.sampled_from(["m", "n"]), version=st.integers(1, 4), kill=kill)
    def unregister(self, name, version, kill):
        def delete(workspace):
            models.delete(workspace, models.get(workspace, name, version))

        used = self.used()
        if version not in self.versions[name]:
            with pytest.raises(ModelNotFound):
                delete(self.workspace)
        elif f"{name}:{version}" in used:
            with pytest.raises(ModelInUse):
                delete(self.workspace)
        else:
            try:
                self.attempt(delete, kill)
            except ModelNotFound:
                assert self.was_killed  # it had got that far
            self.versions[name].discard(version)

    # services

    def chosen(self, name):
        return f"{name}:{max(self.versions[name])}" if self.versions[name] else None

    @rule(name=st.sampled_from(["m", "n"]), script=st.sampled_from(["good", "good", "bad"]), kill=kill)
    def deploy(self, name, script, kill):
        model = self.chosen(name)
        if model is None:
            return

        def deploy(workspace):
            config = LocalConfig(auth_enabled=True)
            return services.deploy(workspace, "svc", [model], self.scripts[script], config)

        if self.live():
            with pytest.raises(ServiceExists):
                deploy(self.workspace)
        elif script == "bad":
            with pytest.raises(EntryScriptError):
                self.attempt(deploy, kill)
            self.service = {"live": None, "models": {}, "candidate": None, "runs": False, "way": []}
        else:
            try:
                self.attempt(deploy, kill)
            except ServiceExists:
                assert self.was_killed
            self.went_live(services.get(self.workspace, "svc").revision, model, fresh=True)

    @precondition(lambda self: self.live() and self.service["runs"])
    @rule(
        name=st.sampled_from(["n", "m"]),
        script=st.sampled_from(["good", "good", "bad"]),
        how=st.sampled_from([{"canary": 10}, {}, {"mirror": 100}]),
        kill=kill,
    )
    def update(self, name, script, how, kill):
        model = self.chosen(name)
        if model is None:
            return

        def update(workspace):
            return services.update(
                workspace, "svc", models=[model], inference_config=self.scripts[script], **how
            )

        self.service["candidate"] = None
        if script == "bad":
            with pytest.raises(EntryScriptError):
                self.attempt(update, kill)
            return
        self.attempt(update, kill)
        service = services.get(self.workspace, "svc")
        if not how:
            self.went_live(service.revision, model)
        else:
            self.service["candidate"] = (service.candidate.revision, model)

    def went_live(self, revision, model, fresh=False):
        known = {} if fresh or not self.service else self.service["models"]
        way = [] if fresh or not self.service else self.service["way"]
        assert all(revision > one for one in known)
        self.service = {
            "live": revision,
            "models": {**known, revision: model},
            "candidate": None,
            "runs": True,
            "way": [*way, revision],  # to where one may go back, the live one last
        }

    @precondition(lambda self: self.live() and self.service["runs"])
    @rule(kill=kill)
    def roll_back(self, kill):
        def roll_back(workspace):
            # Whoever was killed looks first; a second rollback would go further.
            if services.get(workspace, "svc").revision != goal or self.service["candidate"]:
                services.rollback(workspace, "svc")

        if self.service["candidate"]:
            goal = self.live()
            self.attempt(lambda w: services.rollback(w, "svc") if self.is_beside(w) else None, kill)
            self.service["candidate"] = None
            return
        if self.service.get("rejected"):
            services.rollback(self.workspace, "svc")
            return
        kept = self.service["way"][-5:]
        if len(kept) < 2:
            with pytest.raises(RevisionNotFound):
                services.rollback(self.workspace, "svc")
            return
        goal = kept[-2]
        self.attempt(roll_back, kill)
        self.service["way"].pop()
        self.service["live"] = goal

    def is_beside(self, workspace):
        seen = services.get(workspace, "svc").candidate
        return seen is not None and seen.is_active

    @precondition(lambda self: self.live() and self.service["runs"])
    @rule(kill=kill)
    def promote(self, kill):
        if not self.service["candidate"]:
            with pytest.raises(NoCandidate):
                services.promote(self.workspace, "svc")
            return
        revision, model = self.service["candidate"]
        try:
            self.attempt(lambda w: services.promote(w, "svc"), kill)
        except NoCandidate:
            assert self.was_killed  # it was done
            assert services.get(self.workspace, "svc").revision == revision
        self.went_live(revision, model)

    @precondition(lambda self: self.live() and self.service["runs"] and self.service["candidate"])
    @rule(state=st.sampled_from(["promoted", "rejected"]))
    def time_passes(self, state):
        seen = services.get(self.workspace, "svc").candidate
        if seen.kind == "mirror":
            return
        self.supervisor.decide(self.place(), state)
        revision, model = self.service["candidate"]
        if state == "promoted":
            self.went_live(revision, model)
        else:
            self.service["candidate"] = None
        # Any operation notes it; until then the models of both count as used.
        services.rollback(self.workspace, "svc") if state == "rejected" else services.promote(
            self.workspace, "svc"
        )

    @precondition(lambda self: self.live())
    @rule(kill=kill)
    def stop(self, kill):
        self.attempt(lambda w: services.stop(w, "svc"), kill)
        self.service["runs"], self.service["candidate"] = False, None

    @precondition(lambda self: self.live())
    @rule(kill=kill)
    def start(self, kill):
        self.attempt(lambda w: services.start(w, "svc"), kill)
        self.service["runs"] = True

    @precondition(lambda self: self.live() and self.service["runs"])
    @rule()
    def restart_machine(self):
        self.supervisor.end(self.place())
        assert services.get(self.workspace, "svc").state == "Stopped"
        services.up()

    @rule(kill=kill, is_sure=st.integers(0, 3))
    def delete(self, kill, is_sure):
        if is_sure:
            return  # not too often: there is more to see with a service

        def delete(workspace):
            services.delete(workspace, "svc")

        if self.service is None:
            with pytest.raises(ServiceNotFound):
                delete(self.workspace)
            return
        try:
            self.attempt(delete, kill)
        except ServiceNotFound:
            assert self.was_killed
        self.service = self.keys = None

    @precondition(lambda self: self.live())
    @rule(which=st.sampled_from(["primary", "secondary"]), kill=kill)
    def change_key(self, which, kill):
        before = services.get_keys(self.workspace, "svc")
        self.attempt(lambda w: services.regen_key(w, "svc", which), kill)
        after = services.get_keys(self.workspace, "svc")
        other = which == "primary"
        assert (after[other], after[not other] != before[not other]) == (before[other], True)
        guard = read_guard_file(self.place() / "auth.json")
        assert set(guard.key_digests) == {digest_of(key) for key in after}

    # what is always so

    def used(self):
        if not self.service:
            return set()
        revision = self.service["live"]
        used = {self.service["models"][revision]} if revision else set()
        return used | ({self.service["candidate"][1]} if self.service["candidate"] else set())

    @invariant()
    def the_registry_is_as_it_should_be(self):
        found = {name: set() for name in self.versions}
        for model in models.list_models(self.workspace):
            found[model.name].add(model.version)
            for file in model.files:
                self.workspace.blobs.verify(file.sha256)
        assert found == self.versions
        users = {model for model, names in services.models_in_use(self.workspace).items() if names}
        # Rolling back to what was deleted since is possible: its files are kept.
        there = {f"{name}:{version}" for name, all_ in self.versions.items() for version in all_}
        assert users == self.used() & there

    @invariant()
    def the_service_is_as_it_should_be(self):
        if self.service is None:
            assert services.list_services(self.workspace) == []
            assert not self.place().exists()
            return
        service = services.get(self.workspace, "svc")
        revision = self.service["live"]
        if revision is None:
            assert service.state == "Failed"
            return
        assert service.state == ("Healthy" if self.service["runs"] else "Stopped")
        assert (service.revision, service.models) == (revision, (self.service["models"][revision],))
        beside = service.candidate if service.candidate and service.candidate.is_active else None
        wanted = self.service["candidate"]
        assert (beside and beside.revision) == (wanted and wanted[0])
        states = {one.number: one.state for one in services.revisions(self.workspace, "svc")}
        assert [number for number, state in states.items() if state == "live"] == [revision]
        assert set(self.service["way"][-5:]) <= set(states)
        for one in services.revisions(self.workspace, "svc"):
            assert (one.fault is not None) >= (one.state in ("failed", "withdrawn"))


def _run(steps, examples):
    run_state_machine_as_test(
        Services,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_services_agree_with_a_model_of_them(at_once):
    Services.supervisor = at_once
    _run(10, 3)


@pytest.mark.slow
def test_services_agree_with_a_model_of_them_for_long(at_once):
    Services.supervisor = at_once
    _run(25, RUNS_WANTED or 10)
