"""The Open Inference Protocol, version 2, over REST: requests, answers, metadata; binary extension."""

import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from moorage_runtime.model_service import Answer
from moorage_runtime.schema.errors import shown
from moorage_server.nocode.errors import InvalidInput
from moorage_server.nocode.model import Inputs, Model, Outputs
from moorage_server.nocode.tensors import BFLOAT16, STRING, Tensor, check, convert, plain, to_bfloat16

LENGTH_HEADER = "inference-header-content-length"
OCTETS = "application/octet-stream"
EXTENSIONS = ["binary_tensor_data", "model_repository"]
_KINDS = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
    "BF16": BFLOAT16,
    "BYTES": STRING,
}
_TYPES = {kind: name for name, kind in _KINDS.items()}
_LENGTH = struct.Struct("<I")


def split_body(body: bytes, header: str | None) -> tuple[bytes, bytes]:
    """Return the JSON part of a body and the binary part behind it.

    Raises:
        InvalidInput: the announced length is no number or longer than the body.
    """
    if header is None:
        return body, b""
    if not (header.isascii() and header.isdigit() and int(header) <= len(body)):
        raise InvalidInput(f"the header {LENGTH_HEADER} is {header[:40]!r}; the body has {len(body)} bytes")
    return body[: int(header)], body[int(header) :]


def read(
    model: Model, value: dict[str, Any], binary: bytes, given: str | None
) -> tuple[Inputs, str, tuple[str, ...]]:
    """Return inputs, method and outputs of a request; ``parameters.method`` names the method.

    Raises:
        InvalidInput, NotFound: a tensor is not complete, or does not fit the model.
    """
    parameters = _parameters(value, "parameters")
    method = model.method_named(parameters.get("method", given))
    inputs = value.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        raise InvalidInput(f"expected a list of tensors, got {shown(inputs)}", "inputs")
    arrays: dict[str, Any] = {}
    position = 0
    for one in inputs:
        name = one.get("name")
        if not isinstance(name, str):
            raise InvalidInput("a tensor without a name", "inputs")
        size = _parameters(one, name).get("binary_data_size")
        raw = None
        if size is not None:
            if not isinstance(size, int) or size < 0 or position + size > len(binary):
                raise InvalidInput(f"binary_data_size is {shown(size)}; {len(binary)} bytes came", name)
            raw = binary[position : position + size]
            position += size
        arrays[name] = _array(name, one, raw)
    if position != len(binary):
        raise InvalidInput(f"{len(binary) - position} bytes behind the last tensor", "inputs")
    wanted = value.get("outputs") or []
    if not isinstance(wanted, list) or not all(isinstance(one, dict) and "name" in one for one in wanted):
        raise InvalidInput("expected a list of objects with a name", "outputs")
    names = tuple(str(one["name"]) for one in wanted)
    return _fitted(model, arrays, method), method, names


def _fitted(model: Model, arrays: dict[str, Any], method: str) -> Inputs:
    if model.accepts_frames:
        is_table = model.columns is not None and set(arrays) != {"data"} and len(arrays) == len(model.columns)
        if len(arrays) == 1 and not is_table:
            return {"data": next(iter(arrays.values()))}
        return {name: array.reshape(-1) for name, array in arrays.items()}
    model.check_names(arrays, method)
    tensors = {tensor.name: tensor for tensor in model.inputs_of(method)}
    return {name: check(tensors[name], convert(tensors[name], array)) for name, array in arrays.items()}


def _parameters(value: dict[str, Any], where: str) -> dict[str, Any]:
    parameters = value.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise InvalidInput(f"parameters must be an object, they are {shown(parameters)}", where)
    return parameters


def _array(name: str, one: dict[str, Any], raw: bytes | None) -> Any:
    kind = _KINDS.get(str(one.get("datatype")))
    if kind is None:
        raise InvalidInput(f"unknown datatype {shown(one.get('datatype'))}; known: {', '.join(_KINDS)}", name)
    shape = one.get("shape")
    if not isinstance(shape, list) or not all(isinstance(e, int) and e >= 0 for e in shape):
        raise InvalidInput(f"expected a shape such as [1, 4], got {shown(shape)}", name)
    try:
        flat = _from_json(kind, one.get("data"), name) if raw is None else _from_bytes(kind, raw)
        return flat.reshape(shape)
    except (ValueError, OverflowError, struct.error) as error:
        if isinstance(error, InvalidInput):
            raise
        text = f"the data do not fill the shape {shape} of {one['datatype']}: {error}"
        raise InvalidInput(text, name) from None


