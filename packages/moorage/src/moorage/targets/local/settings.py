"""The settings of a front, made from a plan."""

from pathlib import Path
from typing import Any

from moorage.deployments import LocalConfig
from moorage.deployments.plans import Plan
from moorage.deployments.resources import local_limits
from moorage.targets.contract import Place
from moorage.targets.local.folders import APP_FOLDER, GUARD_FILE, REVISION_FILE
from moorage_server.environment import settings_in
from moorage_server.scorer_user import AUTOMATIC
from moorage_server.settings import ServiceSettings, settings_as_json

SAME_USER = "same"
# Where a deployment says nothing, the variables of its environment count, then the server's defaults.
_OPTIONAL = (
    "max_scorer_memory_bytes",
    "memory_limit_bytes",
    "open_files_limit",
    "niceness",
    "cpu_cores_limit",
    "rate_limit_per_s",
    "rate_limit_burst",
    "scoring_timeout_ms",
    "max_concurrent_requests",
    "max_queue_wait_ms",
    "preload",
    "cors_origins",
)


def service_settings(place: Place, plan: Plan, revision_folder: Path) -> dict[str, Any]:
    """Return the content of ``service.json`` for a plan without errors."""
    config, source = plan.deployment_config, plan.source
    if not isinstance(config, LocalConfig) or source is None or plan.python is None:
        raise ValueError("a plan with errors, or for another target, cannot be prepared")
    given = local_limits(config, plan.resources)
    given.update(settings_in(plan.variables))
    given.update((name, getattr(config, name)) for name in _OPTIONAL if getattr(config, name) is not None)
    if config.worker_count > 1:
        given["worker_count"] = config.worker_count
    settings = ServiceSettings(
        name=place.service,
        # Relative: to the folder of the settings file.
        app_root=APP_FOLDER,
        entry_script=source.entry_script,
        source_directory=source.folder_name,
        # Absolute, so that a script which changes its current folder still finds its model.
        model_dir=str(revision_folder / APP_FOLDER / plan.model_dir),
        python=str(plan.python),
        environment={"WORKSPACE_NAME": place.workspace_name, **plan.variables},
        max_batch_size=config.max_batch_size,
        max_batch_delay_ms=config.max_batch_delay_ms,
        spin_us=config.spin_us,
        legacy_status=config.legacy_status,
        public_examples=config.public_examples,
        user=None if config.user == SAME_USER else config.user or AUTOMATIC,
        revision_file=str(revision_folder / REVISION_FILE),
        user_home=str(revision_folder / "home"),
        auth="token" if config.token_auth_enabled else "key" if config.auth_enabled else None,
        auth_file=f"../../{GUARD_FILE}",
        public_routes=config.public_routes,
        tls_certificate=config.ssl_certificate_path if config.ssl_enabled else None,
        tls_key=config.ssl_key_path if config.ssl_enabled else None,
        **given,
    )
    return settings_as_json(settings)
