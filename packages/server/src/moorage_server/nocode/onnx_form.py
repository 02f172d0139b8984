"""The request form of ONNX Runtime's server: tensors as in ``TensorProto``, with raw bytes in base64.

``{"inputs": {"x": {"dims": ["1", "4"], "dataType": 1, "rawData": "..."}}, "outputFilter": ["y"]}``
"""

import base64
import binascii
from typing import Any

import numpy as np
import orjson

from moorage_runtime.model_service import Answer
from moorage_server.nocode.errors import InvalidInput
from moorage_server.nocode.model import Inputs, Model, Outputs
from moorage_server.nocode.tensors import BFLOAT16, STRING, check, convert, plain

_TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: STRING,
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
    16: BFLOAT16,
}
_NUMBERS = {kind: number for number, kind in _TYPES.items()}
_NAMES = {"FLOAT": 1, "DOUBLE": 11, "BFLOAT16": 16, "FLOAT16": 10, "BOOL": 9, "STRING": 8} | {
    kind.upper(): number for number, kind in _TYPES.items() if "int" in kind
}
# Members of TensorProto that carry values instead of rawData.
_FIELDS = ("floatData", "int32Data", "int64Data", "doubleData", "uint64Data", "stringData")


def is_such(inputs: dict[str, Any]) -> bool:
    """Whether the values of ``inputs`` are tensors of this form."""
    return bool(inputs) and all(isinstance(one, dict) and "dataType" in one for one in inputs.values())


def read(model: Model, value: dict[str, Any]) -> tuple[Inputs, str, tuple[str, ...]]:
    """Return inputs, method and outputs of a request.

    Raises:
        InvalidInput: a tensor is not complete, or does not fit the model.
    """
    method = model.default_method
    given = value["inputs"]
    model.check_names(given, method)
    tensors = {tensor.name: tensor for tensor in model.inputs_of(method)}
    arrays = {name: _array(name, one) for name, one in given.items()}
    inputs = {name: check(tensors[name], convert(tensors[name], array)) for name, array in arrays.items()}
    wanted = value.get("outputFilter") or []
    if not isinstance(wanted, list) or not all(isinstance(name, str) for name in wanted):
        raise InvalidInput("expected a list of names", "outputFilter")
    return inputs, method, tuple(wanted)


def _array(name: str, one: dict[str, Any]) -> Any:
    number = one["dataType"]
    kind = _TYPES.get(_NAMES.get(number, 0) if isinstance(number, str) else number)
    if kind is None:
        raise InvalidInput(f"unknown dataType {str(number)[:40]}", name)
    try:
        shape = tuple(int(extent) for extent in one.get("dims", ()))
    except (TypeError, ValueError):
        raise InvalidInput("dims must be whole numbers", name) from None
    dtype = np.dtype(np.uint16 if kind == BFLOAT16 else object if kind == STRING else kind)
    try:
        if "rawData" in one and kind != STRING:
            raw = base64.b64decode(one["rawData"], validate=True)
            array = np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype)
        else:
            field = next((field for field in _FIELDS if field in one), None)
            if field is None:
                raise InvalidInput(f"neither rawData nor one of {', '.join(_FIELDS)}", name)
            array = _values(kind, one[field], dtype)
        return array.reshape(shape)
    except (binascii.Error, TypeError) as error:
        raise InvalidInput(f"rawData is not base64: {error}", name) from None
    except (ValueError, OverflowError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(
            f"the values do not fill the shape {list(shape)} of {kind}: {error}", name
        ) from None


def _values(kind: str, values: Any, dtype: Any) -> Any:
    if kind == STRING:
        return np.array([base64.b64decode(text, validate=True).decode() for text in values], dtype=object)
    if kind == "float16":  # as bits in int32Data
        return np.array(values, np.uint16).view(np.float16)
    # 64-bit numbers may come as text.
    return np.array([int(v) if isinstance(v, str) else v for v in values], dtype)


def write(model: Model, method: str, results: Outputs) -> Answer:
    """Answer with tensors; what is none (sequences, maps) as plain JSON."""
    outputs = {name: _tensor(value) for name, value in results.items()}
    return Answer(orjson.dumps({"outputs": outputs}))


def _tensor(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return plain(value)
    dims = [str(extent) for extent in value.shape]
    if value.dtype.kind in "OU":
        texts = [base64.b64encode(str(item).encode()).decode() for item in value.ravel()]
        return {"dims": dims, "dataType": _NUMBERS[STRING], "stringData": texts}
    raw = np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tobytes()
    number = _NUMBERS[str(value.dtype)]
    return {"dims": dims, "dataType": number, "rawData": base64.b64encode(raw).decode()}
