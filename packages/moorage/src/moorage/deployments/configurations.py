"""Where and how a service runs: one record per kind of target. Defaults are those of the old platform."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from moorage.errors import InvalidConfiguration

LARGEST_CONTAINER_GB = 48.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalConfig:
    """A service of processes on this machine; None means the server's own default."""

    compute_type: ClassVar[str] = "local"
    port: int | None = None  # TCP port; None: any free one, kept over updates
    host: str = "127.0.0.1"  # address to listen on; others can only reach it when this is not loopback
    worker_count: int = 1  # scorer processes; each holds its own copy of the model
    max_scorer_memory_bytes: int | None = None  # one that uses more of its own is replaced; 0, None: never
    memory_limit_bytes: int | None = None  # a scorer cannot have more: it gets a MemoryError
    open_files_limit: int | None = None  # files and connections that a scorer may have open
    niceness: int | None = None  # how much scorers give way to others, 0 to 19
    cpu_cores_limit: float | None = None  # processors that all scorers together may use
    user: str | None = None  # as whom the script runs if root deploys: a name or number; same: as root
    rate_limit_per_s: float | None = None  # scoring requests of one key, token or address; beyond: 429
    rate_limit_burst: int | None = None  # how many may come at once after a pause
    scoring_timeout_ms: int | None = None  # of one run(); 0: none
    max_concurrent_requests: int | None = None  # running and waiting together; beyond: 503
    max_queue_wait_ms: int | None = None  # a request that waits longer for a scorer gets a 503
    max_batch_size: int = 1  # requests that may be concatenated for one run(); 1: none
    max_batch_delay_ms: float = 0.0  # how long a batch waits for more requests; 0: never
    preload: bool | None = None  # run init() once and fork the scorers from there
    spin_us: int | None = None  # how long a scorer polls for the next request; 0: never, None: where of use
    cors_origins: str | None = None  # comma separated; which web pages may call the service
    legacy_status: bool = False  # 500 instead of 400 when the schema refuses an input
    public_examples: bool = True  # show the samples of the schema in the OpenAPI documents
    auth_enabled: bool = False  # callers must bring one of two keys
    token_auth_enabled: bool = False  # callers must bring a token; excludes auth_enabled
    primary_key: str | None = field(default=None, repr=False)  # None: kept, or generated
    secondary_key: str | None = field(default=None, repr=False)
    public_routes: str = "/"  # comma separated; what is open to everybody also with keys or tokens
    ssl_enabled: bool = False  # speak TLS
    ssl_certificate_path: str | None = None  # PEM file with the chain; read again when it is renewed
    ssl_key_path: str | None = None  # PEM file with the key of the certificate
    ssl_cname: str | None = None  # host name in the address of the service; None: that of this machine
    model_options: Mapping[str, str] = field(default_factory=dict)  # of models without a script: onnx.threads
    asked_for: Mapping[str, Any] | None = None  # the fields of the configuration that this stands in for

    @property
    def asked_config(self) -> "DeploymentConfig":
        """What was asked for: a container or cluster whose place these processes take, else just this."""
        if self.asked_for is None:
            return self
        is_container = self.asked_for.get("compute_type") in ("aci", "container")
        return (ContainerConfig if is_container else KubernetesConfig)(**self.asked_for)

    def __post_init__(self) -> None:
        check_port(self.port)
        if self.auth_enabled and self.token_auth_enabled:
            raise InvalidConfiguration("auth_enabled and token_auth_enabled exclude each other")
        _check_keys(primary_key=self.primary_key, secondary_key=self.secondary_key)
        if self.ssl_enabled and not (self.ssl_certificate_path and self.ssl_key_path):
            raise InvalidConfiguration("ssl_enabled needs a certificate file and a key file")
        if self.ssl_cname is not None and re.fullmatch(r"[A-Za-z0-9.-]{1,253}", self.ssl_cname) is None:
            raise InvalidConfiguration(f"ssl_cname {self.ssl_cname!r} is not a host name")
        if not self.host:
            raise InvalidConfiguration("host is empty; 127.0.0.1 is this machine alone, 0.0.0.0 everybody")
        _at_least(1, worker_count=self.worker_count, max_batch_size=self.max_batch_size)
        _at_least(0, scoring_timeout_ms=self.scoring_timeout_ms, max_queue_wait_ms=self.max_queue_wait_ms)
        _at_least(0, max_scorer_memory_bytes=self.max_scorer_memory_bytes)
        _at_least(0, memory_limit_bytes=self.memory_limit_bytes, open_files_limit=self.open_files_limit)
        _at_least(0, niceness=self.niceness, rate_limit_burst=self.rate_limit_burst)
        if self.rate_limit_per_s is not None and not self.rate_limit_per_s >= 0:
            raise InvalidConfiguration(f"rate_limit_per_s must be 0 or more, it is {self.rate_limit_per_s}")
        if self.cpu_cores_limit is not None and not self.cpu_cores_limit >= 0:
            raise InvalidConfiguration(f"cpu_cores_limit must be 0 or more, it is {self.cpu_cores_limit}")
        if self.user is not None and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", self.user) is None:
            raise InvalidConfiguration(f"user {self.user!r} is not the name or number of a user")
        _at_least(0, max_batch_delay_ms=self.max_batch_delay_ms, spin_us=self.spin_us)
        _at_least(1, max_concurrent_requests=self.max_concurrent_requests)

    @property
    def is_loopback(self) -> bool:
        """True when only this machine can reach the service."""
        if self.host in ("127.0.0.1", "localhost"):
            return True
        import ipaddress

        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerConfig:
    """One container (what ACI was). Units: cores, gigabytes, whole GPUs, milliseconds.

    ``aci``: where no container can be run, processes of this machine do the work; ``container``: never. With
    an ``image`` there is no entry script: whatever server is in it answers, at the addresses named.
    """

    compute_type: Literal["aci", "container"] = "aci"
    cpu_cores: float | None = None  # None: what models without a script ask for, else 0.1
    memory_gb: float | None = None  # likewise, else 0.5
    gpu_count: int | None = None  # likewise, else none
    port: int | None = None  # TCP port on this machine; None: any free one, kept over updates
    host: str = "127.0.0.1"  # address to listen on
    scoring_timeout_ms: int | None = None  # of one run(), or of an answer of a custom image; 0: none
    image: str | None = None
    scoring_path: str = "/score"  # what is asked of /score is asked of this path of the image
    scoring_port: int = 5001  # in the container, as those below; None: that of scoring
    liveness_path: str = "/"
    liveness_port: int | None = None
    readiness_path: str = "/"
    readiness_port: int | None = None
    variables: Mapping[str, str] = field(default_factory=dict)  # of the image
    model_options: Mapping[str, str] = field(default_factory=dict)  # of models without a script
    location: str | None = None
    auth_enabled: bool = False
    token_auth_enabled: bool = False
    ssl_enabled: bool = False
    ssl_certificate_path: str | None = None
    ssl_key_path: str | None = None
    ssl_cname: str | None = None
    app_insights_enabled: bool = False
    dns_name_label: str | None = None
    primary_key: str | None = field(default=None, repr=False)
    secondary_key: str | None = field(default=None, repr=False)
    collect_model_data: bool = False
    cmk_vault_base_url: str | None = None
    cmk_key_name: str | None = None
    cmk_key_version: str | None = None
    vnet_name: str | None = None
    subnet_name: str | None = None
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def not_applicable(self) -> dict[str, str]:
        """What is kept because it was asked for, and means nothing on this machine; by field."""
        names = (
            "location",
            "dns_name_label",
            "vnet_name",
            "subnet_name",
            "cmk_vault_base_url",
            "cmk_key_name",
        )
        return {name: getattr(self, name) for name in (*names, "cmk_key_version") if getattr(self, name)}

    @property
    def is_loopback(self) -> bool:
        """True when only this machine can reach the service."""
        return LocalConfig(host=self.host).is_loopback

    def as_processes(self) -> LocalConfig:
        """Return the same service without a container."""
        kept = _without_keys(self)
        return LocalConfig(
            asked_for=kept,
            port=self.port,
            host=self.host,
            scoring_timeout_ms=self.scoring_timeout_ms,
            auth_enabled=self.auth_enabled,
            token_auth_enabled=self.token_auth_enabled,
            primary_key=self.primary_key,
            secondary_key=self.secondary_key,
            ssl_enabled=self.ssl_enabled,
            ssl_certificate_path=self.ssl_certificate_path,
            ssl_key_path=self.ssl_key_path,
            ssl_cname=self.ssl_cname,
            model_options=self.model_options,
        )

    def __post_init__(self) -> None:
        _positive(cpu_cores=self.cpu_cores, memory_gb=self.memory_gb)
        _at_least(0, gpu_count=self.gpu_count, scoring_timeout_ms=self.scoring_timeout_ms)
        if self.auth_enabled and self.token_auth_enabled:
            raise InvalidConfiguration("auth_enabled and token_auth_enabled exclude each other")
        _check_keys(primary_key=self.primary_key, secondary_key=self.secondary_key)
        for port in (self.port, self.scoring_port, self.liveness_port, self.readiness_port):
            check_port(port)
        if self.image is not None:
            check_image(self.image)
        for name in ("scoring_path", "liveness_path", "readiness_path"):
            if re.fullmatch(r"/[!-~]{0,2000}", getattr(self, name)) is None:
                text = f"{name} {getattr(self, name)!r} must be a path that begins with /, without spaces"
                raise InvalidConfiguration(text)
        if self.memory_gb is not None and self.memory_gb > LARGEST_CONTAINER_GB:
            raise InvalidConfiguration(f"memory_gb is {self.memory_gb:g}; a container takes up to 48")
        tls = (self.ssl_certificate_path, self.ssl_key_path, self.ssl_cname)
        if self.ssl_enabled and not all(tls):
            raise InvalidConfiguration("ssl_enabled needs a certificate file, a key file and a cname")
        _together(cmk_vault_base_url=self.cmk_vault_base_url, cmk_key_name=self.cmk_key_name)
        _together(vnet_name=self.vnet_name, subnet_name=self.subnet_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesConfig:
    """Replicas on a cluster (what AKS was), also as one version of an endpoint.

    Units: cores, gigabytes, whole GPUs, milliseconds, seconds, percent (0 to 100). None: the default of the
    target. ``autoscale_enabled`` None: on when there is no ``replica_count``.
    """

    compute_type: Literal["aks", "aksendpoint"] = "aks"
    replica_count: int | None = None
    autoscale_enabled: bool | None = None
    autoscale_min_replicas: int = 1
    autoscale_max_replicas: int = 10
    autoscale_refresh_s: float = 1.0
    autoscale_target_percent: float = 70.0
    cpu_cores: float | None = None  # None: what models without a script ask for, else 0.1
    memory_gb: float | None = None  # likewise, else 0.5
    cpu_cores_limit: float | None = None
    memory_gb_limit: float | None = None
    gpu_count: int | None = None
    fpga_count: int | None = None
    auth_enabled: bool | None = None
    token_auth_enabled: bool = False
    primary_key: str | None = field(default=None, repr=False)
    secondary_key: str | None = field(default=None, repr=False)
    collect_model_data: bool = False
    app_insights_enabled: bool = False
    scoring_timeout_ms: int = 60_000
    max_concurrent_requests_per_container: int = 1
    max_queue_wait_ms: int = 500
    probe_period_s: int = 10
    probe_initial_delay_s: int = 310
    probe_timeout_s: int = 2
    probe_success_threshold: int = 1
    probe_failure_threshold: int = 3
    namespace: str | None = None
    compute_target: str | None = None
    model_options: Mapping[str, str] = field(default_factory=dict)  # of models without a script
    version_name: str | None = None
    traffic_percentile: float | None = None
    is_default: bool | None = None
    is_control_version: bool | None = None
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, str | None] = field(default_factory=dict)

    def as_processes(self, most_workers: int) -> LocalConfig:
        """Return processes of this machine in place of replicas, with the same limits and authentication."""
        asks = asks_for(self)
        return LocalConfig(
            worker_count=min(self.replica_count or 1, most_workers),
            scoring_timeout_ms=self.scoring_timeout_ms,
            max_queue_wait_ms=self.max_queue_wait_ms,
            auth_enabled=asks == "key",
            token_auth_enabled=asks == "token",
            primary_key=self.primary_key,
            secondary_key=self.secondary_key,
            asked_for=_without_keys(self),
            model_options=self.model_options,
        )

    def __post_init__(self) -> None:
        _positive(cpu_cores=self.cpu_cores, memory_gb=self.memory_gb)
        _positive(autoscale_refresh_s=self.autoscale_refresh_s, percent=self.autoscale_target_percent)
        _at_least(0, replica_count=self.replica_count, gpu_count=self.gpu_count)
        _at_least(0, min_replicas=self.autoscale_min_replicas, max_queue_wait_ms=self.max_queue_wait_ms)
        _at_least(1, scoring_timeout_ms=self.scoring_timeout_ms, probe_period_s=self.probe_period_s)
        if self.autoscale_target_percent > 100:
            raise InvalidConfiguration("autoscale_target_percent is a percentage, at most 100")
        if self.autoscale_min_replicas > self.autoscale_max_replicas:
            raise InvalidConfiguration(
                f"autoscale_min_replicas ({self.autoscale_min_replicas}) is more than "
                f"autoscale_max_replicas ({self.autoscale_max_replicas})"
            )
        if self.cpu_cores_limit is not None and self.cpu_cores_limit < (self.cpu_cores or 0):
            raise InvalidConfiguration("cpu_cores_limit is less than cpu_cores")
        if self.memory_gb_limit is not None and self.memory_gb_limit < (self.memory_gb or 0):
            raise InvalidConfiguration("memory_gb_limit is less than memory_gb")
        if self.auth_enabled and self.token_auth_enabled:
            raise InvalidConfiguration("auth_enabled and token_auth_enabled exclude each other")
        if self.traffic_percentile is not None and not 0 <= self.traffic_percentile <= 100:
            raise InvalidConfiguration("traffic_percentile is a percentage, from 0 to 100")
        pattern = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
        if self.namespace is not None and re.fullmatch(pattern, self.namespace) is None:
            raise InvalidConfiguration(
                f"namespace {self.namespace!r} must be 1 to 63 of a-z, 0-9 and '-', no '-' at either end"
            )


