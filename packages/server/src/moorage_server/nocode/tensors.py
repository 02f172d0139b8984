"""Inputs and outputs of models: what they are called, their types and shapes, and JSON to arrays and back."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from moorage_runtime.schema.errors import shown
from moorage_server.nocode.errors import InvalidInput

Extent = int | str | None  # a name or None: any

# Kinds are numpy's names, and these; bfloat16 is carried as uint16 with the upper half of a float32.
STRING, BFLOAT16 = "string", "bfloat16"
KINDS = (
    *("float16", "float32", "float64", BFLOAT16, "bool", STRING, "complex64", "complex128"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
_SHOWN_ROWS = 3


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output. ``shape`` None: of any rank. ``form``: tensor, sequence, map or optional."""

    name: str
    kind: str
    shape: tuple[Extent, ...] | None = None
    form: str = "tensor"

    def __str__(self) -> str:
        extents = (
            "of any shape"
            if self.shape is None
            else "[" + ", ".join("?" if extent is None else str(extent) for extent in self.shape) + "]"
        )
        kind = self.kind if self.form == "tensor" else f"{self.form} of {self.kind}"
        return f"{self.name}: {kind} {extents}" if self.form == "tensor" else f"{self.name}: {kind}"


def from_json(tensor: Tensor, value: Any) -> Any:
    """Return the array for a JSON value; null is NaN where the kind has one.

    Raises:
        InvalidInput: not of that kind or shape; the message names the input.
    """
    if tensor.form == "sequence":
        if not isinstance(value, list):
            raise InvalidInput(f"expected a list, got {shown(value)}", tensor.name)
        inner = Tensor(tensor.name, tensor.kind, tensor.shape)
        return [from_json(inner, item) for item in value]
    if tensor.form == "optional" and value is None:
        return None
    if tensor.kind == STRING:
        return check(tensor, _strings(tensor, value))
    try:
        array = np.asarray(value)
    except ValueError as error:
        text = "the lists in it are of different lengths; every row needs the same number of values"
        raise InvalidInput(text, tensor.name) from error
    if tensor.kind in ("int64", "uint64") and array.dtype.kind in "fO" and array.size:
        array = _large_integers(tensor, value, array)
    if array.dtype.kind in "OUS":  # null, or text among the numbers
        array = _without_nulls(tensor, value)
    if not array.size and 0 in (tensor.shape or ()):
        array = array.reshape(
            tuple(e if isinstance(e, int) else 0 for e in tensor.shape or ())
        )  # JSON has no shape
    return check(tensor, convert(tensor, array))


def convert(tensor: Tensor, array: Any) -> Any:  # noqa: PLR0911
    """Return ``array`` in the kind of the input, if no value is lost.

    Raises:
        InvalidInput: text where numbers are wanted, a fraction or a number out of range.
    """
    kind = tensor.kind
    if kind == STRING:
        if array.dtype.kind in "UO":
            return array.astype(object)
        raise InvalidInput(f"expected text, got {_described(array)}", tensor.name)
    if kind == BFLOAT16:
        if array.dtype == np.uint16:
            return array
        return to_bfloat16(convert(Tensor(tensor.name, "float32"), array))
    wanted = np.dtype(kind)
    if array.dtype == wanted:
        return array
    if not array.size:
        return array.astype(wanted)
    if array.dtype.kind not in "biufc" or (array.dtype.kind == "c" and wanted.kind != "c"):
        raise InvalidInput(f"expected {_words(kind)}, got {_described(array)}", tensor.name)
    if wanted.kind == "b":
        if array.dtype.kind in "iu" and array.min() >= 0 and array.max() <= 1:
            return array.astype(wanted)
        raise InvalidInput("expected true or false, got numbers", tensor.name)
    if wanted.kind in "iu" and array.dtype.kind != "b":
        _check_whole(tensor, array, wanted)
    with np.errstate(over="ignore", invalid="ignore"):
        return array.astype(wanted)


def _check_whole(tensor: Tensor, array: Any, wanted: Any) -> None:
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and (array == np.floor(array)).all()):
        raise InvalidInput(f"expected whole numbers ({tensor.kind}), got fractions", tensor.name)
    limits = np.iinfo(wanted)
    low, high = array.min(), array.max()
    if low < limits.min or high > limits.max:
        text = f"expected numbers from {limits.min} to {limits.max} ({tensor.kind}), got {low} to {high}"
        raise InvalidInput(text, tensor.name)


