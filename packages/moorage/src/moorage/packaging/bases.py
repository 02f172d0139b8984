"""What a package starts from: an image by name, or the user's own Dockerfile as the first stages of ours."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from moorage.deployments.inference import InferenceConfig
from moorage.environments import DockerSpecification, Environment
from moorage.errors import InvalidConfiguration

BASE_VARIABLE = "MOORAGE_BASE_IMAGE"
STAGE = "moorage-base"
# The images of the old platform had its serving stack; theirs are retired.
_RETIRED = ("mcr.microsoft.com/azureml", "viennaglobal")
_DIRECTIVE = re.compile(r"#\s*(syntax|escape|check)\s*=", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?([\"']?)(\w+)\1")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs in at a registry (``host:port``). Neither printed nor kept."""

    registry: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Base:
    """One of ``image`` (a full name) and ``dockerfile`` (its text), or neither: then Python's own image.

    ``credentials`` are for the registry of ``image``; None: whatever the engine knows itself.
    """

    image: str | None = None
    dockerfile: str | None = None
    credentials: Credentials | None = None

    @property
    def is_own(self) -> bool:
        """Tell whether the user named it: then nothing about its Python is known beforehand."""
        return self.image is not None or self.dockerfile is not None


def find_base(environment: Environment, config: InferenceConfig, chosen: str | None = None) -> Base:
    """Return what an image starts from: ``chosen``, what the environment says, or ``MOORAGE_BASE_IMAGE``.

    Raises:
        InvalidConfiguration: it can be understood in two ways, or not at all.
    """
    docker = environment.docker
    text = _dockerfile(docker) if chosen is None and docker is not None else None
    if text:
        # An image beside it is the default that old definitions have.
        as_stage(text)
        return Base(dockerfile=text)
    if docker is not None:
        image, address = docker.base_image, docker.registry_address
        user, password = docker.registry_username, docker.registry_password
    else:
        image, address = config.base_image, config.base_image_registry
        user, password = config.base_image_credentials or (None, None)
    if chosen is not None or image is None or image.startswith(_RETIRED):
        return Base(chosen or os.environ.get(BASE_VARIABLE) or None)
    image = _full_name(image, address)
    if not user or not password:
        return Base(image)
    return Base(image, credentials=Credentials(_registry_of(image), user, password))


def as_stage(text: str) -> tuple[str, str]:
    """Return a Dockerfile whose last stage has a name, and that name.

    Raises:
        InvalidConfiguration: it has no stage, or copies files, of which there are none beside a text.
    """
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")
    last: tuple[int, int, str] | None = None
    for first, end, instruction in _instructions(lines):
        word = instruction.split(maxsplit=1)[0].upper()
        if word == "FROM":
            last = (first, end, instruction)
        elif word in ("COPY", "ADD") and not re.search(r"\s--from=|<<|\shttps?://", instruction):
            advice = "put them into an image and name that as base_image"
            raise InvalidConfiguration(
                f"base_dockerfile, line {first + 1}: {instruction!r} copies files, and a text has none; "
                f"{advice}"
            )
    if last is None:
        raise InvalidConfiguration(
            "base_dockerfile has no line FROM, which names the image that it starts from"
        )
    first, end, instruction = last
    name = re.search(r"\sAS\s+(\S+)\s*$", instruction, re.IGNORECASE)
    if name is not None:
        return "\n".join(lines), name[1]
    lines[first : end + 1] = [f"{instruction} AS {STAGE}"]
    return "\n".join(lines), STAGE


def directives(text: str) -> tuple[str, str]:
    """Split off the comments that say how a Dockerfile is read; they must stay its first lines."""
    lines = text.split("\n")
    count = 0
    while count < len(lines) and _DIRECTIVE.match(lines[count]):
        count += 1
    return "\n".join(lines[:count]), "\n".join(lines[count:])


def _instructions(lines: list[str]) -> Iterator[tuple[int, int, str]]:
    """Yield first and last line number and the text of each instruction, continued lines joined."""
    index = 0
    while index < len(lines):
        first = index
        if not lines[index].strip() or lines[index].lstrip().startswith("#"):
            index += 1
            continue
        parts = []
        while True:
            line = lines[index].strip()
            is_comment = line.startswith("#")
            if not is_comment:
                parts.append(line.removesuffix("\\").strip())
            continues = line.endswith("\\") or (is_comment and parts)
            if not continues or index + 1 >= len(lines):
                break
            index += 1
        text = " ".join(part for part in parts if part)
        last = index
        heredoc = _HEREDOC.search(text)
        while heredoc is not None and index + 1 < len(lines):
            index += 1
            if lines[index].strip() == heredoc[2]:
                break
        index += 1
        if text:
            yield first, last, text


def _dockerfile(docker: DockerSpecification) -> str | None:
    """Return the text of the user's own Dockerfile; of a folder with one, only that file is of use here."""
    if docker.build_context is None:
        return docker.base_dockerfile
    location, name = docker.build_context
    file = Path(location) / name
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(
            f"the build context {location} has no Dockerfile {name} that can be read here ({error}); "
            "build the image yourself, and name it as base_image"
        ) from error


def _full_name(image: str, address: str | None) -> str:
    """Return the image's name with its registry: old definitions keep the two apart."""
    if not address:
        return image
    host = re.sub(r"^https?://", "", address).rstrip("/")
    return image if image.startswith(f"{host}/") else f"{host}/{image}"


def _registry_of(image: str) -> str:
    host, slash, _rest = image.partition("/")
    return host if slash and ("." in host or ":" in host or host == "localhost") else "docker.io"
