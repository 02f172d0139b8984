"""What a scorer says about the script that it has loaded: the content of ``READY``."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ArrayInput:
    """The only parameter of ``run`` is a numeric array, and JSON may be turned into it here."""

    parameter: str
    type_code: str  # as in numpy: "f8"
    shape: tuple[int | None, ...]  # None: any extent; the first one usually
    enforce_shape: bool


@dataclass(frozen=True, slots=True)
class TableInput:
    """The only parameter of ``run`` is a pandas frame, whose rows in JSON may be turned into columns here."""

    parameter: str
    columns: tuple[tuple[str, str], ...]  # name and kind: see docs/protocol.md


@dataclass(frozen=True, slots=True)
class ScriptDescription:
    """The script as the front needs to know it."""

    pid: int
    python: str
    mode: str  # "text", "keyword", "raw" or "model"
    wants_headers: bool
    openapi: dict[str, Any]  # "2", "3", "3.1" -> document
    sample: str | None  # JSON text of an example request
    array_input: ArrayInput | None
    notices: tuple[str, ...]
    table_input: TableInput | None = None
    wants_request: bool = False  # all that a raw script gets, beside its input
    routes: tuple[str, ...] = ()  # starts of further addresses that mode "model" answers


def parse_description(payload: bytes) -> ScriptDescription:
    """Decode the payload of ``READY``.

    Raises:
        ValueError: it is not what ``docs/protocol.md`` says.
    """
    try:
        content = json.loads(payload)
        mode = content["mode"]
        if mode not in ("text", "keyword", "raw", "model"):
            raise ValueError(f"unknown mode {mode!r}")
        if not isinstance(content["openapi"], dict):
            raise ValueError("openapi is not an object")
        sample = content.get("sample")
        return ScriptDescription(
            pid=int(content["pid"]),
            python=str(content.get("python", "")),
            mode=mode,
            wants_headers=bool(content["wants_headers"]),
            wants_request=bool(content.get("wants_request")),
            openapi=content["openapi"],
            sample=sample if isinstance(sample, str) else None,
            array_input=_array_input(content.get("array_input")),
            table_input=_table_input(content.get("table_input")),
            notices=tuple(str(text) for text in content.get("notices") or ()),
            routes=tuple(str(text) for text in content.get("routes") or ()),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"READY lacks or garbles {error}") from error


def _array_input(value: Any) -> ArrayInput | None:
    if value is None:
        return None
    shape = tuple(None if extent is None else int(extent) for extent in value["shape"])
    return ArrayInput(str(value["parameter"]), str(value["type"]), shape, bool(value["enforce_shape"]))


def _table_input(value: Any) -> TableInput | None:
    if value is None:
        return None
    columns = tuple((str(name), str(kind)) for name, kind in value["columns"])
    return TableInput(str(value["parameter"]), columns)
