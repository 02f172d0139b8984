"""What one front serves: the content of ``service.json`` as one frozen record."""

import dataclasses
import json
import sys
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moorage_server.errors import InvalidSettings
from moorage_server.version import server_version

DEFAULT_SCORING_TIMEOUT_MS = 3_600_000
DEFAULT_MAX_BODY_BYTES = 100_000_000
# For containers: whoever counts their processor time, to scale or to bill, is to see work and no polling.
NO_POLLING = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """Settings of one service, read once at start and passed on as they are."""

    name: str = "ML service"  # title of the OpenAPI documents
    version: str = "1.0"  # version in the OpenAPI documents
    app_root: str = "."  # base of relative paths, on the import path of the script; made absolute
    entry_script: str | None = None  # absolute, or relative to app_root; null: `import main`
    source_directory: str | None = None  # below app_root, added to the import path
    revision_file: str | None = None  # digests of model files, compared before a scorer loads them
    model_dir: str | None = None  # becomes AZUREML_MODEL_DIR as it is
    python: str = sys.executable  # interpreter of the scorers
    environment: dict[str, str] = field(default_factory=dict)  # variables for the scorers
    worker_count: int = 1  # scorer processes; each holds its own copy of the model
    max_scorer_memory_bytes: int = 0  # a scorer that uses more of its own is replaced; 0: never
    preload: bool = False  # run init() once and fork the scorers from there
    memory_limit_bytes: int = 0  # a scorer cannot have more: it gets a MemoryError; 0: no limit
    open_files_limit: int = 0  # files and connections that a scorer may have open; 0: as the server's own
    niceness: int = 0  # how much scorers give way to others, 0 to 19
    cpu_cores_limit: float = 0.0  # processors that all scorers together may use; 0: no limit
    user: str | None = None  # as whom scorers run if this is root: auto, a name, a number; null: as root
    user_home: str | None = None  # HOME of that user, made for it and handed over with app_root
    scoring_timeout_ms: int = DEFAULT_SCORING_TIMEOUT_MS  # of one run(); 0: none
    worker_timeout_s: int = 0  # kill a scorer that is longer in one request, whatever it does; 0: never
    max_concurrent_requests: int = 1000  # running and waiting together; beyond: 503 at once
    max_queue_wait_ms: int = 300_000  # a request that waits longer for a scorer gets a 503
    max_connections: int = 4096  # open at the same time; beyond: 503
    max_body_bytes: int = (
        DEFAULT_MAX_BODY_BYTES  # of a request; beyond: 413. As large as the old router allowed
    )
    max_batch_size: int = 1  # requests that may be concatenated for one run(); 1: none
    max_batch_delay_ms: float = 0.0  # how long a batch waits for more requests; 0: never
    cors_origins: str = ""  # comma separated; empty: no CORS headers
    path_prefix: str = ""  # in front of the paths of the OpenAPI documents; routing does not change
    development: bool = False  # tracebacks in answers, restart on changes
    legacy_status: bool = False  # 500 instead of 400 when the schema refuses an input
    public_examples: bool = True  # show the samples of the schema in the OpenAPI documents
    smoke_run: bool = True  # score the sample once before the service is called ready
    debug_port: int | None = None  # where debugpy listens on this machine
    spin_us: int | None = None  # how long a scorer polls for the next request; 0: never, null: see polling.py
    access_log: bool = False  # one line per scoring request
    app_insights: str | None = None  # connection string: where request telemetry goes; null: nowhere
    server_version: str | None = field(default_factory=server_version)  # x-ms-server-version; null: not sent
    auth: str | None = None  # what callers must bring: key or token; null: nothing
    auth_file: str = "auth.json"  # who is admitted; relative to the settings file; read again when it changes
    tls_certificate: str | None = None  # PEM file with the chain; read again when it changes; null: no TLS
    tls_key: str | None = None  # PEM file with the key of the certificate, without a password
    rate_limit_per_s: float = 0.0  # scoring requests of one key, token or address; beyond: 429. 0: no limit
    rate_limit_burst: int = 0  # how many may come at once after a pause; 0: as many as in a second
    public_routes: str = "/"  # comma separated; open to everybody also with `auth`

    def __post_init__(self) -> None:
        for name, lowest in _LOWEST.items():
            value = getattr(self, name)
            if value is not None and value < lowest:
                raise InvalidSettings(f"{name} must be at least {lowest}, it is {value}")
        if self.app_insights is not None:
            from moorage_server.insights import parse_connection_string

            parse_connection_string(self.app_insights)
        if self.debug_port is not None and not 1 <= self.debug_port <= 65535:
            raise InvalidSettings(f"debug_port must be between 1 and 65535, it is {self.debug_port}")
        if self.auth not in (None, "key", "token"):
            raise InvalidSettings(f"auth must be key, token or null, it is {self.auth!r}")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise InvalidSettings("tls_certificate and tls_key belong together: give both or neither")
        if self.server_version is not None and not (
            self.server_version.isascii() and self.server_version.isprintable()
        ):
            raise InvalidSettings("server_version is sent as a header: printable ASCII only")

    @property
    def entry_path(self) -> Path | None:
        """Absolute path of the entry script; None when ``main`` is imported instead."""
        return None if self.entry_script is None else Path(self.app_root, self.entry_script)


