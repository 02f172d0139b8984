"""Many people at once: one wins, the others are told why; nothing is lost, nothing is there twice."""

import json
import multiprocessing
import random
from collections import Counter

import pytest

from moorage import events, models, services
from moorage.deployments import InferenceConfig
from moorage.errors import OperationInProgress, ServiceExists, ServiceNotFound
from moorage.workspace import Workspace

# The supervisors of the children are replaced as that of this process is.
processes = multiprocessing.get_context("fork")
PEOPLE = 16
TURNS = 3
SCRIPT = "def init(): pass\ndef run(data): return 1\n"
REFUSED = (OperationInProgress, ServiceExists, ServiceNotFound)


def _person(number, together, folder, url):
    """Register, deploy a service of one's own, and take turns at one that everybody wants."""
    path = folder / f"model-{number}.txt"
    path.write_text(f"by {number}")
    script = InferenceConfig(entry_script=folder / "score.py")
    chance = random.Random(number)
    outcomes = []
    together.wait(60)
    with Workspace.create("shared", exist_ok=True, database_url=url) as workspace:
        for _ in range(TURNS):
            model = models.register(workspace, path, "m", tags={"by": number})
            do = chance.choice(["deploy", "update", "update", "delete"])
            try:
                if do == "deploy":
                    services.deploy(workspace, "wanted", [model], script)
                elif do == "update":
                    services.update(workspace, "wanted", models=[model])
                else:
                    services.delete(workspace, "wanted")
            except REFUSED as error:
                # A refusal names what it is about.
                do = type(error).__name__ if "wanted" in str(error) else str(error)
            outcomes.append(do)
        services.deploy(workspace, f"own-{number}", [model], script)
    (folder / f"outcome-{number}.json").write_text(json.dumps(outcomes))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.usefixtures("at_once")
def test_sixteen_people_register_and_deploy_at_once(tmp_path, database_url):
    (tmp_path / "score.py").write_text(SCRIPT)
    together = processes.Barrier(PEOPLE)
    people = [
        processes.Process(target=_person, args=(number, together, tmp_path, database_url))
        for number in range(PEOPLE)
    ]
    for person in people:
        person.start()
    for person in people:
        person.join(180)
        if person.is_alive():
            person.kill()
    assert [person.exitcode for person in people] == [0] * PEOPLE
    outcomes = Counter(
        outcome
        for number in range(PEOPLE)
        for outcome in json.loads((tmp_path / f"outcome-{number}.json").read_text())
    )
    with Workspace.open("shared") as workspace:
        found = models.list_models(workspace)
        assert [model.version for model in found] == list(range(PEOPLE * TURNS, 0, -1))
        assert Counter(model.tags["by"] for model in found) == {str(n): TURNS for n in range(PEOPLE)}
        for model in found:
            workspace.blobs.verify(model.files[0].sha256)
        made = {service.name: service for service in services.list_services(workspace)}
        assert set(made) - {"wanted"} == {f"own-{number}" for number in range(PEOPLE)}
        for number in range(PEOPLE):
            (model_id,) = made[f"own-{number}"].models
            assert models.get_by_id(workspace, model_id).tags["by"] == str(number)
            assert (made[f"own-{number}"].state, made[f"own-{number}"].revision) == ("Healthy", 1)
        # Who was told to have won did win, and nobody else did: the log counts the same.
        kinds = Counter(e.kind for e in events.list_events(workspace, subject="service wanted", limit=1000))
        assert kinds["service.deployed"] == outcomes["deploy"]
        assert kinds["service.updated"] == outcomes["update"]
        assert kinds["service.deleted"] == outcomes["delete"]
        assert kinds["service.failed"] == 0
        assert ("wanted" in made) == (outcomes["deploy"] == outcomes["delete"] + 1)
        assert set(outcomes) <= {"deploy", "update", "delete", *(refusal.__name__ for refusal in REFUSED)}
        assert sum(outcomes.values()) == PEOPLE * TURNS


def test_the_refused_one_is_told_why(at_once, workspace, model, script, monkeypatch):
    """Deploy, update and delete while another operation is under way."""
    made = model("one")
    services.deploy(workspace, "svc", [made], script())
    told = []

    def meanwhile(folder):
        if not told:
            for attempt in (
                lambda: services.deploy(workspace, "svc", [made], script(), overwrite=True),
                lambda: services.update(workspace, "svc"),
                lambda: services.rollback(workspace, "svc"),
                lambda: services.promote(workspace, "svc"),
                lambda: services.delete(workspace, "svc"),
            ):
                with pytest.raises(OperationInProgress, match="svc") as refusal:
                    attempt()
                told.append(refusal.value.code)
        at_once.wake(folder)

    monkeypatch.setattr("moorage.targets.local.daemon.wake", meanwhile)
    assert services.update(workspace, "svc", models=[made]).revision == 2
    assert told == ["operation-in-progress"] * 5