def check(tensor: Tensor, array: Any) -> Any:
    """Return ``array`` if it has the shape that the input wants.

    Raises:
        InvalidInput: it has not; the message has both shapes.
    """
    wanted, got = tensor.shape, array.shape
    if wanted is None:
        return array
    fits = len(wanted) == len(got) and all(
        not isinstance(extent, int) or extent < 0 or extent == there
        for extent, there in zip(wanted, got, strict=True)
    )
    if not fits:
        raise InvalidInput(
            f"expected the shape {_shape_text(wanted)}, got {_shape_text(got)}"
            + (" (? is any number)" if any(not isinstance(e, int) for e in wanted) else ""),
            tensor.name,
        )
    return array


def _shape_text(shape: Sequence[Extent]) -> str:
    return "[" + ", ".join(str(e) if isinstance(e, int) and e >= 0 else "?" for e in shape) + "]"


def _strings(tensor: Tensor, value: Any) -> Any:
    array = np.array(value, dtype=object)
    for item in array.flat:
        if not isinstance(item, str):
            what = shown(item)
            if isinstance(item, list):
                what = "lists of different lengths"
            raise InvalidInput(f"expected text, got {what}", tensor.name)
    return array


def _large_integers(tensor: Tensor, value: Any, array: Any) -> Any:
    """Return whole numbers as they were written: numpy makes floats of some that have 64 bits."""
    items = np.array(value, dtype=object)
    if any(type(item) is not int for item in items.flat):
        return array
    try:
        return items.astype(tensor.kind)
    except OverflowError:
        raise InvalidInput(f"a number is too large or too small for {tensor.kind}", tensor.name) from None


def _without_nulls(tensor: Tensor, value: Any) -> Any:
    """Return an array of floats with NaN where JSON had null."""
    array = np.array(value, dtype=object)
    for item in array.flat:
        is_number = isinstance(item, (int, float)) and (tensor.kind == "bool" or not isinstance(item, bool))
        if item is not None and not is_number:
            what = "lists of different lengths" if isinstance(item, list) else shown(item)
            raise InvalidInput(f"expected {_words(tensor.kind)}, got {what}", tensor.name)
    if tensor.kind not in ("float16", "float32", "float64", BFLOAT16) and (array == None).any():  # noqa: E711
        raise InvalidInput(f"expected {_words(tensor.kind)}, got null", tensor.name)
    try:
        return array.astype(np.float64)
    except OverflowError as error:
        raise InvalidInput("a number is too large", tensor.name) from error


def _described(array: Any) -> str:
    if array.dtype.kind in "US":
        return shown(str(array.flat[0]))
    return {"b": "true or false", "O": "values of different kinds"}.get(array.dtype.kind, str(array.dtype))


def _words(kind: str) -> str:
    if kind == "bool":
        return "true or false"
    return f"whole numbers ({kind})" if "int" in kind else f"numbers ({kind})"


def to_bfloat16(array: Any) -> Any:
    """Return float32 numbers as bfloat16 in uint16, rounded to the nearest, ties to even."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(array), 0x7FC0, rounded).astype(np.uint16).reshape(np.shape(array))


def from_bfloat16(array: Any) -> Any:
    """Return float32 numbers from bfloat16 in uint16."""
    return (array.astype(np.uint32) << 16).view(np.float32)


# answers


def to_json(value: Any) -> bytes:
    """Return JSON text for what a model returned: arrays, lists of maps, frames, scalars.

    Numbers of 32 bits are written with the digits that they have; NaN and infinities stay tokens.
    """
    if isinstance(value, np.ndarray):
        return _array_json(value)
    return json.dumps(plain(value)).encode()


def _array_json(array: Any) -> bytes:
    kind = array.dtype.kind
    if kind == "f":
        if array.dtype.itemsize == 2:
            array = array.astype(np.float32)
        elif array.dtype.itemsize > 8:
            array = array.astype(np.float64)
        if array.ndim:
            text = orjson.dumps(np.ascontiguousarray(array), option=orjson.OPT_SERIALIZE_NUMPY)
            if b"n" not in text:  # null stands for NaN and infinity alike
                return text
    elif kind in "iub" and array.ndim:
        return orjson.dumps(np.ascontiguousarray(array), option=orjson.OPT_SERIALIZE_NUMPY)
    return json.dumps(plain(array)).encode()


def plain(value: Any) -> Any:  # noqa: PLR0911
    """Return a value that json can write: bytes that are no text become ``{"b64": ...}``, the rest text."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "OSc":
            return plain(value.tolist())
        return value.tolist() if value.dtype.kind in "fiubU" else plain(value.astype(str).tolist())
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, bytes):
        return _text_or_base64(value)
    if isinstance(value, complex):
        return [value.real, value.imag]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "to_numpy"):
        return plain(value.to_numpy())
    if hasattr(value, "toarray"):  # a sparse matrix
        return plain(value.toarray())
    return str(value)


def _key(key: Any) -> str:
    return str(key.item()) if isinstance(key, np.generic) else str(key)


def _text_or_base64(value: bytes) -> Any:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}
