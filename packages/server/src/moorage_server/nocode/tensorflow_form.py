"""TensorFlow Serving's REST form: rows (``instances``) or columns (``inputs``), for any model.

``{"instances": [...]}`` gives ``{"predictions": [...]}``, ``{"inputs": ...}`` gives ``{"outputs": ...}``;
``signature_name`` chooses the signature; ``{"b64": "..."}`` is bytes.
"""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from moorage_runtime.model_service import Answer
from moorage_runtime.schema.errors import shown
from moorage_server.nocode.errors import InvalidInput
from moorage_server.nocode.model import Inputs, Model, Outputs
from moorage_server.nocode.tensors import STRING, Tensor, from_json, plain, to_json

_KNOWN = {"instances", "inputs", "signature_name", "method"}
Read = tuple[Inputs, str, tuple[str, ...], Callable[[Model, str, Outputs], Answer]]


def read(model: Model, value: dict[str, Any], given: str | None) -> Read:
    """Return inputs, method, outputs and the writer of a request.

    Raises:
        InvalidInput, NotFound: it has both forms or none, or does not fit the signature.
    """
    unknown = sorted(set(value) - _KNOWN)
    if unknown or ("instances" in value) == ("inputs" in value):
        what = (
            f"unknown members: {', '.join(unknown)[:200]}" if unknown else "give either instances or inputs"
        )
        raise InvalidInput(what)
    name = value.get("signature_name", given)
    if name is not None and not isinstance(name, str):
        raise InvalidInput(f"expected the name of a signature, got {shown(name)}", "signature_name")
    method = model.method_named(name)
    tensors = model.inputs_of(method)
    if "instances" in value:
        rows = value["instances"]
        if not isinstance(rows, list) or not rows:
            raise InvalidInput(f"expected a list of instances, got {shown(rows)}", "instances")
        return _rows(model, tensors, rows, method), method, (), write_rows
    return _columns(model, tensors, value["inputs"], method), method, (), write_columns


def _rows(model: Model, tensors: tuple[Tensor, ...], rows: list[Any], method: str) -> Inputs:
    if model.accepts_frames:
        return {"data": rows}
    is_named = isinstance(rows[0], dict) and "b64" not in rows[0]
    if not is_named:
        if len(tensors) != 1:
            raise InvalidInput(
                f"each instance must name its inputs: {', '.join(t.name for t in tensors)}", "instances"
            )
        return {tensors[0].name: from_json(tensors[0], _decoded(tensors[0], rows))}
    for index, row in enumerate(rows):
        if not isinstance(row, dict) or row.keys() != rows[0].keys():
            raise InvalidInput("has other members than the first instance", f"instances[{index}]")
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return _columns(model, tensors, columns, method)


def _columns(model: Model, tensors: tuple[Tensor, ...], values: Any, method: str) -> Inputs:
    if model.accepts_frames:
        return {"data": values}
    is_named = isinstance(values, dict) and "b64" not in values
    if not is_named:
        if len(tensors) != 1:
            raise InvalidInput(f"name the inputs: {', '.join(t.name for t in tensors)}", "inputs")
        values = {tensors[0].name: values}
    model.check_names(values, method)
    return {t.name: from_json(t, _decoded(t, values[t.name])) for t in tensors if t.name in values}


def _decoded(tensor: Tensor, value: Any) -> Any:
    """Return ``value`` with the text of bytes in place of ``{"b64": ...}``, one character for each byte."""
    if tensor.kind != STRING:
        return value
    if isinstance(value, list):
        return [_decoded(tensor, item) for item in value]
    if isinstance(value, dict) and set(value) == {"b64"}:
        try:
            return base64.b64decode(value["b64"], validate=True).decode("utf-8", "surrogateescape")
        except (binascii.Error, TypeError, ValueError) as error:
            raise InvalidInput(f"b64 is not base64: {error}", tensor.name) from None
    return value


def write_rows(model: Model, method: str, results: Outputs) -> Answer:
    """Answer with one prediction for each instance."""
    if len(results) == 1:
        name, only = next(iter(results.items()))
        return Answer(b'{"predictions":' + _json(name, only) + b"}")
    columns = {name: _values(name, value) for name, value in results.items()}
    count = {len(column) for column in columns.values() if isinstance(column, list)}
    if len(count) != 1 or not all(isinstance(column, list) for column in columns.values()):
        raise InvalidInput("the outputs have no row for each instance; ask with inputs instead of instances")
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return Answer(json.dumps({"predictions": rows}).encode())


def write_columns(model: Model, method: str, results: Outputs) -> Answer:
    """Answer with the only output, or all by name."""
    if len(results) == 1:
        name, only = next(iter(results.items()))
        return Answer(b'{"outputs":' + _json(name, only) + b"}")
    return Answer(json.dumps({"outputs": {n: _values(n, v) for n, v in results.items()}}).encode())


def _json(name: str, value: Any) -> bytes:
    return json.dumps(_values(name, value)).encode() if _holds_bytes(value) else to_json(value)


def _holds_bytes(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "OS"


def _values(name: str, value: Any) -> Any:
    """Return plain values; bytes of outputs whose name ends with ``_bytes`` are always base64."""
    if _holds_bytes(value) and name.endswith("_bytes"):
        return _base64(value.tolist())
    return plain(value)


def _base64(value: Any) -> Any:
    if isinstance(value, list):
        return [_base64(item) for item in value]
    raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
    return {"b64": base64.b64encode(raw).decode()}
