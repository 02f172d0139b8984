"""A service as a record: what it should be, from the database, and what it is, from its target."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from moorage.deployments import DeploymentConfig, InferenceConfig, LocalConfig
from moorage.deployments.configurations import asks_for
from moorage.models import ResourceConfiguration
from moorage.targets import Fault, Observed
from moorage.targets.contract import CandidateSeen

State = Literal["Transitioning", "Healthy", "Unhealthy", "Failed", "Stopped"]
COMPUTE_TYPES = {
    "local": "Local",
    "aci": "ACI",
    "container": "Container",
    "aks": "AKS",
    "aksendpoint": "AKSENDPOINT",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What the database knows of a service; ``fault`` is why it never came to serve."""

    name: str
    target: str
    description: str | None
    tags: Mapping[str, str]
    properties: Mapping[str, str]
    host: str | None
    port: int | None
    last_revision: int
    wanted_revision: int | None
    live_revision: int | None
    fault: Fault | None
    created_at: datetime
    updated_at: datetime
    created_by: str

    @property
    def revision(self) -> int | None:
        return self.live_revision if self.live_revision is not None else self.wanted_revision


@dataclass(frozen=True, slots=True)
class Service:
    """One service as it is now. Times are aware UTC; ``models`` are ids; addresses are None while down.

    ``error`` says why it failed, or why it had to be started again; None while all is well.
    """

    name: str
    state: State
    target: str
    revision: int | None
    scoring_uri: str | None
    swagger_uri: str | None
    port: int | None
    models: tuple[str, ...]
    error: Fault | None
    description: str | None
    tags: Mapping[str, str]
    properties: Mapping[str, str]
    created_at: datetime
    updated_at: datetime
    compute_type: str
    created_by: str = ""
    restarts: int = 0
    inference_config: InferenceConfig | None = None
    deployment_config: DeploymentConfig | None = None
    candidate: CandidateSeen | None = None
    resources: ResourceConfiguration | None = None

    @property
    def asked_config(self) -> DeploymentConfig | None:
        """What was asked for, also where processes of this machine stand in for it."""
        config = self.deployment_config
        return config.asked_config if isinstance(config, LocalConfig) else config

    @property
    def auth_enabled(self) -> bool:
        """Whether callers must bring a key."""
        return asks_for(self.deployment_config) == "key"

    @property
    def token_auth_enabled(self) -> bool:
        """Whether callers must bring a token."""
        return asks_for(self.deployment_config) == "token"


def state_of(row: Row, observed: Observed, *, is_busy: bool) -> tuple[State, Fault | None]:
    """Say in one word how a service is, and what is wrong with it.

    ``is_busy``: an operation on it runs at this moment.
    """
    if is_busy:
        return "Transitioning", None
    if not observed.is_supervised:
        return _state_at_rest(row, observed)
    if observed.live is not None:
        if observed.live not in observed.ready:
            return "Unhealthy", observed.error
        # Well, but not with the revision that was ordered: that one lost its trial, or failed as a canary.
        lost = None if observed.ordered is None else observed.failed.get(observed.ordered)
        return "Healthy", lost or (observed.candidate.fault if observed.candidate else None)
    if observed.ordered is not None and observed.ordered in observed.failed:
        return "Failed", observed.failed[observed.ordered]
    return "Transitioning", None


def _state_at_rest(row: Row, observed: Observed) -> tuple[State, Fault | None]:
    if row.fault is not None:
        return "Failed", row.fault
    if row.live_revision is not None and observed.ordered is not None and not observed.is_ordered_to_run:
        return "Stopped", None
    if row.live_revision is not None:
        text = f"its processes are gone; start them again with: moor up, or moor service start -n {row.name}"
        return "Stopped", Fault("start", text)
    text = "its deployment was cut short; run the same command again to finish it, or delete the service"
    return "Failed", Fault("start", text)
