"""TensorFlow SavedModels by their signatures, and Keras files."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from moorage_server.nocode.errors import InvalidInput, ModelUnusable
from moorage_server.nocode.model import FastInput, Inputs, Model, Outputs, Source
from moorage_server.nocode.tensors import BFLOAT16, KINDS, STRING, Tensor, from_bfloat16

DEFAULT = "serving_default"
_FAST_CODES = {"float32": "f4", "float64": "f8", "int32": "i4", "int64": "i8"}
_HIDDEN = "__saved_model_init_op"
_LARGEST_SAMPLE = 20_000


def library() -> Any:
    """Return TensorFlow.

    Raises:
        ModelUnusable: it is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import tensorflow
    except ImportError as error:
        raise ModelUnusable(
            "TensorFlow models need the package tensorflow (or tensorflow-cpu), which is not installed"
        ) from error
    return tensorflow


class SavedModel(Model):
    """A SavedModel folder; the methods are its signatures."""

    framework = "TensorFlow"

    def __init__(self, source: Source) -> None:
        """Load the folder ``source.path``.

        Raises:
            ModelUnusable: it is damaged, has no signatures, or TensorFlow is not installed.
        """
        super().__init__(source)
        self._tf = library()
        self.library = f"tensorflow {self._tf.__version__}"
        path = Path(source.path)
        try:
            # Kept: the functions use its variables.
            self._loaded = self._tf.saved_model.load(str(path))
            signatures = dict(self._loaded.signatures)
        except Exception as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise ModelUnusable(
                f"{path.name} is damaged, or {self.library} is not the one for it: {lines[0][:400]}"
            ) from error
        signatures.pop(_HIDDEN, None)
        if not signatures:
            raise ModelUnusable(
                f"{path.name} has no signatures, so nothing says what it takes; save it with signatures=..."
            )
        self._signatures = signatures
        self.methods = tuple(sorted(signatures, key=lambda name: (name != DEFAULT, name)))
        self.default_method = self.method_named(source.options.get("signature", self.methods[0]))
        self._inputs = {name: _inputs(one) for name, one in signatures.items()}
        self._outputs = {name: _outputs(one) for name, one in signatures.items()}
        self.inputs, self.outputs = self._inputs[self.default_method], self._outputs[self.default_method]
        self.facts = {"served_by": self.library, "signatures": ", ".join(self.methods)}
        self.fast_input = _fast_input(self.inputs)
        self.sample = _sample(self.inputs)

    def inputs_of(self, method: str) -> tuple[Tensor, ...]:
        return self._inputs[method]

    def outputs_of(self, method: str) -> tuple[Tensor, ...]:
        return self._outputs[method]

    def call(self, inputs: Inputs, method: str, outputs: Sequence[str]) -> Outputs:
        self.check_names(inputs, method)
        function = self._signatures[method]
        values = {t.name: self._tensor(t, inputs[t.name]) for t in self._inputs[method]}
        try:
            results = function(**values)
        except (ValueError, TypeError, self._tf.errors.InvalidArgumentError) as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise InvalidInput(f"the model refuses this input: {lines[0][:500]}") from error
        names = list(outputs) or [tensor.name for tensor in self._outputs[method]]
        unknown = [name for name in names if name not in results]
        if unknown:
            raise InvalidInput(f"the model has no output {unknown[0][:100]!r}; it has {', '.join(results)}")
        return {name: _array(results[name]) for name in names}

    def run_rows(self, array: Any) -> Any:
        return self.call({self.inputs[0].name: array}, self.default_method, ())

    def write_rows(self, value: Any) -> bytes:
        from moorage_server.nocode.tensorflow_form import write_rows

        return write_rows(self, self.default_method, value).body

    def _tensor(self, tensor: Tensor, array: Any) -> Any:
        if tensor.kind == STRING:
            # Bytes came as text, one escape for each byte that is no text.
            encode = np.frompyfunc(lambda text: text.encode("utf-8", "surrogateescape"), 1, 1)
            return self._tf.constant(encode(array), dtype=self._tf.string)
        if tensor.kind == BFLOAT16:
            return self._tf.cast(self._tf.constant(from_bfloat16(array)), self._tf.bfloat16)
        return self._tf.constant(array, dtype=tensor.kind)


