"""The environment variables that the contract promises to scripts (section 2.2)."""

import os
from collections.abc import Sequence

from moorage_server.settings import ServiceSettings


def script_variables(settings: ServiceSettings, ports: Sequence[int]) -> dict[str, str]:
    """Return them; ``ports`` are the scoring port and, if there is one, the health port.

    ``AZUREML_MODEL_DIR`` is absent when there is no model folder.
    """
    variables = {
        "AML_APP_ROOT": settings.app_root,
        "SERVER_PORT": str(ports[0]),
        "HEALTH_PORT": str(ports[-1]),
        "WORKER_COUNT": str(settings.worker_count),
        "AML_APP_INSIGHTS_ENABLED": os.environ.get("AML_APP_INSIGHTS_ENABLED", "false"),
        "TRANSPORT_PROTOCOL": os.environ.get("TRANSPORT_PROTOCOL", "grpc"),
    }
    if settings.entry_path is not None:
        variables["AZUREML_ENTRY_SCRIPT"] = str(settings.entry_path)
    if settings.model_dir is not None:
        variables["AZUREML_MODEL_DIR"] = settings.model_dir
    if settings.server_version is not None:
        variables["HTTP_X_MS_SERVER_VERSION"] = settings.server_version
    return variables
