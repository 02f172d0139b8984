"""Configuration files in, records out; every error names file, line and key."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from moorage.deployments.configurations import (
    ContainerConfig,
    DeploymentConfig,
    KubernetesConfig,
    LocalConfig,
)
from moorage.deployments.documents import Document, read_document
from moorage.deployments.environment_keys import warn_of_unknown_parts
from moorage.deployments.file_models import (
    ContainerFile,
    EndpointFile,
    FileModel,
    InferenceFile,
    KubernetesFile,
    LocalFile,
    RegistryFile,
)
from moorage.deployments.inference import InferenceConfig
from moorage.environments import Environment
from moorage.errors import InvalidConfiguration
from moorage.spelling import close_names, did_you_mean

logger = logging.getLogger(__name__)
OnWarning = Callable[[str], None]
_File = TypeVar("_File", bound=FileModel)
_Made = TypeVar("_Made")

# Known keys that change nothing, so that nobody believes they do.
_WITHOUT_EFFECT = {
    "schemaFile": "schemas come from the decorators in the script",
    "dependencies": "name the folder of all files in sourceDirectory",
}

_NOT_FIELDS = frozenset({"compute_type", "keys", "ssl_certificate", "ssl_key", "cname"})


def parse_inference_config(
    path: str | Path,
    *,
    environment: Environment | None = None,
    on_warning: OnWarning | None = None,
) -> InferenceConfig:
    """Read an inference configuration file (JSON or YAML, both forms).

    ``environment`` takes the place of what the file says about packages. Unknown keys are reported to
    ``on_warning`` (default: the log).

    Raises:
        InvalidConfiguration: with file, line and key.
    """
    document = read_document(Path(path))
    file = _validated(InferenceFile, document)
    warn = on_warning or logger.warning
    _warn_of_unknown(document, file, (), warn)
    for key, advice in _WITHOUT_EFFECT.items():
        if document.value.get(key) is not None:
            warn(f"{document.where([key])} is not used any more; {advice}")
    registry = file.base_image_registry
    older_form: dict[str, Any] = {
        "conda_file": file.conda_file,
        "runtime": file.runtime,
        "extra_docker_file_steps": file.extra_dockerfile_steps or file.extra_docker_file_steps,
        "enable_gpu": bool(file.enable_gpu),
        "cuda_version": None if file.cuda_version is None else str(file.cuda_version),
        "base_image": file.base_image,
        "base_image_registry": registry.address if isinstance(registry, RegistryFile) else registry,
        "base_image_credentials": _credentials(registry),
    }
    if environment is not None:
        older_form = {}
    elif file.environment is not None:
        warn_of_unknown_parts(document, file.environment, warn)
        environment = _environment(document, file.environment, Path(file.source_directory or "."))
    return _record(
        document,
        InferenceConfig,
        entry_script=file.entry_script,
        source_directory=file.source_directory,
        environment=environment,
        description=file.description,
        **older_form,
    )


def _credentials(registry: str | RegistryFile | None) -> tuple[str, str] | None:
    if not isinstance(registry, RegistryFile) or not registry.username or not registry.password:
        return None
    return registry.username, registry.password


def parse_deployment_config(path: str | Path, *, on_warning: OnWarning | None = None) -> DeploymentConfig:
    """Read a deployment configuration file; ``computeType`` chooses the record, in any letter case.

    Raises:
        InvalidConfiguration: with file, line and key.
    """
    document = read_document(Path(path))
    kind = document.value.get("computeType")
    if kind is None:
        raise InvalidConfiguration(_missing(document, ["computeType"], ["computeType"]))
    readers: dict[str, Callable[[Document, OnWarning], DeploymentConfig]] = {
        "local": _local,
        "aci": _container,
        "container": _container,
        "aks": _kubernetes,
        "aksendpoint": _endpoint,
    }
    reader = readers.get(kind.lower()) if isinstance(kind, str) else None
    if reader is None:
        where = document.where(["computeType"])
        meant = did_you_mean(str(kind), readers)
        raise InvalidConfiguration(f"{where} must be one of {', '.join(readers)}, it is {kind!r}{meant}")
    return reader(document, on_warning or logger.warning)


def _local(document: Document, warn: OnWarning) -> LocalConfig:
    file = _validated(LocalFile, document)
    _warn_of_unknown(document, file, (), warn)
    values = {name: getattr(file, name) for name in LocalFile.model_fields if name not in _NOT_FIELDS}
    others = {
        "primary_key": file.keys.primary_key,
        "secondary_key": file.keys.secondary_key,
        "ssl_certificate_path": file.ssl_certificate,
        "ssl_key_path": file.ssl_key,
        "ssl_cname": file.cname,
    }
    return _record(document, LocalConfig, **others, **values)


def _container(document: Document, warn: OnWarning) -> ContainerConfig:
    file = _validated(ContainerFile, document)
    _warn_of_unknown(document, file, (), warn)
    encryption, network = file.encryption_properties, file.vnet_configuration
    return _record(
        document,
        ContainerConfig,
        compute_type=file.compute_type.lower(),
        port=file.port,
        host=file.host,
        scoring_timeout_ms=file.scoring_timeout_ms,
        token_auth_enabled=file.token_auth_enabled,
        image=file.image,
        scoring_path=file.scoring_path,
        scoring_port=file.scoring_port,
        liveness_path=file.liveness_path,
        liveness_port=file.liveness_port,
        readiness_path=file.readiness_path,
        readiness_port=file.readiness_port,
        variables=file.variables,
        model_options=file.model_options,
        cpu_cores=file.container_resource_requirements.cpu,
        memory_gb=file.container_resource_requirements.memory_gb,
        gpu_count=file.container_resource_requirements.gpu,
        location=file.location,
        auth_enabled=file.auth_enabled,
        ssl_enabled=file.ssl_enabled,
        ssl_certificate_path=file.ssl_certificate,
        ssl_key_path=file.ssl_key,
        ssl_cname=file.cname,
        app_insights_enabled=file.app_insights_enabled,
        dns_name_label=file.dns_name_label,
        primary_key=file.keys.primary_key,
        secondary_key=file.keys.secondary_key,
        collect_model_data=file.data_collection.storage_enabled,
        cmk_vault_base_url=file.vault_base_url or encryption.vault_base_url,
        cmk_key_name=file.key_name or encryption.key_name,
        cmk_key_version=file.key_version or encryption.key_version,
        vnet_name=file.vnet_name or network.vnet_name,
        subnet_name=file.subnet_name or network.subnet_name,
        description=file.description,
        tags=file.tags,
        properties=file.properties,
    )


def _kubernetes(document: Document, warn: OnWarning) -> KubernetesConfig:
    file = _validated(KubernetesFile, document)
    _warn_of_unknown(document, file, (), warn)
    return _record(document, KubernetesConfig, compute_type="aks", **_cluster_values(file))


def _endpoint(document: Document, warn: OnWarning) -> KubernetesConfig:
    file = _validated(EndpointFile, document)
    _warn_of_unknown(document, file, (), warn)
    is_control = None if file.type is None else file.type == "Control"
    return _record(
        document,
        KubernetesConfig,
        compute_type="aksendpoint",
        version_name=file.version_name,
        traffic_percentile=file.traffic_percentile,
        is_default=file.is_default,
        is_control_version=file.is_control_version_type if is_control is None else is_control,
        **_cluster_values(file),
    )


def _cluster_values(file: KubernetesFile) -> dict[str, Any]:
    scaler, probe = file.auto_scaler, file.liveness_probe_requirements
    resources = file.container_resource_requirements
    return {
        # 0 replicas counts as not set.
        "replica_count": file.num_replicas or None,
        "autoscale_enabled": scaler.autoscale_enabled,
        "autoscale_min_replicas": scaler.min_replicas,
        "autoscale_max_replicas": scaler.max_replicas,
        "autoscale_refresh_s": scaler.refresh_period_in_seconds,
        "autoscale_target_percent": scaler.target_utilization,
        "cpu_cores": resources.cpu,
        "memory_gb": resources.memory_gb,
        "cpu_cores_limit": resources.cpu_limit,
        "memory_gb_limit": resources.memory_gb_limit,
        "gpu_count": resources.gpu if file.gpu_cores is None else file.gpu_cores,
        "fpga_count": resources.fpga,
        "auth_enabled": file.auth_enabled,
        "token_auth_enabled": file.token_auth_enabled,
        "primary_key": file.keys.primary_key,
        "secondary_key": file.keys.secondary_key,
        "collect_model_data": file.data_collection.storage_enabled,
        "app_insights_enabled": file.app_insights_enabled,
        "scoring_timeout_ms": file.scoring_timeout_ms,
        "max_concurrent_requests_per_container": file.max_concurrent_requests_per_container,
        "max_queue_wait_ms": file.max_queue_wait_ms,
        "probe_period_s": probe.period_seconds,
        "probe_initial_delay_s": probe.initial_delay_seconds,
        "probe_timeout_s": probe.timeout_seconds,
        "probe_success_threshold": probe.success_threshold,
        "probe_failure_threshold": probe.failure_threshold,
        "namespace": file.namespace,
        "compute_target": file.compute_target,
        "model_options": file.model_options,
        "description": file.description,
        "tags": file.tags,
        "properties": file.properties,
    }


def _environment(document: Document, value: dict[str, Any], base: Path) -> Environment:
    try:
        return Environment.from_document(value, base=base)
    except InvalidConfiguration as error:
        key, _, _ = str(error).partition(" ")
        raise InvalidConfiguration(
            f"{document.where(key.rstrip(':').split('.'))}: {error}".replace(f"{key}: {key}", key, 1)
        ) from error


def _validated(model: type[_File], document: Document) -> _File:
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        known = known_keys(model)
        lines = [_explain(document, details, known) for details in error.errors(include_url=False)]
        lines += _slips(document, model, document.value, ())
        raise InvalidConfiguration("\n".join(dict.fromkeys(lines))) from error


def _slips(document: Document, model: type[FileModel], value: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Name the unknown keys that look like known ones: often they are why something else is wrong."""
    if not isinstance(value, dict):
        return
    known = known_keys(model)
    for key in value:
        if isinstance(key, str) and key not in known and (meant := did_you_mean(key, known)):
            yield f"{document.where((*path, key))} is not a known key{meant}"
    for name, field in model.model_fields.items():
        part, key = field.annotation, field.alias or name
        if isinstance(part, type) and issubclass(part, FileModel):
            yield from _slips(document, part, value.get(key), (*path, key))