class KerasModel(Model):
    """A file of Keras 3 (``.keras``) or its older HDF5 form."""

    framework = "TfKeras"

    def __init__(self, source: Source) -> None:
        """Load the file ``source.path``. Lambda layers, which are code, are refused.

        Raises:
            ModelUnusable: it is damaged, holds code, or Keras is not installed.
        """
        super().__init__(source)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        try:
            import keras
        except ImportError as error:
            raise ModelUnusable("Keras models need the package keras, which is not installed") from error
        self.library = f"keras {keras.__version__} on {keras.backend.backend()}"
        path = Path(source.path)
        try:
            self._model = keras.saving.load_model(str(path), compile=False, safe_mode=True)
        except Exception as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise ModelUnusable(
                f"{path.name} cannot be loaded by {self.library}: {lines[0][:400]}"
            ) from error
        self.inputs = tuple(_keras_tensor(one) for one in self._model.inputs)
        self.outputs = tuple(
            Tensor(name, str(one.dtype), tuple(one.shape))
            for name, one in zip(self._model.output_names, self._model.outputs, strict=True)
        )
        self.facts = {"served_by": self.library}
        self.fast_input = _fast_input(self.inputs)
        self.sample = _sample(self.inputs)

    def call(self, inputs: Inputs, method: str, outputs: Sequence[str]) -> Outputs:
        self.check_names(inputs, method)
        values = [inputs[tensor.name] for tensor in self.inputs]
        try:
            results = self._model(values[0] if len(values) == 1 else values, training=False)
        except (ValueError, TypeError) as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise InvalidInput(f"the model refuses this input: {lines[0][:500]}") from error
        if isinstance(results, dict):
            return {name: _array(value) for name, value in results.items()}
        found = results if isinstance(results, (list, tuple)) else [results]
        return {t.name: _array(value) for t, value in zip(self.outputs, found, strict=True)}

    def run_rows(self, array: Any) -> Any:
        return self.call({self.inputs[0].name: array}, self.default_method, ())

    def write_rows(self, value: Any) -> bytes:
        from moorage_server.nocode.tensorflow_form import write_rows

        return write_rows(self, self.default_method, value).body


def _array(value: Any) -> Any:
    array = value.numpy() if hasattr(value, "numpy") else np.asarray(value)
    array = np.asarray(array)
    return array.astype(np.float32) if array.dtype.name == BFLOAT16 else array


def _inputs(function: Any) -> tuple[Tensor, ...]:
    named = function.structured_input_signature[1]
    return tuple(_tensor(name, spec) for name, spec in sorted(named.items()))


def _outputs(function: Any) -> tuple[Tensor, ...]:
    return tuple(_tensor(name, spec) for name, spec in sorted(function.structured_outputs.items()))


def _tensor(name: str, spec: Any) -> Tensor:
    kind = spec.dtype.name
    if kind not in KINDS:
        raise ModelUnusable(f"{name} is of the type {kind}, which cannot be given in a request")
    shape = None if spec.shape.rank is None else tuple(spec.shape.as_list())
    return Tensor(name, kind, shape)


def _keras_tensor(one: Any) -> Tensor:
    return Tensor(str(one.name).partition(":")[0], str(one.dtype), tuple(one.shape))


def _fast_input(inputs: tuple[Tensor, ...]) -> FastInput | None:
    """Return the form that the front may read: rows of numbers, the form of TensorFlow Serving."""
    if len(inputs) != 1 or inputs[0].kind not in _FAST_CODES or not inputs[0].shape:
        return None
    first, *rest = inputs[0].shape
    sizes = [extent for extent in rest if isinstance(extent, int)]
    if isinstance(first, int) or len(sizes) != len(rest):
        return None
    return FastInput("instances", _FAST_CODES[inputs[0].kind], (None, *sizes))


def _sample(inputs: tuple[Tensor, ...]) -> Any:
    """Return a request with one instance of zeros, or None where a shape cannot be guessed."""
    row: dict[str, Any] = {}
    for tensor in inputs:
        if not tensor.shape or tensor.kind == STRING:
            return None
        shape = [extent if isinstance(extent, int) else 1 for extent in tensor.shape[1:]]
        if int(np.prod(shape, dtype=np.int64)) > _LARGEST_SAMPLE:
            return None
        row[tensor.name] = np.zeros(shape, bool if tensor.kind == "bool" else float).tolist()
        if "int" in tensor.kind:
            row[tensor.name] = np.zeros(shape, int).tolist()
    if len(row) == 1:
        return {"instances": [next(iter(row.values()))]}
    return {"inputs": {name: [value] for name, value in row.items()}}