def _from_json(kind: str, data: Any, name: str) -> Any:
    if not isinstance(data, list):
        raise InvalidInput(f"expected a list of values, got {shown(data)}", name)
    if kind == STRING:
        array = np.array(data, dtype=object).ravel()
        if not all(isinstance(item, str) for item in array):
            raise InvalidInput("expected texts", name)
        return array
    array = np.array(data).ravel()
    if array.dtype == object:
        array = np.array(data, dtype=np.float64).ravel()  # null is NaN
    if kind == BFLOAT16:
        return to_bfloat16(array.astype(np.float32))
    return convert(Tensor(name, kind), array)


def _from_bytes(kind: str, raw: bytes) -> Any:
    if kind == STRING:
        return np.array(list(_texts(raw)), dtype=object)
    dtype = np.dtype(np.uint16 if kind == BFLOAT16 else kind)
    return np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype)


def _texts(raw: bytes) -> Iterator[str]:
    position = 0
    while position < len(raw):
        (length,) = _LENGTH.unpack_from(raw, position)
        position += 4
        if position + length > len(raw):
            raise ValueError("a text is cut short")
        yield raw[position : position + length].decode()
        position += length


# answers


def writer(value: dict[str, Any]) -> Callable[[Model, str, Outputs], Answer]:
    """Return how to answer a request: with binary tensors where it asks for them."""
    parameters = value.get("parameters") or {}
    by_default = bool(parameters.get("binary_data_output", False))
    binary = {
        str(one["name"]): bool((one.get("parameters") or {}).get("binary_data", by_default))
        for one in value.get("outputs") or ()
    }
    identity = value.get("id")

    def write(model: Model, method: str, results: Outputs) -> Answer:
        outputs, pieces = [], []
        for name, result in results.items():
            array = result if isinstance(result, np.ndarray) else _as_array(result)
            head: dict[str, Any] = {"name": name, "datatype": _type_of(array), "shape": list(array.shape)}
            if binary.get(name, by_default):
                pieces.append(_to_bytes(array))
                head["parameters"] = {"binary_data_size": len(pieces[-1])}
            else:
                head["data"] = plain(array.ravel())
            outputs.append(head)
        content = {"model_name": model.name, "model_version": model.version, "outputs": outputs}
        if identity is not None:
            content["id"] = str(identity)
        text = json.dumps(content).encode()
        if not pieces:
            return Answer(text)
        return Answer(
            b"".join([text, *pieces]), 200, OCTETS, [("Inference-Header-Content-Length", str(len(text)))]
        )

    return write


def _as_array(result: Any) -> Any:
    if hasattr(result, "toarray"):
        return result.toarray()
    if hasattr(result, "to_numpy"):
        return result.to_numpy()
    try:
        array = np.array(result)
    except ValueError:
        array = np.array([json.dumps(plain(one)) for one in result], dtype=object)
    if array.dtype == object:  # maps: each as the text of an object
        array = np.array([json.dumps(plain(one)) for one in result], dtype=object)
    return array


def _type_of(array: Any) -> str:
    return _TYPES.get(STRING if array.dtype.kind in "OUS" else str(array.dtype), "BYTES")


def _to_bytes(array: Any) -> bytes:
    if array.dtype.kind in "OUS":
        texts = [item if isinstance(item, bytes) else str(item).encode() for item in array.ravel()]
        return b"".join(_LENGTH.pack(len(text)) + text for text in texts)
    return bytes(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())


def metadata(model: Model) -> dict[str, Any]:
    """Return what ``GET /v2/models/<name>`` says."""
    platform = {
        "Onnx": "onnxruntime_onnx",
        "TensorFlow": "tensorflow_savedmodel",
        "ScikitLearn": "sklearn_sklearn",
    }
    return {
        "name": model.name,
        "versions": [model.version],
        "platform": platform.get(model.framework, model.framework.lower()),
        "inputs": [_described(t) for t in _columns(model) or model.inputs_of(model.default_method)],
        "outputs": [_described(t) for t in model.outputs_of(model.default_method)],
        "properties": {**model.facts, "methods": ", ".join(model.methods)},
    }


def _columns(model: Model) -> list[Tensor]:
    """Return the columns of a table that does not hold numbers only, as the example has them."""
    rows = model.sample.get("data") if isinstance(model.sample, dict) and model.columns is not None else None
    if not isinstance(rows, list) or not rows or model.columns is None:
        return []
    row = rows[0] if isinstance(rows[0], dict) else dict(zip(model.columns, rows[0], strict=False))
    if not any(isinstance(value, str) for value in row.values()):
        return []
    return [
        Tensor(name, STRING if isinstance(row.get(name), str) else "float64", (None,))
        for name in model.columns
    ]


def _described(tensor: Tensor) -> dict[str, Any]:
    shape = [e if isinstance(e, int) else -1 for e in tensor.shape] if tensor.shape is not None else [-1]
    return {"name": tensor.name, "datatype": _TYPES.get(tensor.kind, "BYTES"), "shape": shape}