def known_keys(model: type[FileModel]) -> list[str]:
    """Return the keys of a part of a file as they are written there."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _missing(document: Document, key: list[Any], known: Sequence[str]) -> str:
    """Explain that a key is missing; one that is there instead and looks like it is named with its line."""
    around: Any = document.value
    for part in key[:-1]:
        around = around[part]
    there = [name for name in around or () if isinstance(name, str)]
    instead = close_names(key[-1], [name for name in there if name not in known])
    if not instead:
        return f"{document.where(key)} is missing"
    return f"{document.where([*key[:-1], instead[0]])} is not a known key; did you mean {key[-1]}?"


def _explain(document: Document, details: Any, known: Sequence[str]) -> str:
    # Behind the key pydantic may name the member of a union that it tried; that is no part of the file.
    key = list(details["loc"])
    while key and not _is_in(document.value, key) and _is_in(document.value, key[:-1]) and len(key) > 1:
        if details["type"] == "missing":
            break
        key.pop()
    if details["type"] == "missing":
        return _missing(document, key, known)
    message = details["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    if "keys" in key:
        return f"{document.where(key)} must be {message}"  # what it is is a secret
    return f"{document.where(key)} must be {message}, it is {details['input']!r}"


def _is_in(value: Any, key: list[Any]) -> bool:
    for part in key:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _record(document: Document, kind: Callable[..., _Made], **values: Any) -> _Made:
    """Make a record; rules that connect several keys are checked by it."""
    try:
        return kind(**values)
    except InvalidConfiguration as error:
        raise InvalidConfiguration(f"{document.where()}: {error}") from error


def _warn_of_unknown(document: Document, file: FileModel, path: tuple[str, ...], warn: OnWarning) -> None:
    known = known_keys(type(file))
    for key in file.model_extra or ():
        if (*path, key) != ("$schema",):
            warn(
                f"{document.where((*path, key))} is not a known key and is ignored{did_you_mean(key, known)}"
            )
    for name, field in type(file).model_fields.items():
        part = getattr(file, name)
        if isinstance(part, FileModel):
            _warn_of_unknown(document, part, (*path, field.alias or name), warn)
