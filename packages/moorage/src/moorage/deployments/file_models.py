"""The two configuration files of the old command line, as pydantic models: names and limits of every key.

``extra`` is "allow" everywhere: an unknown key is named in a warning instead of stopping a deployment that
worked with the tools of another year.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class FileModel(BaseModel):
    # Built on first use: of all these a command reads one or two, and building takes longer than reading.
    model_config = ConfigDict(
        alias_generator=to_camel, extra="allow", strict=True, frozen=True, defer_build=True
    )


class RegistryFile(FileModel):
    address: str | None = None
    username: str | None = None
    password: str | None = None


class InferenceFile(FileModel):
    entry_script: str = Field(min_length=1)
    source_directory: str | None = None
    environment: dict[str, Any] | None = None
    description: str | None = None
    runtime: Literal["spark-py", "python", "python-slim"] | None = None
    conda_file: str | None = None
    extra_dockerfile_steps: str | None = None
    # The other spelling in the documents of the time.
    extra_docker_file_steps: str | None = Field(default=None, alias="extraDockerFileSteps")
    enable_gpu: bool | None = None
    cuda_version: str | float | int | None = None
    base_image: str | None = None
    base_image_registry: str | RegistryFile | None = None
    schema_file: str | None = None
    dependencies: list[str] | str | None = None


class ResourcesFile(FileModel):
    cpu: float | None = Field(default=None, gt=0)
    memory_gb: float | None = Field(default=None, gt=0, alias="memoryInGB")
    gpu: int | None = Field(default=None, ge=0)


class ClusterResourcesFile(ResourcesFile):
    cpu_limit: float | None = Field(default=None, gt=0)
    memory_gb_limit: float | None = Field(default=None, gt=0, alias="memoryInGBLimit")
    fpga: int | None = Field(default=None, ge=0, multiple_of=2)


class KeysFile(FileModel):
    primary_key: str | None = None
    secondary_key: str | None = None


class DataCollectionFile(FileModel):
    storage_enabled: bool = False
    event_hub_enabled: bool = False


class EncryptionFile(FileModel):
    vault_base_url: str | None = None
    key_name: str | None = None
    key_version: str | None = None


class NetworkFile(FileModel):
    vnet_name: str | None = None
    subnet_name: str | None = None


class LabelsFile(FileModel):
    compute_type: str
    description: str | None = None
    tags: dict[str, str | None] = Field(default_factory=dict)
    properties: dict[str, str | None] = Field(default_factory=dict)


class LocalFile(FileModel):
    """``port`` is the old file's only key; the others are Moorage's own."""

    compute_type: str
    port: int | None = Field(default=None, ge=1, le=65535)
    host: str = Field(default="127.0.0.1", min_length=1)
    worker_count: int = Field(default=1, ge=1)
    max_scorer_memory_bytes: int | None = Field(default=None, ge=0)
    scoring_timeout_ms: int | None = Field(default=None, ge=0)
    max_concurrent_requests: int | None = Field(default=None, ge=1)
    max_queue_wait_ms: int | None = Field(default=None, ge=0)
    max_batch_size: int = Field(default=1, ge=1)
    max_batch_delay_ms: float = Field(default=0.0, ge=0)
    preload: bool | None = None
    spin_us: int | None = Field(default=None, ge=0)
    cors_origins: str | None = None
    legacy_status: bool = False
    public_examples: bool = True
    auth_enabled: bool = False
    token_auth_enabled: bool = False
    keys: KeysFile = Field(default_factory=KeysFile)
    public_routes: str = "/"
    memory_limit_bytes: int | None = Field(default=None, ge=0)
    open_files_limit: int | None = Field(default=None, ge=0)
    niceness: int | None = Field(default=None, ge=0, le=19)
    cpu_cores_limit: float | None = Field(default=None, ge=0)
    user: str | None = None
    rate_limit_per_s: float | None = Field(default=None, ge=0)
    rate_limit_burst: int | None = Field(default=None, ge=0)
    ssl_enabled: bool = False
    ssl_certificate: str | None = None
    ssl_key: str | None = None
    cname: str | None = None
    model_options: dict[str, str] = Field(default_factory=dict)


class ContainerFile(LabelsFile):
    """The keys from ``port`` to ``model_options`` are Moorage's own."""

    port: int | None = Field(default=None, ge=1, le=65535)
    host: str = Field(default="127.0.0.1", min_length=1)
    scoring_timeout_ms: int | None = Field(default=None, ge=0)
    token_auth_enabled: bool = False
    image: str | None = Field(default=None, min_length=1)
    scoring_path: str = "/score"
    scoring_port: int = Field(default=5001, ge=1, le=65535)
    liveness_path: str = "/"
    liveness_port: int | None = Field(default=None, ge=1, le=65535)
    readiness_path: str = "/"
    readiness_port: int | None = Field(default=None, ge=1, le=65535)
    variables: dict[str, str] = Field(default_factory=dict)
    model_options: dict[str, str] = Field(default_factory=dict)
    container_resource_requirements: ResourcesFile = Field(default_factory=ResourcesFile)
    location: str | None = None
    auth_enabled: bool = False
    ssl_enabled: bool = False
    app_insights_enabled: bool = False
    ssl_certificate: str | None = None
    ssl_key: str | None = None
    cname: str | None = None
    dns_name_label: str | None = None
    keys: KeysFile = Field(default_factory=KeysFile)
    data_collection: DataCollectionFile = Field(default_factory=DataCollectionFile)
    vault_base_url: str | None = None
    key_name: str | None = None
    key_version: str | None = None
    encryption_properties: EncryptionFile = Field(default_factory=EncryptionFile)
    vnet_name: str | None = None
    subnet_name: str | None = None
    vnet_configuration: NetworkFile = Field(default_factory=NetworkFile)


