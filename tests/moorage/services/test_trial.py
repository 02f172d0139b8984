"""A new revision that fails under real requests is taken back by itself."""

import pytest

from moorage import events, services
from moorage.errors import InvalidArgument

PICKY = """
import json
def init(): pass
def run(data):
    return {"answer": 1 / json.loads(data)}
"""


def test_a_revision_that_fails_its_first_requests_is_taken_back(workspace, model, script, wait_for):
    services.deploy(workspace, "svc", [model("one")], script())
    service = services.update(workspace, "svc", inference_config=script(PICKY, "picky.py"), trial_requests=30)
    assert service.revision == 2
    assert services.run(workspace, "svc", "2").json() == {"answer": 0.5}

    def is_back():
        return services.run(workspace, "svc", "0").status == 200

    wait_for(is_back)
    wait_for(lambda: services.get(workspace, "svc").revision == 1)
    service = services.get(workspace, "svc")
    assert service.state == "Healthy"
    assert service.error.stage == "trial"
    assert "of its first" in service.error.message
    # What follows knows: the models in use, the next update, going back.
    assert services.update(workspace, "svc", models=["m:1"]).revision == 3
    kinds = [event.kind for event in events.list_events(workspace, subject="service svc")]
    assert "service.fell-back" in kinds
    states = {one.number: one.state for one in services.revisions(workspace, "svc")}
    assert states == {3: "live", 2: "withdrawn", 1: "kept"}
    assert services.get(workspace, "svc").error is None


def test_without_a_trial_a_failing_revision_stays(workspace, model, script):
    services.deploy(workspace, "svc", [model("one")], script())
    services.update(workspace, "svc", inference_config=script(PICKY, "picky.py"), trial_requests=0)
    for _ in range(40):
        assert services.run(workspace, "svc", "0").status == 500
    assert services.get(workspace, "svc").revision == 2


def test_a_trial_is_from_nothing_to_everything(workspace):
    for wrong in ({"trial_requests": -1}, {"max_error_share": 1.5}, {"max_error_share": -0.1}):
        with pytest.raises(InvalidArgument, match="trial_requests"):
            services.update(workspace, "svc", **wrong)
