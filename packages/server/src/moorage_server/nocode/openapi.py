"""The OpenAPI documents of a model: its inputs and outputs in the plain form."""

from typing import Any

from moorage_runtime.schema.openapi import documents_of
from moorage_server.nocode.model import Model
from moorage_server.nocode.tensors import STRING, Tensor

_DEEPEST = 8


def documents(
    model: Model, service_name: str, service_version: str, path_prefix: str, public_examples: bool
) -> dict[str, Any]:
    """Return the documents by version: ``"2"``, ``"3"``, ``"3.1"``."""
    schemas = [_input(model), _output(model)]
    return documents_of(
        schemas, ["2", "3", "3.1"], service_name, service_version, path_prefix, public_examples
    )


def _input(model: Model) -> dict[str, Any]:
    method = model.default_method
    tensors = model.inputs_of(method)
    if model.accepts_frames or len(tensors) == 1:
        inner = _rows(model) if model.accepts_frames else _schema(tensors[0])
        key = _key(model)
        properties = {key: inner}
        if len(model.methods) > 1:
            properties["method"] = {
                "type": "string",
                "enum": list(model.methods),
                "description": f"What is asked of the model; {method} unless given.",
            }
        made: dict[str, Any] = {"type": "object", "properties": properties, "required": [key]}
    else:
        named = {
            "type": "object",
            "properties": {tensor.name: _schema(tensor) for tensor in tensors},
            "required": [tensor.name for tensor in tensors if tensor.form != "optional"],
        }
        made = {"type": "object", "properties": {"inputs": named}, "required": ["inputs"]}
    if model.sample is not None:
        made["example"] = model.sample
    return made


def _key(model: Model) -> str:
    """Return the member that holds the rows in the form that is shown."""
    return next(iter(model.sample), "data") if isinstance(model.sample, dict) else "data"


def _rows(model: Model) -> dict[str, Any]:
    only = model.inputs[0]
    schema = _schema(only)
    if model.columns is not None:
        schema["description"] = (
            f"Rows with the columns {', '.join(model.columns)[:2000]}, or objects with them."
        )
        schema["items"] = {}
    return schema


def _output(model: Model) -> dict[str, Any]:
    outputs = {tensor.name: _schema(tensor) for tensor in model.outputs_of(model.default_method)}
    return {"type": "object", "properties": outputs}


def _schema(tensor: Tensor) -> dict[str, Any]:
    if tensor.form == "map":
        return {"type": "object"}
    if tensor.form not in ("tensor", "scalar", "optional") or tensor.shape is None:
        return {"type": "array", "items": {"type": "object"} if "map" in tensor.form else {}}
    schema = _scalar(tensor.kind)
    for extent in reversed(tensor.shape[:_DEEPEST]):
        schema = {"type": "array", "items": schema}
        if isinstance(extent, int) and extent > 0:
            schema |= {"minItems": extent, "maxItems": extent}
    return schema


def _scalar(kind: str) -> dict[str, Any]:
    if kind == STRING:
        return {"type": "string"}
    if kind == "bool":
        return {"type": "boolean"}
    if "int" in kind:
        form = "int64" if kind in ("int64", "uint64", "uint32") else "int32"
        return {"type": "integer", "format": form}
    return {"type": "number", "format": "double" if kind == "float64" else "float"}
