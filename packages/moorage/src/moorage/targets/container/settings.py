"""The two settings files of a revision in a container: for the front outside, and for the server inside."""

import hashlib
import os
from pathlib import Path
from typing import Any

from moorage.deployments import ContainerConfig
from moorage.deployments.plans import Plan
from moorage.deployments.resources import DEFAULT_MEMORY_GB, GIGABYTE, container_resources
from moorage.deployments.source import MODELS_FOLDER
from moorage.models import ResourceConfiguration
from moorage.packaging.dockerfile import APP_ROOT, PORT, SERVER, USER
from moorage.targets.container.engine import Engine, engine_variables
from moorage.targets.container.image import ServiceImage
from moorage.targets.contract import Place
from moorage.targets.local.folders import APP_FOLDER, GUARD_FILE, SETTINGS_FILE, service_folder
from moorage_server.container.process import EVENTS, GUARD
from moorage_server.container.settings import RUN_FOLDER, ContainerSettings, Probe
from moorage_server.environment import settings_in
from moorage_server.settings import DEFAULT_SCORING_TIMEOUT_MS, NO_POLLING, ServiceSettings, settings_as_json

LABEL = "org.moorage.service"
CUSTOM_TIMEOUT_S = 60.0
CUSTOM_STOP_S = 10.0
SELINUX = Path("/sys/fs/selinux/enforce")


def label_of(place: Place) -> str:
    """Return the label of all containers of a service; no other workspace, or home, has the same."""
    digest = hashlib.sha256(str(service_folder(place).resolve()).encode()).hexdigest()[:24]
    return f"{LABEL}={digest}"


def front_settings(
    place: Place, revision: int, plan: Plan, engine: Engine, image: ServiceImage | None
) -> ContainerSettings:
    """Return what the front outside needs; ``image`` None: the user's own."""
    config = _config(plan)
    resources = container_resources(config, plan.resources)
    port = config.scoring_port
    timeout_ms = config.scoring_timeout_ms
    where = {"AZUREML_MODEL_DIR": f"{APP_ROOT}/{plan.model_dir}"} if plan.models else {}
    own = _own_options() if image else _variables({**where, **plan.variables})
    own_timeout_s = CUSTOM_TIMEOUT_S if timeout_ms is None else timeout_ms / 1000
    digest = label_of(place).rpartition("=")[2][:8]
    return ContainerSettings(
        engine=engine.path,
        image=image.tag if image else str(config.image),
        name=f"moorage-{place.service}-{digest}-{revision}",
        label=label_of(place),
        run_folder="../../run",
        is_ours=image is not None,
        options=(*_limits(resources, engine), *own),
        command=_own_command() if image else (),
        mounts=_mounts(plan, is_ours=image is not None),
        engine_variables=engine_variables(os.environ),
        cpu_cores=resources.cpu_cores if engine.limits_cpu else None,
        memory_bytes=_memory_bytes(resources),
        response_timeout_s=0.0 if image else own_timeout_s,
        stop_timeout_s=(timeout_ms or DEFAULT_SCORING_TIMEOUT_MS) / 1000 if image else CUSTOM_STOP_S,
        auth="token" if config.token_auth_enabled else "key" if config.auth_enabled else None,
        auth_file=f"../../{GUARD_FILE}",
        # What is at "/" of somebody else's image may be anything.
        public_routes="/" if image else config.liveness_path,
        tls_certificate=config.ssl_certificate_path if config.ssl_enabled else None,
        tls_key=config.ssl_key_path if config.ssl_enabled else None,
        scoring=Probe("/score", PORT) if image else Probe(config.scoring_path, port),
        liveness=Probe() if image else Probe(config.liveness_path, config.liveness_port or port),
        readiness=Probe() if image else Probe(config.readiness_path, config.readiness_port or port),
    )


def inner_settings(place: Place, plan: Plan, image: ServiceImage) -> dict[str, Any]:
    """Return the ``service.json`` of our server in the container."""
    config = _config(plan)
    if plan.source is None:
        raise ValueError("a plan with errors cannot be prepared")
    given = settings_in(plan.variables)
    if config.scoring_timeout_ms is not None:
        given["scoring_timeout_ms"] = config.scoring_timeout_ms
    asks = config.auth_enabled or config.token_auth_enabled
    settings = ServiceSettings(
        name=place.service,
        app_root=APP_ROOT,
        entry_script=plan.source.entry_script,
        source_directory=plan.source.folder_name,
        model_dir=f"{APP_ROOT}/{plan.model_dir}",
        python=image.python,
        environment={"WORKSPACE_NAME": place.workspace_name, "AML_APP_ROOT": APP_ROOT, **plan.variables},
        # The front outside knows the callers, and has a key of its own for what is in here.
        auth="key" if asks else None,
        auth_file=f"{RUN_FOLDER}/{GUARD}",
        spin_us=NO_POLLING,
        **given,
    )
    return settings_as_json(settings)


def _config(plan: Plan) -> ContainerConfig:
    if not isinstance(plan.deployment_config, ContainerConfig):
        raise ValueError("a plan for another target cannot be prepared")
    return plan.deployment_config


def _memory_bytes(resources: ResourceConfiguration) -> int:
    return int((resources.memory_gb or DEFAULT_MEMORY_GB) * GIGABYTE)


def _limits(resources: ResourceConfiguration, engine: Engine) -> tuple[str, ...]:
    options: list[str] = ["--security-opt", "no-new-privileges"]
    if engine.limits_memory:
        # As much with swap as without: none.
        options += ["--memory", str(_memory_bytes(resources))]
        options += ["--memory-swap", str(_memory_bytes(resources))]
    if resources.gpu_count:
        if engine.name == "docker":
            options += ["--gpus", str(resources.gpu_count)]
        else:
            for number in range(resources.gpu_count):
                options += ["--device", f"nvidia.com/gpu={number}"]
    if SELINUX.exists():
        # The files are the service's own, and their labels are not ours to change.
        options += ["--security-opt", "label=disable"]
    return tuple(options)


def _own_options() -> tuple[str, ...]:
    return (
        "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--user", USER, "--workdir", APP_ROOT,  # noqa: S108
        "--env", "HOME=/tmp", "--no-healthcheck", "--log-driver", "none", "--entrypoint", "/bin/sh",
    )  # fmt: skip


def _own_command() -> tuple[str, ...]:
    server = f"{SERVER}/bin/python -I -m moorage_server.front --settings {SERVER}/{SETTINGS_FILE}"
    return ("-c", f"exec 3>>{RUN_FOLDER}/{EVENTS}; exec {server} --host 0.0.0.0 --port {PORT} --ready-fd 3")


def _variables(variables: dict[str, str]) -> tuple[str, ...]:
    settings = (text for name, value in sorted(variables.items()) for text in ("--env", f"{name}={value}"))
    return (*settings, "--log-driver", "none")


def _mounts(plan: Plan, *, is_ours: bool) -> dict[str, str]:
    if is_ours:
        return {APP_FOLDER: APP_ROOT, SETTINGS_FILE: f"{SERVER}/{SETTINGS_FILE}"}
    return {f"{APP_FOLDER}/{MODELS_FOLDER}": f"{APP_ROOT}/{MODELS_FOLDER}"} if plan.models else {}