_LOWEST = {
    "worker_count": 1,
    "max_scorer_memory_bytes": 0,
    "scoring_timeout_ms": 0,
    "worker_timeout_s": 0,
    "max_concurrent_requests": 1,
    "max_queue_wait_ms": 0,
    "max_body_bytes": 1,
    "max_connections": 1,
    "memory_limit_bytes": 0,
    "open_files_limit": 0,
    "niceness": 0,
    "cpu_cores_limit": 0,
    "rate_limit_per_s": 0,
    "rate_limit_burst": 0,
    "max_batch_size": 1,
    "max_batch_delay_ms": 0,
    "spin_us": 0,
}
_TYPES = typing.get_type_hints(ServiceSettings)


def parse_settings(values: object, *, base: Path | None = None) -> ServiceSettings:
    """Return the settings that a decoded JSON object describes.

    Relative paths count from ``base`` (the folder of the file), else from the current directory.

    Raises:
        InvalidSettings: not an object, an unknown key, a value of the wrong type or out of range.
    """
    if not isinstance(values, dict):
        raise InvalidSettings("the settings must be a JSON object")
    unknown = sorted(set(values) - set(_TYPES))
    if unknown:
        raise InvalidSettings(f"unknown settings: {', '.join(unknown)}. Known: {', '.join(_TYPES)}")
    checked = {name: _checked(name, value, _TYPES[name]) for name, value in values.items()}
    folder = base or Path()
    checked["app_root"] = str(folder.joinpath(checked.get("app_root", ".")).absolute())
    if checked.get("auth") is not None:
        checked.setdefault("auth_file", "auth.json")
    for name in ("auth_file", "tls_certificate", "tls_key", "user_home", "revision_file"):
        if checked.get(name) is not None:
            checked[name] = str(folder.joinpath(checked[name]).absolute())
    return ServiceSettings(**checked)


def read_settings(path: Path) -> ServiceSettings:
    """Return the settings of a ``service.json``.

    Raises:
        InvalidSettings: the file cannot be read or does not hold valid settings; the message names it.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidSettings(f"the settings file {path} cannot be read: {error}") from error
    try:
        return parse_settings(values, base=path.absolute().parent)
    except InvalidSettings as error:
        raise InvalidSettings(f"{path}: {error}") from error


def settings_as_json(settings: ServiceSettings) -> dict[str, Any]:
    """Return the object that :func:`parse_settings` turns back into ``settings``."""
    return dataclasses.asdict(settings)


def _checked(name: str, value: object, kind: Any) -> Any:
    allowed = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    for option in allowed:
        if option is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if typing.get_origin(option) is dict:
            if isinstance(value, dict) and all(
                isinstance(k, str) and isinstance(v, str) for k, v in value.items()
            ):
                return dict(value)
        elif type(value) is option:
            return value
    wanted = " or ".join(_WORDS.get(option, "object with text values") for option in allowed)
    raise InvalidSettings(f"{name} must be {wanted}, it is {json.dumps(value, default=str)}")


_WORDS: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}
