"""Registries of images: fetching from them and pushing to them, with the engine's own means.

Nobody's password is on a command line: the engine has its own store (``podman login``), and credentials that
an environment brings along are in a file that only we can read, for as long as the command takes.
"""

import base64
import json
import os
import re
import shlex
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from moorage.errors import MoorageError, RegistryFault
from moorage.packaging.bases import Base, Credentials
from moorage.packaging.engines import Engine, OnLine, last_words

OPTIONS_VARIABLE = "MOORAGE_REGISTRY_OPTIONS"
_REFUSED = (
    "unauthorized",
    "authentication required",
    "access denied",
    "denied:",
    "forbidden",
    "no basic auth",
)
_UNREACHABLE = ("connection refused", "no such host", "i/o timeout", "no route to host", "tls:", "x509:")
_PLAIN = "server gave http response to https client"


def host_of(image: str) -> str | None:
    """Return the registry in the name of an image, None if it names no other machine."""
    host, slash, _rest = image.partition("/")
    is_host = bool(slash) and host != "localhost" and ("." in host or ":" in host)
    return host if is_host else None


def pull(engine: Engine, image: str, on_line: OnLine, credentials: Credentials | None = None) -> None:
    """Fetch an image; with ``credentials`` as that user, else as whoever signed in to the engine.

    Raises:
        RegistryFault: the registry refuses, cannot be reached, or has no such image.
    """
    host = host_of(image) or "docker.io"
    if credentials is None:
        engine.run(
            _command("pull", image),
            on_line,
            lambda said: _fault(engine, f"{image} cannot be pulled", host, said),
        )
        return
    with _store(engine, credentials) as (options, variables):
        command = _command("pull", image, *options)
        text = f"{image} cannot be pulled as {credentials.username}"
        engine.run(command, on_line, lambda said: _fault(engine, text, host, said, is_known=True), variables)


def fetch(engine: Engine, base: Base, images: Iterable[str], on_line: OnLine) -> None:
    """Pull what a build starts from and is not here: else the build says at length what a line can say.

    Raises:
        RegistryFault: see `pull`; or a name says that the image is of this machine, and it is not.
    """
    for image in images:
        if engine.has(image):
            continue
        if image.startswith("localhost/"):
            raise RegistryFault(f"the image {image} is not on this machine; see: {engine.name} images")
        on_line(f"{engine.name} fetches the image {image}")
        pull(engine, image, on_line, base.credentials if image == base.image else None)


def push(engine: Engine, image: str, on_line: OnLine) -> str | None:
    """Push an image to the registry in its name; return its digest there if the engine says it.

    Raises:
        RegistryFault: the registry refuses, or cannot be reached.
    """
    host = host_of(image) or "docker.io"

    def fault(said: list[str]) -> MoorageError:
        return _fault(engine, f"the image is built, but {image} cannot be pushed", host, said)

    if engine.name == "docker":
        said = engine.run(["push", image], on_line, fault)
        found = re.findall(r"digest: (sha256:[0-9a-f]{64})", "\n".join(said))
        return found[-1] if found else None
    with tempfile.TemporaryDirectory(prefix="moorage-push-") as folder:
        file = Path(folder, "digest")
        engine.run(_command("push", image, "--digestfile", str(file)), on_line, fault)
        return file.read_text(encoding="utf-8").strip() or None


def _command(verb: str, image: str, *options: str) -> list[str]:
    return [verb, *options, *shlex.split(os.environ.get(OPTIONS_VARIABLE, "")), image]


@contextmanager
def _store(engine: Engine, credentials: Credentials) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Give options and variables that make an engine sign in as somebody; its own store stays as it is."""
    word = base64.b64encode(f"{credentials.username}:{credentials.password}".encode()).decode()
    # Docker knows its own registry by this address.
    docker_hub = "https://index.docker.io/v1/"
    names = [credentials.registry, *([docker_hub] if credentials.registry == "docker.io" else [])]
    with tempfile.TemporaryDirectory(prefix="moorage-auth-") as folder:  # 0700
        file = Path(folder, "config.json")
        document: dict[str, object] = {"auths": {name: {"auth": word} for name in names}}
        if engine.name == "docker":
            document.update(_current_context(Path(folder)))
        file.write_text(json.dumps(document), encoding="utf-8")
        if engine.name == "docker":
            yield [], {"DOCKER_CONFIG": folder}
        else:
            yield ["--authfile", str(file)], {}


def _current_context(folder: Path) -> dict[str, object]:
    """Let Docker reach the daemon that it uses otherwise: which one that is, is kept with the credentials."""
    own = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        name = json.loads((own / "config.json").read_text(encoding="utf-8")).get("currentContext")
    except (OSError, ValueError):
        return {}
    if (own / "contexts").is_dir():
        (folder / "contexts").symlink_to(own / "contexts")
    return {"currentContext": name} if name else {}


def _fault(engine: Engine, text: str, host: str, said: list[str], is_known: bool = False) -> MoorageError:
    # Podman warns of each try; what it says in the end is enough.
    last = "\n".join(last_words([line for line in said if "level=warning" not in line])[-1:])
    low = last.lower()
    if _PLAIN in low:
        advice = f"{host} speaks no TLS; if that is meant, set {OPTIONS_VARIABLE}=--tls-verify=false"
    elif any(sign in low for sign in _REFUSED):
        login = "are user name and password right?" if is_known else f"sign in: {engine.name} login {host}"
        advice = f"{host} refuses; {login}"
    elif any(sign in low for sign in _UNREACHABLE):
        advice = f"{host} cannot be reached"
    else:
        advice = f"{engine.name} says"
    return RegistryFault(f"{text}: {advice}\n{last}")
