"""The container engine that runs services: which one, and what it can do."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moorage.errors import ContainerEngineNotFound, InvalidArgument
from moorage.packaging.engines import CHOICE_VARIABLE

if TYPE_CHECKING:
    from python_on_whales import DockerClient

MODE_VARIABLE = CHOICE_VARIABLE
MODES = ("auto", "none", "docker", "podman")
RUNNERS = ("docker", "podman")
PROBE_TIMEOUT_S = 20.0
# What tells a program where its engine, its settings and its images are; a rootless one is found by these.
_VARIABLES = frozenset({"DBUS_SESSION_BUS_ADDRESS", "REGISTRY_AUTH_FILE", "STORAGE_DRIVER", "STORAGE_OPTS"})
_PREFIXES = ("DOCKER_", "CONTAINER_", "CONTAINERS_", "XDG_")
_HERE = ("unix://", "fd://", "npipe://", "tcp://localhost:", "tcp://127.", "tcp://[::1]")


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers. ``limits_cpu`` and ``limits_memory``: it can hold containers to that here."""

    name: str
    path: str
    limits_cpu: bool = True
    limits_memory: bool = True

    @property
    def client(self) -> "DockerClient":
        from python_on_whales import DockerClient  # takes a while, and most commands need no engine

        return DockerClient(client_call=[self.path])

    def has_image(self, image: str) -> bool:
        with self._ours():
            return self.client.image.exists(image)

    def image_id(self, image: str) -> str | None:
        """Return the id of an image that is here, None if it is not."""
        if not self.has_image(image):
            return None
        with self._ours():
            return self.client.image.inspect(image).id

    def remove_containers(self, label: str) -> None:
        """Remove all containers with a label (``key=value``), running or not; harmless without any."""
        client = self.client
        with self._ours():
            found = client.container.list(all=True, filters=[("label", label)])
            if found:
                client.container.remove(found, force=True)

    @contextmanager
    def _ours(self) -> Iterator[None]:
        """Raise ContainerEngineNotFound for what the engine refuses that was asked of it."""
        from python_on_whales.exceptions import DockerException

        try:
            yield
        except DockerException as error:
            raise ContainerEngineNotFound(
                [f"{self.name} does not work: {last_line(error.stderr or '')}"]
            ) from error


def chosen_mode() -> str:
    """Return which engine shall run containers: ``auto``, ``none``, ``docker`` or ``podman``.

    Raises:
        InvalidArgument: the variable has another value.
    """
    mode = os.environ.get(MODE_VARIABLE, "").lower() or "auto"
    if mode not in MODES:
        raise InvalidArgument(MODE_VARIABLE, f"{mode!r} is none of {', '.join(MODES)}")
    return mode


def find_engine() -> Engine:
    """Return the engine that runs containers here.

    Raises:
        ContainerEngineNotFound: none is installed, none answers, or none is wanted.
    """
    mode = chosen_mode()
    if mode == "none":
        raise ContainerEngineNotFound([f"{MODE_VARIABLE} is none"])
    faults = []
    for name in RUNNERS if mode == "auto" else (mode,):
        path = shutil.which(name)
        if path is None:
            faults.append(f"{name} is not installed")
            continue
        elsewhere = _elsewhere(name)
        facts, fault = ({}, elsewhere) if elsewhere else _info(path)
        if fault is None:
            return _engine(name, path, facts)
        faults.append(f"{name} does not work: {fault}")
    raise ContainerEngineNotFound(faults)


def engine_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Return what the engine's program needs of ``variables`` to find its engine, also after a restart."""
    return {n: v for n, v in variables.items() if n in _VARIABLES or n.startswith(_PREFIXES)}


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gives no reason"


def _elsewhere(name: str) -> str | None:
    """Say so if the engine is one of another machine: a container there sees no file and has no port here."""
    variable = "DOCKER_HOST" if name == "docker" else "CONTAINER_HOST"
    address = os.environ.get(variable, "")
    if not address or address.startswith(_HERE) or "://" not in address:
        return None
    return f"{variable} names the engine of another machine, and services run on this one"


def _info(path: str) -> tuple[dict[str, Any], str | None]:
    try:
        answer = subprocess.run(  # noqa: S603 - the engine
            [path, "info", "--format", "{{json .}}"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {}, str(error)
    try:
        facts = json.loads(answer.stdout)
    except ValueError:
        facts = None
    # The client of Docker ends well and lists the faults of a daemon that it did not reach.
    errors = facts.get("ServerErrors") if isinstance(facts, dict) else None
    if answer.returncode != 0 or errors or not isinstance(facts, dict):
        return {}, last_line("\n".join(errors) if errors else answer.stderr)
    return facts, None


def _engine(name: str, path: str, facts: dict[str, Any]) -> Engine:
    host = facts.get("host")
    if isinstance(host, dict):  # Podman
        controllers = host.get("cgroupControllers") or ()
        is_old_rootless = host.get("cgroupVersion") == "v1" and bool(
            (host.get("security") or {}).get("rootless")
        )
        can = set() if is_old_rootless else set(controllers)
        return Engine("podman", path, "cpu" in can, "memory" in can)
    cpu, memory = facts.get("CPUCfsQuota", facts.get("CpuCfsQuota", True)), facts.get("MemoryLimit", True)
    return Engine(name, path, bool(cpu), bool(memory))
