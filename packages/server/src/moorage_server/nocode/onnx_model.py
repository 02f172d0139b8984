"""ONNX graphs, run by ONNX Runtime."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from moorage_server.nocode import onnx_session
from moorage_server.nocode.errors import InvalidInput, ModelUnusable
from moorage_server.nocode.model import FastInput, Inputs, Model, Outputs, Source, sample_rows
from moorage_server.nocode.tensors import BFLOAT16, KINDS, STRING, Tensor, from_bfloat16, to_json

_FAST_CODES = {
    "float32": "f4",
    "float64": "f8",
    "int32": "i4",
    "int64": "i8",
    "uint8": "u1",
    "int8": "i1",
    "int16": "i2",
    "uint16": "u2",
    "uint32": "u4",
    "uint64": "u8",
}
_LARGEST_SAMPLE = 20_000  # numbers in an example request that is made up


class OnnxModel(Model):
    """Any inference graph: what goes in comes from the client as it is, nothing is done before or after."""

    framework = "Onnx"

    def __init__(self, source: Source, content: bytes | None = None) -> None:
        """Load a model from ``source.path``, or from ``content``.

        Raises:
            ModelUnusable: see `onnx_session.open_session`.
        """
        super().__init__(source)
        shown = Path(source.path).name
        self.session = onnx_session.open_session(
            content or source.path, source.options, source.size_bytes, shown
        )
        ort = onnx_session.runtime()
        self.library = f"onnxruntime {ort.__version__}"
        self.inputs = tuple(map(onnx_session.tensor_of, self.session.get_inputs()))
        self.outputs = tuple(map(onnx_session.tensor_of, self.session.get_outputs()))
        for tensor in self.inputs:
            if tensor.kind not in KINDS or tensor.form not in ("tensor", "sequence", "optional"):
                raise ModelUnusable(f"{shown}: the input {tensor} cannot be given in a request")
        self._native = onnx_session.runner(self.session)
        self._all_outputs = [tensor.name for tensor in self.outputs]
        self._members = [json.dumps(name).encode() + b":" for name in self._all_outputs]
        self._needs_values = any(t.kind == BFLOAT16 for t in (*self.inputs, *self.outputs))
        meta = self.session.get_modelmeta()
        self.facts = {
            "served_by": self.library,
            "providers": ", ".join(self.session.get_providers()),
            "producer": meta.producer_name or "not said",
        }
        self.fast_input = self._fast_input()
        self.sample = self._sample()

    def call(self, inputs: Inputs, method: str, outputs: Sequence[str]) -> Outputs:
        self.check_names(inputs, method)
        unknown = [name for name in outputs if name not in self._all_outputs]
        if unknown:
            text = f"the model has no output {unknown[0][:100]!r}; it has {', '.join(self._all_outputs)}"
            raise InvalidInput(text)
        names = list(outputs) or self._all_outputs
        feeds = {name: value for name, value in inputs.items() if value is not None}
        values = self._run_values(names, feeds) if self._needs_values else self._run(names, feeds)
        return dict(zip(names, values, strict=True))

    def run_rows(self, array: Any) -> Any:
        return tuple(self._run(self._all_outputs, {self.inputs[0].name: array}))

    def write_rows(self, value: Any) -> bytes:
        if len(value) == 1:
            return b"{%b%b}" % (self._members[0], to_json(value[0]))
        pairs = (b"%b%b" % (m, to_json(v)) for m, v in zip(self._members, value, strict=True))
        return b"{" + b",".join(pairs) + b"}"

    def _run(self, names: list[str], feeds: dict[str, Any]) -> Any:
        try:
            return self._native(names, feeds)
        except Exception as error:
            raise _refused(error) from error

    def _run_values(self, names: list[str], feeds: dict[str, Any]) -> list[Any]:
        """Run with values of ONNX Runtime: numpy has no bfloat16."""
        kinds = {tensor.name: tensor.kind for tensor in self.inputs}
        ort = onnx_session.runtime()
        values = {
            name: onnx_session.bfloat16_value(array)
            if kinds[name] == BFLOAT16
            else ort.OrtValue.ortvalue_from_numpy(array)
            for name, array in feeds.items()
        }
        try:
            answers = self.session.run_with_ort_values(names, values)
        except Exception as error:
            raise _refused(error) from error
        return [
            from_bfloat16(onnx_session.bfloat16_array(one)) if "bfloat16" in one.data_type() else one.numpy()
            for one in answers
        ]

    def _fast_input(self) -> FastInput | None:
        if len(self.inputs) != 1 or self._needs_values:
            return None
        only = self.inputs[0]
        if only.form != "tensor" or only.kind not in _FAST_CODES or not only.shape:
            return None
        first, *rest = only.shape
        sizes = [e for e in rest if isinstance(e, int) and e > 0]
        # A first extent that is fixed would be an error of the client, which the general path explains.
        if isinstance(first, int) or len(sizes) != len(rest):
            return None
        return FastInput("data", _FAST_CODES[only.kind], (None, *sizes))

    def _sample(self) -> Any:
        """Return an example request: the sample's first row, else small arrays of zeros; None: no guess."""
        given = sample_rows(self.source, tuple(tensor.name for tensor in self.inputs))
        if given is not None:
            if len(self.inputs) == 1:
                row = list(given[0].values()) if isinstance(given[0], dict) else given[0]
                return {"data": [row]}
            if isinstance(given[0], dict):
                return {"inputs": {t.name: _shaped(t, given[0].get(t.name)) for t in self.inputs}}
        values = {}
        for tensor in self.inputs:
            if tensor.form != "tensor" or tensor.shape is None:
                return None
            shape = [e if isinstance(e, int) and e >= 0 else 1 for e in tensor.shape]
            if int(np.prod(shape, dtype=np.int64)) > _LARGEST_SAMPLE:
                return None
            values[tensor.name] = _zeros(tensor, shape)
        return {"data": next(iter(values.values()))} if len(values) == 1 else {"inputs": values}


def _shaped(tensor: Tensor, value: Any) -> Any:
    """Return one value in as many lists as the input has dimensions."""
    for _ in tensor.shape or ():
        value = [value]
    return value


def _zeros(tensor: Tensor, shape: list[int]) -> Any:
    if tensor.kind == STRING:
        return np.full(shape, "", dtype=object).tolist()
    if tensor.kind == "bool":
        return np.zeros(shape, bool).tolist()
    return np.zeros(shape, np.float64 if "float" in tensor.kind else np.int64).tolist()


def _refused(error: Exception) -> Exception:
    """Return the error for the client where what it sent is at fault, else the one that came."""
    text = str(error)
    name = type(error).__name__
    if name in ("InvalidArgument", "Fail", "RuntimeException") and (
        "Got invalid dimensions" in text
        or "Invalid rank" in text
        or "Unexpected input data type" in text
        or "dimension" in text.lower()
        or "shape" in text.lower()
    ):
        return InvalidInput(f"the model refuses this input: {text.strip().splitlines()[0][:600]}")
    return error
