"""The deployment manifest of Azure IoT Edge for a packaged model: which module runs, how, what it is sent.

Its form: the schema ``azure-iot-edge-deployment-2.0`` of json.schemastore.org.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from moorage.errors import InvalidArgument
from moorage.packaging.dockerfile import PORT
from moorage.packaging.registries import host_of

RUNTIME_VERSION = "1.5"
_RUNTIME_IMAGES = "mcr.microsoft.com/azureiotedge"
# What the hub takes of one text; longer create options go on in createOptions01 and so on.
_LONGEST_OPTION = 512
_MOST_OPTIONS = 8
_KEPT_S = 7200


def manifest(
    image: str, *, module: str | None = None, source: str | None = None, memory_bytes: int | None = None
) -> dict[str, Any]:
    """Return the manifest for a device that runs an image beside the two modules of the runtime.

    ``module`` is its name on the device (default: the image's). ``source`` is ``MODULE/OUTPUT`` of the one
    whose messages go to the input ``amlInput``; what comes from ``amlOutput`` goes to the cloud in any case.

    Raises:
        InvalidArgument: a device cannot pull that image, or a name is not possible.
    """
    if host_of(image) is None:
        text = f"a device cannot pull {image}: it names no registry; call it registry.example.org/team/name"
        raise InvalidArgument("image_name", text)
    name = _module_name(image, module)
    return {
        "modulesContent": {
            "$edgeAgent": {"properties.desired": _agent(image, name, memory_bytes)},
            "$edgeHub": {
                "properties.desired": {
                    "schemaVersion": "1.1",
                    "routes": _routes(name, source),
                    "storeAndForwardConfiguration": {"timeToLiveSecs": _KEPT_S},
                }
            },
        }
    }


def create_options(memory_bytes: int | None = None) -> dict[str, Any]:
    """Return how Docker shall create the container: as we run it ourselves, reachable on port 5001."""
    host: dict[str, Any] = {
        "PortBindings": {f"{PORT}/tcp": [{"HostPort": str(PORT)}]},
        "ReadonlyRootfs": True,
        "Tmpfs": {"/tmp": ""},  # noqa: S108 - in the container
        "CapDrop": ["ALL"],
    }
    if memory_bytes is not None:
        host["Memory"] = memory_bytes
    return {"ExposedPorts": {f"{PORT}/tcp": {}}, "HostConfig": host}


def _agent(image: str, module: str, memory_bytes: int | None) -> dict[str, Any]:
    hub_ports = {f"{port}/tcp": [{"HostPort": str(port)}] for port in (443, 5671, 8883)}
    running = {"type": "docker", "status": "running", "restartPolicy": "always"}
    return {
        "schemaVersion": "1.1",
        "runtime": {"type": "docker", "settings": {"minDockerVersion": "v1.25"}},
        "systemModules": {
            "edgeAgent": {
                "type": "docker",
                "settings": _settings(f"{_RUNTIME_IMAGES}-agent:{RUNTIME_VERSION}"),
            },
            "edgeHub": {
                **running,
                "settings": _settings(
                    f"{_RUNTIME_IMAGES}-hub:{RUNTIME_VERSION}", {"HostConfig": {"PortBindings": hub_ports}}
                ),
            },
        },
        "modules": {
            module: {**running, "version": "1.0", "settings": _settings(image, create_options(memory_bytes))}
        },
    }


def _settings(image: str, options: Mapping[str, Any] | None = None) -> dict[str, str]:
    text = json.dumps(options or {}, sort_keys=True, separators=(",", ":"))
    pieces = [text[at : at + _LONGEST_OPTION] for at in range(0, len(text), _LONGEST_OPTION)]
    if len(pieces) > _MOST_OPTIONS:
        raise InvalidArgument("create options", f"they have {len(text)} characters, more than a hub takes")
    keys = ["createOptions", *(f"createOptions{number:02}" for number in range(1, len(pieces)))]
    return {"image": image, **dict(zip(keys, pieces, strict=True))}


def _routes(module: str, source: str | None) -> dict[str, str]:
    routes = {"modelToCloud": f"FROM /messages/modules/{module}/outputs/amlOutput INTO $upstream"}
    if source is not None:
        match = re.fullmatch(r"([A-Za-z0-9_-]+)/([A-Za-z0-9_.-]+)", source)
        if match is None or match[1] == module:
            raise InvalidArgument("source", f"{source!r} is not MODULE/OUTPUT of another module")
        target = f'BrokeredEndpoint("/modules/{module}/inputs/amlInput")'
        routes["sourceToModel"] = f"FROM /messages/modules/{match[1]}/outputs/{match[2]} INTO {target}"
    return routes


def _module_name(image: str, module: str | None) -> str:
    if module is None:
        last = image.rpartition("/")[2].partition(":")[0].partition("@")[0]
        module = re.sub(r"[^A-Za-z0-9_-]", "-", last)
    if re.fullmatch(r"[A-Za-z0-9_-]{1,128}", module) is None:
        raise InvalidArgument("module", f"{module!r} is not a name of letters, digits, '-' and '_'")
    return module
