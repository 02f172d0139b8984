"""The flags of ``model deploy`` and ``service update``: what each sets, and for which kind of target."""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

Kind = Literal["text", "number", "count", "truth"]
TYPES: dict[Kind, Any] = {"text": str, "number": float, "count": int, "truth": str}
METAVARS: dict[Kind, str] = {"text": "TEXT", "number": "NUMBER", "count": "NUMBER", "truth": "true|false"}


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag. The last three name the field that it sets in the configuration of each kind of target."""

    spellings: tuple[str, ...]
    help: str
    kind: Kind = "text"
    script: str | None = None
    """Field of `InferenceConfig`."""
    local: str | None = None
    container: str | None = None
    cluster: str | None = None

    @property
    def name(self) -> str:
        return self.spellings[0].removeprefix("--").replace("-", "_")

    def parameter(self) -> inspect.Parameter:
        panel = "Script and environment" if self.script else "Target"
        option = typer.Option(
            *self.spellings, metavar=METAVARS[self.kind], help=self.help, rich_help_panel=panel
        )
        type_ = TYPES[self.kind] | None
        annotation = Annotated[type_, option]  # type: ignore[valid-type]
        return inspect.Parameter(
            self.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
        )


def _script(*spellings: str, field: str, help: str, kind: Kind = "text") -> Flag:
    return Flag(spellings, help, kind, script=field)


def _target(
    *spellings: str,
    help: str,
    kind: Kind = "text",
    local: str | None = None,
    container: str | None = None,
    cluster: str | None = None,
) -> Flag:
    return Flag(spellings, help, kind, local=local, container=container, cluster=cluster)


SCRIPT_FLAGS = (
    _script("--entry-script", "--es", field="entry_script", help="The file with init() and run()."),
    _script("--source-directory", "--sd", field="source_directory", help="Folder deployed with it."),
    _script("--conda-file", "--cf", field="conda_file", help="Conda definition of the environment."),
    _script("--runtime", "--rt", field="runtime", help="python, python-slim or spark-py."),
    _script(
        "--extra-docker-file-steps",
        "--ds",
        field="extra_docker_file_steps",
        help="File with more steps of the image build.",
    ),
    _script("--enable-gpu", "--eg", field="enable_gpu", kind="truth", help="Put GPU support in."),
    _script("--cuda-version", "--cv", field="cuda_version", help="9.0, 9.1 or 10.0."),
    _script("--base-image", "--bi", field="base_image", help="Image to build on."),
    _script("--base-image-registry", "--ir", field="base_image_registry", help="Registry of that image."),
)

TARGET_FLAGS = (
    _target("--port", "--po", kind="count", local="port", container="port", help="Port on this machine."),
    _target("--image", container="image", help="Image with a server of your own, instead of a script."),
    _target("--scoring-path", container="scoring_path", help="Path of the image that gets /score."),
    _target("--scoring-port", kind="count", container="scoring_port", help="Port of the image's server."),
    _target("--liveness-path", container="liveness_path", help="Asked while the container runs."),
    _target("--liveness-port", kind="count", container="liveness_port", help="Default: --scoring-port."),
    _target("--readiness-path", container="readiness_path", help="Asked until the container is ready."),
    _target("--readiness-port", kind="count", container="readiness_port", help="Default: --scoring-port."),
    _target("--workers", kind="count", local="worker_count", help="Scorer processes of a local service."),
    _target(
        "--scoring-timeout-ms",
        "--tm",
        kind="count",
        local="scoring_timeout_ms",
        container="scoring_timeout_ms",
        cluster="scoring_timeout_ms",
        help="Milliseconds that a call may take.",
    ),
    _target(
        "--max-request-wait-time",
        "--mr",
        kind="count",
        local="max_queue_wait_ms",
        cluster="max_queue_wait_ms",
        help="Milliseconds that a request may wait before it gets a 503.",
    ),
    _target(
        "--cpu-cores",
        "--cc",
        kind="number",
        container="cpu_cores",
        cluster="cpu_cores",
        help="CPU cores per container.",
    ),
    _target(
        "--memory-gb",
        "--gb",
        kind="number",
        container="memory_gb",
        cluster="memory_gb",
        help="Memory per container, in GB.",
    ),
    _target(
        "--gpu-cores",
        "--gc",
        kind="count",
        container="gpu_count",
        cluster="gpu_count",
        help="GPUs per container.",
    ),
    _target(
        "--cpu-cores-limit", "--ccl", kind="number", cluster="cpu_cores_limit", help="CPU cores at most."
    ),
    _target("--memory-gb-limit", "--gbl", kind="number", cluster="memory_gb_limit", help="Memory at most."),
    _target(
        "--auth-enabled",
        "--ae",
        kind="truth",
        container="auth_enabled",
        cluster="auth_enabled",
        help="Ask callers for a key.",
    ),
    _target(
        "--token-auth-enabled",
        kind="truth",
        container="token_auth_enabled",
        cluster="token_auth_enabled",
        help="Ask callers for a token.",
    ),
    _target(
        "--primary-key",
        "--kp",
        container="primary_key",
        cluster="primary_key",
        help="First key; generated if not given.",
    ),
    _target(
        "--secondary-key",
        "--ks",
        container="secondary_key",
        cluster="secondary_key",
        help="Second key; generated if not given.",
    ),
    _target(
        "--enable-app-insights",
        "--ai",
        kind="truth",
        container="app_insights_enabled",
        cluster="app_insights_enabled",
        help="Telemetry.",
    ),
    _target(
        "--collect-model-data",
        "--md",
        kind="truth",
        container="collect_model_data",
        cluster="collect_model_data",
        help="Keep inputs and outputs.",
    ),
    _target("--ssl-enabled", "--se", kind="truth", container="ssl_enabled", help="Serve over TLS."),
    _target("--ssl-cname", "--sc", container="ssl_cname", help="Host name for TLS."),
    _target("--ssl-cert-pem-file", "--sp", container="ssl_certificate_path", help="Certificate, a PEM file."),
    _target("--ssl-key-pem-file", "--sk", container="ssl_key_path", help="Its key, a PEM file."),
    _target("--location", "--lo", container="location", help="A label."),
    _target("--dns-name-label", "--dn", container="dns_name_label", help="A label."),
    _target("--vault-base-url", container="cmk_vault_base_url", help="A label."),
    _target("--key-name", container="cmk_key_name", help="A label."),
    _target("--key-version", container="cmk_key_version", help="A label."),
    _target("--vnet-name", container="vnet_name", help="A label."),
    _target("--subnet-name", container="subnet_name", help="A label."),
    _target("--num-replicas", "--nr", kind="count", cluster="replica_count", help="Fixed replica count."),
    _target("--autoscale-enabled", "--as", kind="truth", cluster="autoscale_enabled", help="Scale by load."),
    _target(
        "--autoscale-min-replicas",
        "--mi",
        kind="count",
        cluster="autoscale_min_replicas",
        help="Replicas at least.",
    ),
    _target(
        "--autoscale-max-replicas",
        "--ma",
        kind="count",
        cluster="autoscale_max_replicas",
        help="Replicas at most.",
    ),
    _target(
        "--autoscale-target-utilization",
        "--at",
        kind="number",
        cluster="autoscale_target_percent",
        help="Busy replicas aimed at, in percent.",
    ),
    _target(
        "--autoscale-refresh-seconds",
        "--ar",
        kind="number",
        cluster="autoscale_refresh_s",
        help="Seconds between two decisions.",
    ),
    _target(
        "--replica-max-concurrent-requests",
        "--rm",
        kind="count",
        cluster="max_concurrent_requests_per_container",
        help="Requests that a container handles at once.",
    ),
    _target(
        "--period-seconds", "--ps", kind="count", cluster="probe_period_s", help="Seconds between probes."
    ),
    _target(
        "--initial-delay-seconds",
        "--id",
        kind="count",
        cluster="probe_initial_delay_s",
        help="Seconds before the first probe.",
    ),
    _target(
        "--timeout-seconds", "--ts", kind="count", cluster="probe_timeout_s", help="Seconds for a probe."
    ),
    _target(
        "--success-threshold",
        "--st",
        kind="count",
        cluster="probe_success_threshold",
        help="Good probes until healthy.",
    ),
    _target(
        "--failure-threshold",
        "--ft",
        kind="count",
        cluster="probe_failure_threshold",
        help="Bad probes until given up.",
    ),
    _target("--namespace", cluster="namespace", help="Kubernetes namespace."),
    _target("--compute-target", "--ct", cluster="compute_target", help="Name of the cluster."),
    _target("--version-name", "--vn", cluster="version_name", help="Version inside an endpoint."),
    _target(
        "--traffic-percentile",
        "--tp",
        kind="number",
        cluster="traffic_percentile",
        help="Share of the endpoint's traffic, in percent.",
    ),
)

FLAGS = (*SCRIPT_FLAGS, *TARGET_FLAGS)


def parameters(flags: Iterable[Flag] = FLAGS) -> dict[str, inspect.Parameter]:
    """Return the options of a command, by the name under which their values arrive."""
    return {flag.name: flag.parameter() for flag in flags}
