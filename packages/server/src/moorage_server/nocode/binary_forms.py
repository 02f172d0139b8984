"""Requests that are no JSON: an array as ``.npy``, a table as a stream of Arrow; answered alike."""

import io
from typing import Any

import numpy as np

from moorage_runtime.model_service import Answer
from moorage_server.nocode.errors import InvalidInput
from moorage_server.nocode.inference_v2 import OCTETS
from moorage_server.nocode.model import Inputs, Model, Outputs
from moorage_server.nocode.tensors import check, convert, plain

NPY = "application/x-npy"
ARROW = "application/vnd.apache.arrow.stream"
_MAGIC = b"\x93NUMPY"


def read_npy(model: Model, body: bytes, method: str) -> Inputs:
    """Return the input of a model for a ``.npy`` file. Object arrays, which would be unpickled, are refused.

    Raises:
        InvalidInput: it is no such file, or does not fit the model's only input.
    """
    if not body.startswith(_MAGIC):
        raise InvalidInput("the body is no .npy file; numpy.save writes one")
    try:
        array = np.load(io.BytesIO(body), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InvalidInput(f"the .npy file cannot be read: {str(error)[:200]}") from None
    if model.accepts_frames:
        return {"data": array}
    tensors = model.inputs_of(method)
    if len(tensors) != 1:
        raise InvalidInput(f"the model has {len(tensors)} inputs; a .npy file has only one array")
    if array.dtype.kind == "U":
        array = array.astype(object)
    return {tensors[0].name: check(tensors[0], convert(tensors[0], array))}


def write_npy(model: Model, method: str, results: Outputs) -> Answer:
    """Answer with the array of the first output.

    Raises:
        InvalidInput: it is no array of numbers, true and false, or text.
    """
    value: Any = next(iter(results.values()))
    array = np.asarray(value.toarray() if hasattr(value, "toarray") else value)
    if array.dtype == object:
        array = np.array(plain(array))
    if array.dtype == object:
        raise InvalidInput("the answer of this model is no array; ask with JSON")
    target = io.BytesIO()
    np.save(target, array, allow_pickle=False)
    return Answer(target.getvalue(), 200, OCTETS)


def _arrow() -> Any:
    try:
        import pyarrow
    except ImportError:
        raise InvalidInput(
            "this service does not read Arrow: it needs the package pyarrow (moorage-server[arrow])"
        ) from None
    return pyarrow


def read_arrow(model: Model, body: bytes, method: str) -> Inputs:
    """Return the inputs for a stream of Arrow record batches: columns by name, or rows in their order.

    Raises:
        InvalidInput: it is no such stream, or its columns are not those of the model.
    """
    arrow = _arrow()
    try:
        table = arrow.ipc.open_stream(body).read_all()
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise InvalidInput(f"the Arrow stream cannot be read: {str(error)[:200]}") from None
    columns = {str(name): _column(table, index) for index, name in enumerate(table.column_names)}
    if model.accepts_frames:
        return columns if model.columns is not None else {"data": _stacked(columns)}
    tensors = model.inputs_of(method)
    if {tensor.name for tensor in tensors} == set(columns):
        made = {t.name: convert(t, columns[t.name]) for t in tensors}
        return {
            t.name: check(t, made[t.name].reshape(-1, 1) if t.shape and len(t.shape) == 2 else made[t.name])
            for t in tensors
        }
    if len(tensors) == 1:
        only = tensors[0]
        return {only.name: check(only, convert(only, _stacked(columns)))}
    names = ", ".join(tensor.name for tensor in tensors)
    raise InvalidInput(f"the table has the columns {', '.join(columns)[:200]}; the inputs are {names}")


def _column(table: Any, index: int) -> Any:
    column = table.column(index)
    array = column.to_numpy()
    if array.dtype.kind in "biuf":
        return array
    values = column.to_pylist()
    return np.array(values, dtype=object)


def _stacked(columns: dict[str, Any]) -> Any:
    if not columns:
        raise InvalidInput("the table has no columns")
    return np.column_stack(list(columns.values()))


def write_arrow(model: Model, method: str, results: Outputs) -> Answer:
    """Answer with a stream; an output of several columns is named ``output_0``, ``output_1``, ...

    Raises:
        InvalidInput: an output has no row for each row of the table.
    """
    arrow = _arrow()
    columns: dict[str, Any] = {}
    for name, value in results.items():
        array = np.asarray(value.toarray() if hasattr(value, "toarray") else value)
        if array.ndim == 1:
            columns[name] = arrow.array(array.tolist() if array.dtype.kind in "OUS" else array)
        elif array.ndim == 2:
            for index in range(array.shape[1]):
                columns[f"{name}_{index}"] = arrow.array(np.ascontiguousarray(array[:, index]))
        else:
            raise InvalidInput(f"the output {name} is no table; ask with JSON")
    table = arrow.table(columns)
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return Answer(sink.getvalue().to_pybytes(), 200, ARROW)
