"""The OpenAPI documents of a model: its inputs and outputs in the plain form."""

from typing import Any

from moorage_runtime.schema.openapi import documents_of
from moorage_server.nocode.model import Model, read_sample
from moorage_server.nocode.tensors import STRING, Tensor

_DEEPEST = 8
_SHOWN_ROWS = 3


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
    if model.columns is None:
        return schema
    listing = ", ".join(model.columns)[:2000]
    schema["description"] = f"Rows with the columns {listing}, or objects with them."
    schema["items"] = {}
    example = model.sample.get(_key(model)) if isinstance(model.sample, dict) else None
    if isinstance(example, list) and example and isinstance(example[0], dict):
        schema["items"] = {
            "type": "object",
            "properties": {name: _of_value(example[0][name]) for name in example[0]},
            "required": list(example[0]),
        }
    return schema


def _output(model: Model) -> dict[str, Any]:
    outputs = {tensor.name: _schema(tensor) for tensor in model.outputs_of(model.default_method)}
    made: dict[str, Any] = {"type": "object", "properties": outputs}
    example = _answer_example(model, tuple(outputs))
    if example is not None:
        made["example"] = example
        for name, values in example.items():
            if not outputs[name].get("items"):  # the model does not say what is in it
                outputs[name] = _of_value(values)
    return made


def _answer_example(model: Model, outputs: tuple[str, ...]) -> dict[str, list[Any]] | None:
    """Return an answer made of the first rows of the sample data set of answers, if there is one."""
    found = read_sample(model.source, "sample_output")
    if found is None:
        return None
    names, rows = found[0], found[1][:_SHOWN_ROWS]
    if set(outputs) <= set(names):
        return {name: [row[names.index(name)] for row in rows] for name in outputs}
    if len(outputs) != 1:
        return None
    return {outputs[0]: [row[0] for row in rows] if len(names) == 1 else rows}


def _of_value(value: Any) -> dict[str, Any]:
    """Return the schema of a JSON value; of a list, that of its items where they are alike."""
    if isinstance(value, list):
        schemas = [_of_value(item) for item in value if item is not None]
        kinds = {schema["type"] for schema in schemas}
        if kinds == {"integer", "number"}:
            schemas, kinds = [{"type": "number", "format": "double"}], {"number"}
        return {"type": "array", "items": schemas[0] if len(kinds) == 1 else {}}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer", "format": "int64"}
    if isinstance(value, float):
        return {"type": "number", "format": "double"}
    return {"type": "string" if isinstance(value, str) else "object"}


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
