"""PyTorch without a script: programs of ``torch.export`` (``.pt2``) and TorchScript files."""

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from moorage_server.nocode import torch_files
from moorage_server.nocode.errors import InvalidInput, ModelUnusable
from moorage_server.nocode.model import FastInput, Inputs, Model, Outputs, Source, sample_rows
from moorage_server.nocode.onnx_session import SMALL_BYTES
from moorage_server.nocode.tensors import BFLOAT16, KINDS, Extent, Tensor

_FAST_CODES = {"float32": "f4", "float64": "f8", "int32": "i4", "int64": "i8", "uint8": "u1"}
_LARGEST_SAMPLE = 20_000
_DECLARED = re.compile(r"\s*(\w+)\s*:\s*(\w+)\s*(?:\[([^\]]*)\])?\s*")
_SCALARS = {"int": "int64", "float": "float64", "bool": "bool"}


def library() -> Any:
    """Return PyTorch.

    Raises:
        ModelUnusable: it is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise ModelUnusable("PyTorch models need the package torch, which is not installed") from error
    return torch


class TorchModel(Model):
    """What both forms have in common; a subclass loads the file and says what goes in and out."""

    framework = "PyTorch"
    scalars: frozenset[str] = frozenset()  # inputs that are plain numbers, no tensors

    def __init__(self, source: Source) -> None:
        """Load the file ``source.path``.

        Raises:
            ModelUnusable: it is damaged, of a later PyTorch, or PyTorch is not installed.
        """
        super().__init__(source)
        self._torch = library()
        self._torch.set_num_threads(_threads(source))
        self.library = f"torch {self._torch.__version__}"
        path = Path(source.path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.inputs = self.load(path)
        except ModelUnusable:
            raise
        except Exception as error:  # whatever the two loaders raise
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise ModelUnusable(
                f"{path.name} is damaged, or {self.library} is not the one for it: {lines[0][:400]}"
            ) from error
        for tensor in self.inputs:
            if tensor.kind not in KINDS or tensor.form == "opaque":
                raise ModelUnusable(f"{path.name}: the input {tensor} cannot be given in a request")
        self.facts = {"served_by": self.library, "threads": str(self._torch.get_num_threads())}
        self.fast_input = self._fast_input()
        self.sample = self._sample()

    def load(self, path: Path) -> tuple[Tensor, ...]:
        """Load the model and return its inputs; raises whatever PyTorch raises."""
        raise NotImplementedError

    def run(self, values: Mapping[str, Any]) -> Any:
        """Run the model on tensors and plain numbers by the names of its inputs."""
        raise NotImplementedError

    def call(self, inputs: Inputs, method: str, outputs: Sequence[str]) -> Outputs:
        self.check_names(inputs, method)
        values = {
            t.name: self._tensor(t, inputs[t.name]) for t in self.inputs if inputs.get(t.name) is not None
        }
        try:
            with self._torch.inference_mode():
                results = _named(self.run(values))
        except (RuntimeError, AssertionError, ValueError, TypeError, IndexError) as error:
            if "allocate memory" in str(error):
                raise
            raise InvalidInput(f"the model refuses this input: {self._reason(error)}") from error
        unknown = [name for name in outputs if name not in results]
        if unknown:
            raise InvalidInput(f"the model has no output {unknown[0][:100]!r}; it has {', '.join(results)}")
        return {name: self._array(results[name]) for name in outputs or results}

    def run_rows(self, array: Any) -> Any:
        return self.call({self.inputs[0].name: array}, self.default_method, ())

    def write_rows(self, value: Any) -> bytes:
        from moorage_server.nocode.forms import write_members

        return bytes(write_members(self, self.default_method, value).body)

    def _reason(self, error: Exception) -> str:
        """Return the line of an error that names the fault: those of TorchScript are at the end."""
        lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
        told = [line for line in lines if line.startswith(("RuntimeError:", "Guard failed"))] or lines
        return (told[0] if told else type(error).__name__).removeprefix("RuntimeError: ")[:500]

    def _tensor(self, tensor: Tensor, value: Any) -> Any:
        if tensor.form == "sequence":
            inner = Tensor(tensor.name, tensor.kind)
            return [self._tensor(inner, one) for one in value]
        if tensor.name in self.scalars:
            return value.item()
        if tensor.kind == BFLOAT16:
            bits = self._torch.from_numpy(np.ascontiguousarray(value).view(np.int16).copy())
            return bits.view(self._torch.bfloat16)
        array = np.ascontiguousarray(value)
        # Of another request, or a view of bytes that are not ours to write.
        return self._torch.from_numpy(array if array.flags.writeable else array.copy())

    def _array(self, value: Any) -> Any:
        if not isinstance(value, self._torch.Tensor):
            if isinstance(value, (list, tuple)):
                return [self._array(one) for one in value]
            if isinstance(value, dict):
                return {key: self._array(one) for key, one in value.items()}
            return value if isinstance(value, str) or value is None else np.asarray(value)
        value = value.detach().cpu()
        if value.dtype == self._torch.bfloat16:
            value = value.float()
        return value.resolve_conj().resolve_neg().to_dense().numpy()

    def _fast_input(self) -> FastInput | None:
        if len(self.inputs) != 1 or self.inputs[0].form != "tensor":
            return None
        only = self.inputs[0]
        if only.kind not in _FAST_CODES or not only.shape or isinstance(only.shape[0], int):
            return None
        sizes = [extent for extent in only.shape[1:] if isinstance(extent, int)]
        if len(sizes) != len(only.shape) - 1:
            return None
        return FastInput("data", _FAST_CODES[only.kind], (None, *sizes))

    def _sample(self) -> Any:
        """Return an example request: the sample's first row, else zeros; None where a shape is not known."""
        given = sample_rows(self.source, None)
        if given is not None and len(self.inputs) == 1:
            return {"data": [given[0]]}
        values = {}
        for tensor in self.inputs:
            if tensor.form == "optional":
                continue
            if tensor.form != "tensor" or tensor.shape is None:
                return None
            shape = [extent if isinstance(extent, int) else 1 for extent in tensor.shape]
            if int(np.prod(shape, dtype=np.int64)) > _LARGEST_SAMPLE:
                return None
            zero: Any = False if tensor.kind == "bool" else 0 if "int" in tensor.kind else 0.0
            values[tensor.name] = np.full(shape, zero).tolist()
        return {"data": next(iter(values.values()))} if len(values) == 1 else {"inputs": values}


