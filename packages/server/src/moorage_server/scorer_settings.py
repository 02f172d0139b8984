"""What a scorer is told, and how long it may take: both follow from the settings of the service."""

from typing import Any

from moorage_runtime import frames
from moorage_server.settings import ServiceSettings

WATCHDOG_GRACE_S = 0.5  # a script that reacts to its timeout has this long to answer


def run_limit_s(settings: ServiceSettings) -> float:
    """Seconds after which a scorer that is in one request is killed; 0: never."""
    limits = []
    if settings.scoring_timeout_ms:
        limits.append(
            settings.scoring_timeout_ms / 1000 + settings.max_batch_delay_ms / 1000 + WATCHDOG_GRACE_S
        )
    if settings.worker_timeout_s:
        limits.append(float(settings.worker_timeout_s))
    return min(limits, default=0.0)


def configuration(settings: ServiceSettings, spin_us: int) -> dict[str, Any]:
    """Return the content of ``CONFIGURE``, see ``docs/protocol.md``."""
    return {
        "protocol": frames.PROTOCOL_VERSION,
        "entry_script": settings.entry_script,
        "app_root": settings.app_root,
        "source_directory": settings.source_directory,
        "model_dir": settings.model_dir,
        "scoring_timeout_ms": settings.scoring_timeout_ms,
        "max_batch_size": settings.max_batch_size,
        "max_batch_delay_ms": settings.max_batch_delay_ms,
        "spin_us": spin_us,
        # For the smoke run as well; whether a client sees a traceback is decided by the front.
        "development": settings.development or settings.smoke_run,
        "legacy_status": settings.legacy_status,
        "public_examples": settings.public_examples,
        "service_name": settings.name,
        "service_version": settings.version,
        "path_prefix": settings.path_prefix,
        "debug_port": settings.debug_port,
    }
