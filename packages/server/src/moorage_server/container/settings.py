"""The settings of a service in a container: ``container.json``, written by the control plane."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moorage_server.errors import InvalidSettings
from moorage_server.settings import DEFAULT_MAX_BODY_BYTES
from moorage_server.supervision.files import CONTAINER_SETTINGS

FILE_NAME = CONTAINER_SETTINGS
SERVER_PORT = 5001
RUN_FOLDER = "/run/moorage"  # in the container: where our own server reports, and finds who may call


@dataclass(frozen=True, slots=True)
class Probe:
    """Where a container is asked how it is: a path and a TCP port in the container."""

    path: str = "/"
    port: int = SERVER_PORT


@dataclass(frozen=True, slots=True)
class ContainerSettings:
    """What to run and how to reach it. ``folder`` is where the file was: relative paths count from there."""

    engine: str  # path of the engine's program
    image: str
    name: str  # containers are called like this, with a random end
    label: str  # KEY=VALUE that all containers of the service carry
    folder: str = ""
    run_folder: str = "run"  # for one folder per container, which is mounted into it
    is_ours: bool = False  # the image has our server: it reports to RUN_FOLDER, and may ask for a key
    options: tuple[str, ...] = ()  # of the engine's `run`
    command: tuple[str, ...] = ()  # behind the image
    mounts: Mapping[str, str] = field(default_factory=dict)  # path here to path in the container, read only
    engine_variables: Mapping[str, str] = field(default_factory=dict)  # where its program finds the engine
    cpu_cores: float | None = None  # once it is ready; until then it may have at least one
    memory_bytes: int | None = None
    scoring: Probe = Probe("/score")  # what is asked of /score is asked of this path
    liveness: Probe = Probe()
    readiness: Probe = Probe()
    start_timeout_s: float = 300.0
    response_timeout_s: float = 0.0  # until an answer begins; 0: our server in it has its own limits
    stop_timeout_s: float = 30.0
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES
    max_connections: int = 4096
    auth: str | None = None  # key, token, or null: everybody may call
    auth_file: str = ""
    public_routes: str = "/"  # comma separated; open to everybody also with `auth`
    tls_certificate: str | None = None
    tls_key: str | None = None

    @property
    def ports(self) -> tuple[int, ...]:
        """All ports of the container that are used, the one for scoring first."""
        return tuple(dict.fromkeys((self.scoring.port, self.liveness.port, self.readiness.port)))


def as_json(settings: ContainerSettings) -> dict[str, Any]:
    """Return the object that :func:`read` turns back into ``settings``."""
    value = dataclasses.asdict(settings)
    del value["folder"]
    return value


def read(path: Path) -> ContainerSettings:
    """Return the settings in a file; its own folder and all paths in it are absolute then.

    Raises:
        InvalidSettings: it cannot be read, or does not hold such settings; the message names it.
    """
    folder = path.absolute().parent
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        for name in ("scoring", "liveness", "readiness"):
            if name in value:
                value[name] = Probe(**value[name])
        for name in ("options", "command"):
            value[name] = tuple(value.get(name, ()))
        for name in ("auth_file", "run_folder", "tls_certificate", "tls_key"):
            if value.get(name):
                value[name] = str(folder / value[name])
        value["mounts"] = {str(folder / here): there for here, there in value.get("mounts", {}).items()}
        return ContainerSettings(**value, folder=str(folder))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InvalidSettings(f"the settings file {path} cannot be used: {error}") from error