class AutoscalerFile(FileModel):
    autoscale_enabled: bool | None = None
    min_replicas: int = Field(default=1, ge=0)
    max_replicas: int = Field(default=10, ge=1)
    refresh_period_in_seconds: float = Field(default=1.0, gt=0)
    target_utilization: float = Field(default=70.0, gt=0, le=100)


class ProbeFile(FileModel):
    period_seconds: int = Field(default=10, ge=1)
    initial_delay_seconds: int = Field(default=310, ge=0)
    timeout_seconds: int = Field(default=2, ge=1)
    success_threshold: int = Field(default=1, ge=1)
    failure_threshold: int = Field(default=3, ge=1)


class KubernetesFile(LabelsFile):
    auto_scaler: AutoscalerFile = Field(default_factory=AutoscalerFile)
    data_collection: DataCollectionFile = Field(default_factory=DataCollectionFile)
    auth_enabled: bool | None = None
    token_auth_enabled: bool = False
    container_resource_requirements: ClusterResourcesFile = Field(default_factory=ClusterResourcesFile)
    app_insights_enabled: bool = False
    scoring_timeout_ms: int = Field(default=60_000, ge=1)
    max_concurrent_requests_per_container: int = Field(default=1, ge=1)
    max_queue_wait_ms: int = Field(default=500, ge=0)
    num_replicas: int | None = Field(default=None, ge=0)
    keys: KeysFile = Field(default_factory=KeysFile)
    gpu_cores: int | None = Field(default=None, ge=0)
    liveness_probe_requirements: ProbeFile = Field(default_factory=ProbeFile)
    namespace: str | None = None
    ssl_enabled: bool = False
    compute_target: str | None = Field(default=None, alias="ComputeTarget")
    model_options: dict[str, str] = Field(default_factory=dict)


class EndpointFile(KubernetesFile):
    version_name: str | None = None
    traffic_percentile: float | None = Field(default=None, ge=0, le=100)
    is_default: bool | None = None
    is_control_version_type: bool | None = None
    type: Literal["Control", "Treatment"] | None = None
