"""Options, environment variables and ``config.json`` of a foreground server (contract section 2).

Everything here is a function from values to values; :mod:`moorage_server.serve` acts on the result.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moorage_server.errors import InvalidSettings
from moorage_server.insights import is_key
from moorage_server.settings import DEFAULT_SCORING_TIMEOUT_MS, ServiceSettings
from moorage_server.version import server_version

DEFAULT_PORT, DEFAULT_HEALTH_PORT = 5001, 5000
DEFAULT_WORKER_TIMEOUT_S = 300

_TRUE = frozenset({"true", "yes", "on", "1", "t", "y"})
_FALSE = frozenset({"false", "no", "off", "0", "f", "n"})
_WHOLE_NUMBER = re.compile(r"\s*[+-]?[0-9]+\s*")
# What the file may set. Workers and ports are for the command line and the environment.
_FILE_KEYS = frozenset(
    {
        "AML_APP_ROOT",
        "AML_APP_INSIGHTS_ENABLED",
        "AML_APP_INSIGHTS_KEY",
        "AML_CORS_ORIGINS",
        "AML_MODEL_DC_STORAGE_ENABLED",
        "APP_INSIGHTS_LOG_RESPONSE_ENABLED",
        "AZUREML_DEBUG_PORT",
        "AZUREML_ENTRY_SCRIPT",
        "AZUREML_LOG_LEVEL",
        "AZUREML_MODEL_DIR",
        "AZUREML_SOURCE_DIRECTORY",
        "HOSTNAME",
        "SCORING_TIMEOUT_MS",
        "SERVICE_NAME",
        "SERVICE_PATH_PREFIX",
        "SERVICE_VERSION",
        "WORKSPACE_NAME",
    }
)


_NUMBERS = {
    "SCORING_TIMEOUT_MS": "scoring_timeout_ms",
    "WORKER_COUNT": "worker_count",
    "WORKER_TIMEOUT": "worker_timeout_s",
    "AZUREML_DEBUG_PORT": "debug_port",
}
_TEXTS = {
    "AML_CORS_ORIGINS": "cors_origins",
    "SERVICE_PATH_PREFIX": "path_prefix",
    "SERVICE_VERSION": "version",
}


class InvalidWorkerCount(InvalidSettings):
    """``WORKER_COUNT`` is not a whole number above 0."""


class InvalidWorkerTimeout(InvalidSettings):
    """``WORKER_TIMEOUT`` is not a whole number from 0 on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What was said on the command line; None where nothing was said."""

    entry_script: str | None = None
    model_dir: str | None = None
    port: int | None = None
    health_port: int | None = None
    worker_count: int | None = None
    cors_origins: str | None = None
    config_file: str | None = None
    app_insights_key: str | None = None
    transport: str = "grpc"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """A foreground server, decided: what it serves and where it listens."""

    settings: ServiceSettings
    host: str
    port: int
    health_port: int | None  # of a second listener; None: there is none
    config_file: Path | None  # the one that was read
    app_insights_enabled: bool  # asked for, with a valid key
    app_insights_key_given: bool
    transport: str


class Values:
    """Variables by name without regard to case: environment first, then the file."""

    def __init__(self, environment: Mapping[str, str], content: Mapping[str, object] | None = None) -> None:
        self._environment = {name.upper(): value for name, value in environment.items()}
        self._content = {name.upper(): value for name, value in (content or {}).items()}

    def text(self, name: str) -> str | None:
        """Return a text value.

        Raises:
            InvalidSettings: the file has another type there.
        """
        value = self._find(name)
        if value is None or isinstance(value, str):
            return value
        raise InvalidSettings(f"{name} must be text, it is {json.dumps(value)}")

    def integer(self, name: str, default: int) -> int:
        """Return a whole number, given as one or as digits.

        Raises:
            InvalidSettings: it is neither.
        """
        value = self._find(name)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, float) and value.is_integer():  # 5000.0 in a file
            return int(value)
        if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
            return int(value)
        raise InvalidSettings(f"{name} must be a whole number, it is {json.dumps(value)}")

    def boolean(self, name: str, default: bool) -> bool:
        """Return a truth value.

        Raises:
            InvalidSettings: it is none of the usual words.
        """
        value = self._find(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        word = str(value).strip().lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        raise InvalidSettings(f"{name} must be true or false, it is {json.dumps(value)}")

    def _find(self, name: str) -> object:
        # The second spelling is an accident of the original that someone may rely on.
        for spelling in (name, f"AML_{name}"):
            if spelling in self._environment:
                return self._environment[spelling]
        return self._content.get(name) if name in _FILE_KEYS else None


def decide(
    flags: Flags, environment: Mapping[str, str], *, directory: Path, host: str, python: str
) -> ServerOptions:
    """Combine flags, environment and file, in this order of precedence.

    ``directory`` is the current one: the application root when nothing else is said.

    Raises:
        InvalidSettings: a value cannot be used, or the file cannot be read; the message names it.
    """
    environment_values = Values(environment)
    root = Path(environment_values.text("AML_APP_ROOT") or directory)
    config_file = find_config_file(flags, environment_values, directory, root)
    content = read_config_file(config_file) if config_file is not None else {}
    values = Values(environment, content)
    root = directory / (values.text("AML_APP_ROOT") or directory)
    if flags.entry_script:
        entry_script: str | None = str((directory / flags.entry_script).resolve())
    else:
        entry_script = values.text("AZUREML_ENTRY_SCRIPT") or None
    destination, key_given = _app_insights(values, flags.app_insights_key)
    debug_port = values.integer("AZUREML_DEBUG_PORT", 0)
    settings = ServiceSettings(
        name=values.text("SERVICE_NAME") or "ML service",
        version=values.text("SERVICE_VERSION") or "1.0",
        app_root=str(root),
        entry_script=entry_script,
        source_directory=values.text("AZUREML_SOURCE_DIRECTORY") or None,
        model_dir=flags.model_dir if flags.model_dir is not None else values.text("AZUREML_MODEL_DIR"),
        python=python,
        worker_count=_worker_count(flags, values),
        worker_timeout_s=_worker_timeout_s(values),
        preload=(values.text("WORKER_PRELOAD") or "").lower() == "true",
        scoring_timeout_ms=values.integer("SCORING_TIMEOUT_MS", DEFAULT_SCORING_TIMEOUT_MS),
        cors_origins=flags.cors_origins or values.text("AML_CORS_ORIGINS") or "",
        path_prefix=values.text("SERVICE_PATH_PREFIX") or "",
        debug_port=debug_port or None,
        server_version=_server_version(values),
        # The reference does not know them; whoever runs a server by hand wants to see its requests.
        smoke_run=False,
        access_log=True,
        app_insights=destination,
    )
    separate_health = values.text("SEPERATE_HEALTH_ENDPOINT") == "true"
    return ServerOptions(
        settings=settings,
        host=host,
        port=flags.port or DEFAULT_PORT,
        health_port=(flags.health_port or DEFAULT_HEALTH_PORT) if separate_health else None,
        config_file=config_file,
        app_insights_enabled=destination is not None,
        app_insights_key_given=key_given,
        transport=flags.transport,
    )


def settings_in(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of ``ServiceSettings`` that the variables of an environment choose.

    For services whose other settings come from a deployment: the old images read these variables, too.

    Raises:
        InvalidSettings: a value cannot be used; the message names the variable or the setting.
    """
    values = Values(variables)
    chosen: dict[str, Any] = {}
    for name, field in _NUMBERS.items():
        if values.text(name) is not None:
            chosen[field] = values.integer(name, 0)
    if not chosen.get("debug_port"):
        chosen.pop("debug_port", None)  # 0: none
    for name, field in _TEXTS.items():
        text = values.text(name)
        if text is not None:
            chosen[field] = text
    if values.text("WORKER_PRELOAD") is not None:
        chosen["preload"] = (values.text("WORKER_PRELOAD") or "").lower() == "true"
    chosen["app_insights"], _ = _app_insights(values)
    if values.text("SERVER_VERSION_LOG_RESPONSE_ENABLED") is not None:
        chosen["server_version"] = _server_version(values)
    ServiceSettings(**chosen)  # checks the ranges
    return chosen


