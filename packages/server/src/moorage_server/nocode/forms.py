"""Plain JSON requests to ``/score``: which form a body has, and the answer in the same form.

``{"data": [[...]], "method": "predict"}``  ->  ``{"predict": [...]}``: the form of scikit-learn on
the old platform; for other models the members of the answer are the outputs. ``{"inputs": {"name": ...}}``
and the names of all inputs as members are understood too, and the forms of ONNX Runtime's server,
TensorFlow Serving, the Open Inference Protocol and MLflow.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from moorage_runtime.model_service import Answer
from moorage_runtime.schema.errors import shown
from moorage_server.nocode import inference_v2, onnx_form, tensorflow_form
from moorage_server.nocode.errors import InvalidInput
from moorage_server.nocode.model import Inputs, Model, Outputs
from moorage_server.nocode.tensors import from_json, to_json

Write = Callable[[Model, str, Outputs], Answer]


@dataclass(frozen=True, slots=True)
class Question:
    """What a request asks of a model, and how its answer is written."""

    inputs: Inputs
    method: str
    outputs: tuple[str, ...]
    write: Write


def parse(body: bytes) -> Any:
    """Return the JSON value of a body; NaN and Infinity are understood.

    Raises:
        InvalidInput: it is none.
    """
    if not body:
        raise InvalidInput("The request body is empty; a JSON object is expected.")
    try:
        return orjson.loads(body)
    except ValueError:
        pass
    try:
        return json.loads(body)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The request body cannot be decoded as {error.encoding}: {error}") from None
    except ValueError as error:
        raise InvalidInput(f"The request body could not be decoded as JSON: {error}") from None
    except RecursionError:
        raise InvalidInput("The request body is nested too deeply.") from None


def question(model: Model, value: Any, method: str | None) -> Question:  # noqa: PLR0911
    """Return what a JSON body asks; ``method`` is that of the address, and weaker than the body's.

    Raises:
        InvalidInput, NotFound: the body has no known form, or does not fit the model.
    """
    if isinstance(value, list):
        value = {"data": value}
    if not isinstance(value, dict):
        raise InvalidInput(f"expected an object such as {_example(model)}, got {shown(value)}")
    given = value.get("method", method)
    if given is not None and not isinstance(given, str):
        raise InvalidInput(f"expected the name of a method, got {shown(given)}", "method")
    inputs = value.get("inputs")
    if isinstance(inputs, list) and inputs and _is_v2(inputs[0]):
        return Question(*inference_v2.read(model, value, b"", given), inference_v2.writer(value))
    if isinstance(inputs, dict) and onnx_form.is_such(inputs):
        return Question(*onnx_form.read(model, value), onnx_form.write)
    if "dataframe_split" in value or "dataframe_records" in value:
        return Question(_frame(model, value), model.method_named(given), (), _write_mlflow)
    if model.framework == "MLflow" and inputs is not None:
        return Question(_named(model, inputs, given), model.method_named(given), (), _write_mlflow)
    if "instances" in value or (inputs is not None and model.framework in ("TensorFlow", "TfKeras")):
        return Question(*tensorflow_form.read(model, value, given))
    if inputs is not None:
        return Question(_named(model, inputs, given), model.method_named(given), (), _write_named)
    if "data" in value:
        return Question(_data(model, value, given), model.method_named(given), (), write_members)
    return _members(model, value, given)


def _is_v2(item: Any) -> bool:
    return isinstance(item, dict) and "datatype" in item


def _data(model: Model, value: dict[str, Any], given: str | None) -> Inputs:
    unknown = sorted(set(value) - {"data", "method"})
    if unknown:
        raise InvalidInput(f"the request has unknown members: {', '.join(unknown)[:200]}")
    data = value["data"]
    if model.accepts_frames:
        return {"data": data}
    return _named(model, data, given)


def _named(model: Model, values: Any, given: str | None) -> Inputs:
    """Return arrays for values by input; a model with one input needs no name."""
    method = model.method_named(given)
    if model.accepts_frames:
        return {"data": values}
    tensors = model.inputs_of(method)
    if not isinstance(values, dict):
        if len(tensors) != 1:
            names = ", ".join(tensor.name for tensor in tensors)
            raise InvalidInput(f"the model has {len(tensors)} inputs; name them: {names}")
        values = {tensors[0].name: values}
    model.check_names(values, method)
    return {
        tensor.name: from_json(tensor, values[tensor.name]) for tensor in tensors if tensor.name in values
    }


def _members(model: Model, value: dict[str, Any], given: str | None) -> Question:
    method = model.method_named(given)
    names = (
        set(model.columns or ())
        if model.accepts_frames
        else {tensor.name for tensor in model.inputs_of(method)}
    )
    members = {name: item for name, item in value.items() if name != "method" or name in names}
    if not names.intersection(members):
        raise InvalidInput(f"the request has no known form; expected an object such as {_example(model)}")
    return Question(_named(model, members, given), method, (), write_members)


def _frame(model: Model, value: dict[str, Any]) -> Inputs:
    records = value.get("dataframe_records")
    if records is not None:
        return _rows(model, records)
    split = value["dataframe_split"]
    if not isinstance(split, dict) or not isinstance(split.get("data"), list):
        raise InvalidInput('expected {"columns": [...], "data": [[...]]}', "dataframe_split")
    columns = split.get("columns")
    if columns is None or model.columns is None:
        return _rows(model, split["data"])
    if not isinstance(columns, list) or any(len(row) != len(columns) for row in split["data"]):
        raise InvalidInput("every row needs one value for each column", "dataframe_split")
    return _rows(model, [dict(zip(map(str, columns), row, strict=True)) for row in split["data"]])


def _rows(model: Model, rows: Any) -> Inputs:
    if model.accepts_frames:
        if isinstance(rows, list) and rows and isinstance(rows[0], dict) and model.columns is None:
            rows = [list(row.values()) if isinstance(row, dict) else row for row in rows]
        return {"data": rows}
    tensors = model.inputs_of(model.default_method)
    if isinstance(rows, list) and rows and isinstance(rows[0], dict) and len(tensors) == 1:
        rows = [list(row.values()) for row in rows]
    return _named(model, rows, None)


def write_members(model: Model, method: str, results: Outputs) -> Answer:
    """Answer with one member for each output, or the method's name."""
    return Answer(_object(results))


def _write_named(model: Model, method: str, results: Outputs) -> Answer:
    return Answer(b'{"outputs":' + _object(results) + b"}")


def _write_mlflow(model: Model, method: str, results: Outputs) -> Answer:
    only = next(iter(results.values())) if len(results) == 1 else None
    return Answer(b'{"predictions":' + (_object(results) if only is None else to_json(only)) + b"}")


def writer_of(model: Model) -> Write:
    """Return how answers to a request that is no JSON are written as JSON."""
    return _write_mlflow if model.framework == "MLflow" else write_members


def _object(results: Outputs) -> bytes:
    return b"{" + b",".join(b"%b:%b" % (orjson.dumps(n), to_json(v)) for n, v in results.items()) + b"}"


def _example(model: Model) -> str:
    text = json.dumps(model.sample) if model.sample is not None else ""
    if 0 < len(text) <= 200:
        return text
    names = [tensor.name for tensor in model.inputs]
    if model.accepts_frames or len(names) < 2:
        return '{"data": [[...]]}'
    members = ", ".join(f'"{name}": ...' for name in names[:20])
    return f'{{"inputs": {{{members}}}}}'
