"""Services that were asked for elsewhere, and run as processes of this machine."""

import os

import pytest

from moorage.deployments import ContainerConfig, KubernetesConfig, LocalConfig
from moorage.deployments.configurations import asks_for
from moorage.services.placing import NOT_COLLECTED, placed


@pytest.mark.parametrize(
    "config",
    [
        KubernetesConfig(),
        KubernetesConfig(auth_enabled=False),
        KubernetesConfig(token_auth_enabled=True),
        KubernetesConfig(compute_type="aksendpoint", version_name="v2", traffic_percentile=20),
        KubernetesConfig(replica_count=2, scoring_timeout_ms=5000, tags={"a": "b"}, namespace="ours"),
    ],
)
def test_a_cluster_is_stood_in_for_with_its_limits(config: KubernetesConfig) -> None:
    made, notice = placed(config, None)
    assert isinstance(made, LocalConfig)
    assert made.asked_config == config
    assert asks_for(made) == asks_for(config)
    assert (made.scoring_timeout_ms, made.max_queue_wait_ms) == (config.scoring_timeout_ms, 500)
    assert notice is not None
    assert notice.startswith(f"{config.compute_type.upper()} services run as processes of this machine")


def test_replicas_are_scorers_as_far_as_the_machine_goes() -> None:
    made, notice = placed(KubernetesConfig(replica_count=1000), None)
    assert isinstance(made, LocalConfig)
    assert made.worker_count == (os.cpu_count() or 1)
    assert f"{made.worker_count} scorer" in str(notice)


def test_keys_are_used_and_not_kept_beside_the_configuration() -> None:
    made, _ = placed(KubernetesConfig(primary_key="first-secret", secondary_key="second-secret"), None)
    assert isinstance(made, LocalConfig)
    assert (made.primary_key, made.secondary_key) == ("first-secret", "second-secret")
    assert "secret" not in repr(made.asked_for)


def test_local_services_stay_as_they_are() -> None:
    config = LocalConfig(port=8890)
    assert placed(config, None) == (config, None)
    assert config.asked_config is config


def test_fpgas_are_recognised_and_not_promised() -> None:
    notice = placed(KubernetesConfig(fpga_count=2), None)[1]
    assert str(notice).startswith("FPGAs are asked for, and no service uses them")
    assert "FPGA" not in str(placed(KubernetesConfig(gpu_count=1), None)[1])


def test_data_collection_is_not_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORAGE_CONTAINER_ENGINE", "none")
    for config in (KubernetesConfig(collect_model_data=True), ContainerConfig(collect_model_data=True)):
        assert NOT_COLLECTED in str(placed(config, None)[1])
    assert NOT_COLLECTED not in str(placed(KubernetesConfig(), None)[1])