def find_config_file(flags: Flags, environment: Values, directory: Path, root: Path) -> Path | None:
    """Return the first of the places for ``config.json`` where there is a file that is not empty."""
    places = []
    named = flags.config_file or environment.text("AZUREML_CONFIG_FILE")
    if named:
        places.append(directory / named)
    places.append(directory / root / "config.json")
    script = flags.entry_script or environment.text("AZUREML_ENTRY_SCRIPT")
    if script:
        base = directory if flags.entry_script else directory / root
        places.append((base / script).parent / "config.json")
    for place in places:
        if place.is_file() and place.stat().st_size:
            return place
    return None


def read_config_file(path: Path) -> dict[str, object]:
    """Return the object in a configuration file.

    Raises:
        InvalidSettings: it cannot be read or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidSettings(f"the configuration file {path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise InvalidSettings(f"the configuration file {path} must hold one JSON object")
    return content


def _app_insights(values: Values, key: str | None = None) -> tuple[str | None, bool]:
    """Return the connection string if telemetry is wanted and possible, and whether a key was given."""
    is_wanted = key is not None or values.text("AML_APP_INSIGHTS_ENABLED") == "true"
    key = key or values.text("AML_APP_INSIGHTS_KEY")
    string = values.text("APPLICATIONINSIGHTS_CONNECTION_STRING")
    if is_wanted and string:
        return string, True
    if is_wanted and key is not None and is_key(key):
        return f"InstrumentationKey={key}", True
    return None, key is not None


def _worker_count(flags: Flags, values: Values) -> int:
    if flags.worker_count is not None:
        return flags.worker_count
    try:
        count = values.integer("WORKER_COUNT", 1)
    except InvalidSettings as error:
        raise InvalidWorkerCount(str(error)) from error
    if count < 1:
        raise InvalidWorkerCount(f"WORKER_COUNT must be above 0, it is {count}")
    return count


def _worker_timeout_s(values: Values) -> int:
    try:
        timeout_s = values.integer("WORKER_TIMEOUT", DEFAULT_WORKER_TIMEOUT_S)
    except InvalidSettings as error:
        raise InvalidWorkerTimeout(str(error)) from error
    if timeout_s < 0:
        raise InvalidWorkerTimeout(f"WORKER_TIMEOUT must not be negative, it is {timeout_s}; 0 means none")
    return timeout_s


def _server_version(values: Values) -> str | None:
    switch = values.text("SERVER_VERSION_LOG_RESPONSE_ENABLED")
    if switch is None or switch.lower() == "true":
        return server_version()
    return values.text("HTTP_X_MS_SERVER_VERSION") or None
