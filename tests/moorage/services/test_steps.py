"""The pure parts of services: the next step, the state in one word, and definitions as JSON."""

import json
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage import services
from moorage.deployments import ContainerConfig, InferenceConfig, KubernetesConfig, LocalConfig
from moorage.environments import CondaSpecification, DockerSpecification, Environment
from moorage.errors import InvalidConfiguration
from moorage.services import rows
from moorage.services.definitions import Definition, from_json, to_json
from moorage.services.service import Row, state_of
from moorage.services.steps import Done, GiveUp, Prepare, Start, Wait, next_step
from moorage.storage.tables import service_revisions
from moorage.targets import Fault, Observed, Order

FAULT = Fault("init", "no")
ROW = Row(
    name="svc",
    target="local",
    description=None,
    tags={},
    properties={},
    host=None,
    port=None,
    last_revision=1,
    wanted_revision=1,
    live_revision=None,
    fault=None,
    created_at=datetime(2026, 7, 1, tzinfo=timezone.utc),
    updated_at=datetime(2026, 7, 1, tzinfo=timezone.utc),
    created_by="",
)


@given(st.booleans(), st.booleans(), st.integers(1, 3), st.sampled_from([None, 1, 2]))
def test_steps_lead_to_the_wanted_revision(exists, is_supervised, wanted, before):
    """Apply steps to a target where everything works: it ends with Done, soon, and never goes back."""
    order = Order(wanted)
    observed = Observed(
        exists=exists,
        is_supervised=is_supervised and before is not None,
        prepared=frozenset([before] if before else []),
        ordered=before,
        live=before if is_supervised else None,
        ready=frozenset([before] if before and is_supervised else []),
        accepting=frozenset([before] if before and is_supervised else []),
    )
    steps = []
    for _ in range(6):
        step = next_step(order, observed)
        steps.append(type(step))
        match step:
            case Prepare():
                observed = replace(observed, exists=True, prepared=observed.prepared | {wanted})
            case Start():
                observed = replace(observed, is_supervised=True, ordered=wanted, starting=frozenset([wanted]))
            case Wait() if wanted in observed.starting:
                ready = observed.ready | {wanted}
                observed = replace(observed, starting=frozenset(), ready=ready, accepting=ready, live=wanted)
            case Wait():
                observed = replace(observed, ready=frozenset([wanted]), accepting=frozenset([wanted]))
            case Done():
                break
    assert steps[-1] is Done
    expected = [kind for kind in (Prepare, Start, Wait, Done) if kind in steps]
    assert [kind for index, kind in enumerate(steps) if kind not in steps[:index]] == expected


def test_a_revision_that_failed_is_given_up():
    observed = Observed(
        True, True, frozenset([1, 2]), ordered=2, live=1, ready=frozenset([1]), failed={2: FAULT}
    )
    assert next_step(Order(2), observed) == GiveUp(FAULT)
    # Asked for anew it is started anew.
    assert next_step(Order(2), replace(observed, ordered=1)) == Start()


def test_done_waits_until_the_old_revision_gets_no_new_connections():
    observed = Observed(True, True, frozenset([1, 2]), ordered=2, live=2, ready=frozenset([2]))
    assert next_step(Order(2), replace(observed, accepting=frozenset([1, 2]))) == Wait()
    assert next_step(Order(2), replace(observed, accepting=frozenset([2]))) == Done()


@pytest.mark.parametrize(
    ("row", "observed", "state"),
    [
        (ROW, Observed(), "Failed"),
        (replace(ROW, fault=FAULT), Observed(), "Failed"),
        (replace(ROW, live_revision=1), Observed(), "Stopped"),
        (ROW, Observed(True, True, ordered=1, starting=frozenset([1])), "Transitioning"),
        (ROW, Observed(True, True, ordered=1, failed={1: FAULT}), "Failed"),
        (replace(ROW, live_revision=1), Observed(True, True, ordered=1, live=1), "Unhealthy"),
        (ROW, Observed(True, True, ordered=1, live=1, ready=frozenset([1])), "Healthy"),
        (
            replace(ROW, live_revision=1),
            Observed(True, True, ordered=2, live=1, ready=frozenset([1]), failed={2: FAULT}),
            "Healthy",
        ),
    ],
)
def test_the_state_in_one_word(row, observed, state):
    assert state_of(row, observed, is_busy=False)[0] == state
    assert state_of(row, observed, is_busy=True) == ("Transitioning", None)


_ENVIRONMENT = Environment(
    "e",
    conda=CondaSpecification("c", ("x",), ("python=3.8",), ("numpy",)),
    variables={"A": "1"},
    docker=DockerSpecification(base_image="i", registry_password="hush"),
)


@pytest.mark.parametrize(
    "deployment",
    [
        LocalConfig(port=80, worker_count=3),
        ContainerConfig(cpu_cores=2, primary_key="hush", tags={"a": "b"}),
        KubernetesConfig(compute_type="aksendpoint", version_name="v", secondary_key="hush"),
        KubernetesConfig(),
    ],
)
def test_definitions_survive_the_database_without_their_secrets(deployment):
    inference = InferenceConfig(entry_script="/a/b.py", source_directory="/a", environment=_ENVIRONMENT)
    definition = Definition(("m:1",), inference, deployment, "a/b.py", "a")
    text = json.dumps(to_json(definition))
    assert "hush" not in text
    kept = from_json(json.loads(text))
    assert kept.models == ("m:1",)
    assert kept.deployment_config.compute_type == deployment.compute_type
    assert kept.inference_config.environment.conda == _ENVIRONMENT.conda
    assert to_json(kept) == to_json(definition)


def test_a_definition_that_is_not_understood_is_an_error_of_ours():
    with pytest.raises(InvalidConfiguration, match="not understood"):
        from_json({"models": []})


def test_one_definition_that_is_not_understood_does_not_hide_the_others(workspace):
    for name in ("aaa", "bbb"):
        inference = InferenceConfig(entry_script="/a/b.py")
        rows.begin(workspace, name, "local", Definition((), inference, LocalConfig(), "b.py", None), {})
    with workspace.database.write() as connection:
        broken = {"models": [], "from": "the future"}
        condition = service_revisions.c.service_name == "aaa"
        connection.execute(service_revisions.update().where(condition).values(definition=broken))
    assert [service.name for service in services.list_services(workspace)] == ["aaa", "bbb"]
    with pytest.raises(InvalidConfiguration):
        services.update(workspace, "aaa")