class ExportedModel(TorchModel):
    """A program of ``torch.export``: it says names, types and shapes itself."""

    def load(self, path: Path) -> tuple[Tensor, ...]:
        program = self._torch.export.load(str(path))
        wanted = [str(name) for name in program.graph_signature.user_inputs if isinstance(name, str)]
        if len(wanted) != len(program.graph_signature.user_inputs):
            raise ModelUnusable(
                f"{path.name} was exported with a plain value among its inputs; export it with tensors alone"
            )
        found = {n.name: n.meta.get("val") for n in program.graph.nodes if n.op == "placeholder"}
        self._spec = program.call_spec.in_spec
        self._module = program.module()
        inputs = tuple(self._described(name, found.get(name)) for name in wanted)
        names = [str(name) for name in program.graph_signature.user_outputs]
        values = {n.name: n.meta.get("val") for n in program.graph.nodes}
        labels = list(_labels(program.call_spec.out_spec, len(names)))
        self.outputs = tuple(
            self._described(one, values.get(n)) for one, n in zip(labels, names, strict=True)
        )
        return inputs

    def run(self, values: Mapping[str, Any]) -> Any:
        leaves = [values[tensor.name] for tensor in self.inputs]
        arguments, named = self._torch.utils._pytree.tree_unflatten(leaves, self._spec)
        return self._module(*arguments, **named)

    def _described(self, name: str, value: Any) -> Tensor:
        if not isinstance(value, self._torch.Tensor):
            return Tensor(name, "float64", None)
        shape = tuple(int(e) if isinstance(e, int) else str(e) for e in value.shape)
        return Tensor(name, _kind(value.dtype), shape)


