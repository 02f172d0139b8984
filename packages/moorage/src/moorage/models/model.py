"""The records of the registry, and what may be in them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite

from moorage.errors import InvalidArgument, InvalidName

NAME_RULE = "1 to 255 letters, digits, '-', '_' and '.' (a-z, A-Z, 0-9), the first one a letter or digit"
LABEL_LENGTH = 255


@dataclass(frozen=True, slots=True)
class ResourceConfiguration:
    """What a model needs when it is deployed without a word about resources."""

    cpu_cores: float | None = None
    memory_gb: float | None = None
    gpu_count: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("cpu_cores", self.cpu_cores), ("memory_gb", self.memory_gb)):
            if value is not None and not (isfinite(value) and value > 0):
                raise InvalidArgument(name, f"{value!r} is not a number greater than 0")
        if self.gpu_count is not None and self.gpu_count < 0:
            raise InvalidArgument("gpu_count", f"{self.gpu_count!r} is not a number of GPUs (0 or more)")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model. ``path`` is relative, with "/": ``model.pkl`` or ``folder/sub/model.pkl``."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Model:
    """One version of a model. Files and properties never change; tags and description may."""

    name: str
    version: int
    created_at: datetime
    """Aware, UTC."""
    created_by: str = ""
    files: tuple[ModelFile, ...] = ()
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    framework: str | None = None
    framework_version: str | None = None
    resources: ResourceConfiguration | None = None
    run_id: str | None = None
    experiment_name: str | None = None
    sample_input_dataset_id: str | None = None
    sample_output_dataset_id: str | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)
    """Versions of the libraries (and "python") that were installed where the model was registered."""

    @property
    def id(self) -> str:
        return f"{self.name}:{self.version}"

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    @property
    def top_level_name(self) -> str:
        """The registered file's or folder's own name: all files are this or below this."""
        return self.files[0].path.partition("/")[0]


def check_model_name(name: object) -> str:
    """Return the name; raises `InvalidName` if it breaks `NAME_RULE`."""
    if not isinstance(name, str) or re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}", name) is None:
        raise InvalidName("model", name, NAME_RULE)
    return name


def parse_model_id(model_id: str) -> tuple[str, int | None]:
    """Return name and version of ``name:version`` or ``name``.

    Raises:
        InvalidArgument: the part after the colon is not a version number.
    """
    name, colon, version = model_id.partition(":")
    if not colon:
        return name, None
    if re.fullmatch(r"[0-9]{1,9}", version, re.ASCII) is None:
        raise InvalidArgument("model id", f"{model_id!r} is not written name:version, for example mymodel:1")
    return name, int(version)


def checked_labels(argument: str, labels: Mapping[str, object] | None) -> dict[str, str]:
    """Return tags or properties as texts: numbers and booleans are written out, as old code relies on.

    Raises:
        InvalidArgument: not a mapping, an empty or too long key, or a value that is no simple value.
    """
    if labels is None:
        return {}
    if not isinstance(labels, Mapping):
        raise InvalidArgument(argument, f"must be a dict of key to value, not {type(labels).__name__}")
    return {_checked_key(argument, key): _checked_value(argument, key, labels[key]) for key in labels}


def checked_text(argument: str, value: str | None, longest: int | None = None) -> str | None:
    """Return the text; raises `InvalidArgument` if no database can keep it."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidArgument(argument, f"must be a text, not {type(value).__name__}")
    if "\0" in value:
        raise InvalidArgument(argument, "holds a NUL character")
    if longest is not None and len(value) > longest:
        raise InvalidArgument(argument, f"has {len(value)} characters; at most {longest} are possible")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(argument, f"{value!r} is not valid Unicode text") from None
    return value


def _checked_key(argument: str, key: object) -> str:
    if not isinstance(key, str) or not key:
        raise InvalidArgument(argument, f"{key!r} is not a key; keys are texts with at least one character")
    return checked_text(argument, key, LABEL_LENGTH) or key


def _checked_value(argument: str, key: str, value: object) -> str:
    if not isinstance(value, (str, int, float)):
        raise InvalidArgument(
            argument, f"the value of {key!r} must be a text or number, not {type(value).__name__}"
        )
    return checked_text(f"{argument}: {key}", str(value)) or ""