DeploymentConfig = LocalConfig | ContainerConfig | KubernetesConfig


Asks = Literal["key", "token"]


def asks_for(config: DeploymentConfig | None) -> Asks | None:
    """Return what a service deployed like this asks its callers for; None: nothing."""
    if config is None:
        return None
    if getattr(config, "token_auth_enabled", False):
        return "token"
    # Services of a cluster ask for a key unless they are told not to.
    default = isinstance(config, KubernetesConfig)
    return "key" if (default if config.auth_enabled is None else config.auth_enabled) else None


def check_image(image: str) -> None:
    """Refuse what cannot be the name of an image; it becomes an argument of the engine.

    Raises:
        InvalidConfiguration: it is empty, too long, or has characters that no name has.
    """
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,1023}", image) is None:
        raise InvalidConfiguration(f"image {image!r} is not the name of an image")


def check_port(port: int | None) -> None:
    """Refuse what is no TCP port.

    Raises:
        InvalidConfiguration: not a whole number from 1 to 65535.
    """
    if port is None:
        return
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
        raise InvalidConfiguration(f"port must be a whole number from 1 to 65535, it is {port!r}")


def _positive(**values: float | None) -> None:
    for name, value in values.items():
        if value is not None and not value > 0:
            raise InvalidConfiguration(f"{name} must be greater than 0, it is {value}")


def _at_least(lowest: int, **values: float | None) -> None:
    for name, value in values.items():
        if value is not None and value < lowest:
            raise InvalidConfiguration(f"{name} must be at least {lowest}, it is {value}")


def _check_keys(**values: str | None) -> None:
    for name, value in values.items():
        # A key is sent in a header. It is a secret: the message does not show it.
        if value is not None and re.fullmatch(r"[!-~]{1,1024}", value) is None:
            raise InvalidConfiguration(f"{name} must be 1 to 1024 visible ASCII characters without spaces")


def _without_keys(config: "ContainerConfig | KubernetesConfig") -> dict[str, Any]:
    """Return the fields of a configuration that may be kept."""
    return {
        name: dict(value) if isinstance(value, Mapping) else value
        for name in config.__dataclass_fields__
        if name not in ("primary_key", "secondary_key") and (value := getattr(config, name)) is not None
    }


def _together(**values: str | None) -> None:
    if any(values.values()) and not all(values.values()):
        raise InvalidConfiguration(f"{' and '.join(values)} belong together: give all of them or none")