class ScriptModel(TorchModel):
    """A TorchScript file. It names its inputs, but not their types: float32, or what the model's property
    ``torch.inputs`` says (``ids: int64 [?, 128]; mask: bool``), or what it was traced with."""

    def load(self, path: Path) -> tuple[Tensor, ...]:
        self._module = self._torch.jit.load(str(path), map_location="cpu").eval()
        declared = declared_inputs(self.source.options.get("torch.inputs"))
        arguments = self._module.forward.schema.arguments[1:]
        kept = zip(arguments, torch_files.traced_tensors(path), strict=False)
        # Sizes may vary; how many there are does not.
        traced = {
            str(one.name): Tensor(str(one.name), seen[0], (None,) * seen[1]) for one, seen in kept if seen
        }
        unknown = set(declared) - {str(one.name) for one in arguments}
        if unknown:
            raise ModelUnusable(
                f"torch.inputs names {', '.join(sorted(unknown))}, which forward does not have"
            )
        inputs = []
        for one in arguments:
            name, text = str(one.name), str(one.type)
            tensor = declared.get(name) or traced.get(name) or Tensor(name, "float32", None)
            inputs.append(_argument(tensor, text, one.has_default_value()))
        kinds = {str(one.name): _without_optional(str(one.type)) for one in arguments}
        self.scalars = frozenset(name for name, kind in kinds.items() if kind in _SCALARS)
        self.outputs = (Tensor("output", "float32", None),)
        return tuple(inputs)

    def run(self, values: Mapping[str, Any]) -> Any:
        return self._module(**values)

    def _reason(self, error: Exception) -> str:
        text = super()._reason(error)
        if "scalar type" in text or "dtype" in text:
            text += ". A property of the model can say the types: torch.inputs=" + "; ".join(
                f"{tensor.name}: int64" for tensor in self.inputs
            )
        return text


def open_torch(source: Source, form: str) -> TorchModel:
    """Return the model in a file that is of one of the two forms; raises as `TorchModel` does."""
    if form == "torch.export":
        return ExportedModel(source)
    if form == "TorchScript":
        return ScriptModel(source)
    raise ModelUnusable(
        f"{Path(source.path).name} is {form}: it holds weights or a pickled module, which only its own code "
        "can run. Save the model with torch.export.save or torch.jit.save, export it to ONNX "
        "(torch.onnx.export), or deploy it with an entry script"
    )


def declared_inputs(text: str | None) -> dict[str, Tensor]:
    """Read the property ``torch.inputs``: ``ids: int64 [?, 128]; mask: bool``.

    Raises:
        ModelUnusable: it is not written that way.
    """
    found: dict[str, Tensor] = {}
    for part in (text or "").split(";"):
        if not part.strip():
            continue
        match = _DECLARED.fullmatch(part)
        if match is None or match[2] not in KINDS or match[2] == "string":
            raise ModelUnusable(
                f"torch.inputs has {part.strip()[:100]!r}; an input is written ids: int64 [?, 128], "
                f"of the types {', '.join(kind for kind in KINDS if kind != 'string')}"
            )
        shape: tuple[Extent, ...] | None = None
        if match[3] is not None:
            extents = [one.strip() for one in match[3].split(",") if one.strip()]
            shape = tuple(int(one) if one.isascii() and one.isdigit() else None for one in extents)
        found[match[1]] = Tensor(match[1], match[2], shape)
    return found


def _argument(tensor: Tensor, text: str, has_default: bool) -> Tensor:
    kind = _without_optional(text)
    is_optional = has_default or kind != text
    if kind in _SCALARS:
        form = "optional" if is_optional else "scalar"
        return Tensor(tensor.name, _SCALARS[kind], (), form)
    if kind == "List[Tensor]" and not is_optional:
        return Tensor(tensor.name, tensor.kind, None, "sequence")
    if kind != "Tensor":
        return Tensor(tensor.name, text, None, "opaque")
    return Tensor(tensor.name, tensor.kind, tensor.shape, "optional") if is_optional else tensor


def _without_optional(text: str) -> str:
    inner = re.fullmatch(r"Optional\[(.+)\]", text)
    return inner[1] if inner else text


def _kind(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _named(results: Any) -> dict[str, Any]:
    """Return outputs by name: members of an object by theirs, else ``output`` or ``output_0``, ..."""
    if isinstance(results, dict):
        return {str(key): value for key, value in results.items()}
    if hasattr(results, "_asdict"):
        return dict(results._asdict())
    if isinstance(results, (list, tuple)):
        return {f"output_{index}": value for index, value in enumerate(results)}
    return {"output": results}


def _labels(spec: Any, count: int) -> list[str]:
    """Return the names that `_named` gives to the leaves of an answer."""
    if spec is not None and getattr(spec, "type", None) is dict:
        keys = [str(key) for key in spec.context]
        if len(keys) == count:
            return keys
    if spec is not None and getattr(spec, "type", None) in (list, tuple):
        return [f"output_{index}" for index in range(count)]
    return ["output"] if count == 1 else [f"output_{index}" for index in range(count)]


def _threads(source: Source) -> int:
    text = source.options.get("torch.threads")
    if text is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return 1 if source.size_bytes < SMALL_BYTES else cores
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1024):
        raise ModelUnusable(f"torch.threads is {text!r}; a number of threads from 1 to 1024 is needed")
    return int(text)
