"""Files of PyTorch, looked at without PyTorch: what ``torch.export`` and TorchScript say about a model."""

import io
import json
import pickle
import pickletools
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moorage_server.nocode.tensors import BFLOAT16, Extent, Tensor

EXPORT, SCRIPT, SAVE = "torch.export", "TorchScript", "torch.save"
_STORAGES = {
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ShortStorage": "int16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "HalfStorage": "float16",
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "BoolStorage": "bool",
    "BFloat16Storage": BFLOAT16,
}
_LARGEST_PART = 200_000_000  # bytes of one member, decompressed
# ScalarType in the schema of torch.export.
_KINDS = {
    1: "uint8",
    2: "int8",
    3: "int16",
    4: "int32",
    5: "int64",
    6: "float16",
    7: "float32",
    8: "float64",
    10: "complex64",
    11: "complex128",
    12: "bool",
    13: BFLOAT16,
    28: "uint16",
    34: "uint32",
    35: "uint64",
}


@dataclass(frozen=True, slots=True)
class TorchFacts:
    """What an archive says. ``form``: one of the names above; texts describe inputs and outputs."""

    form: str
    version: str | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    details: Mapping[str, str] | None = None


def read_archive(archive: zipfile.ZipFile) -> TorchFacts | None:
    """Return what a zip archive of PyTorch says; None if it is none. Nothing in it is executed.

    Raises:
        BadZipFile, OSError: it cannot be read.
    """
    names = archive.namelist()
    program = next((n for n in names if n.endswith(("/models/model.json", "exported_program.json"))), None)
    program = program or next((n for n in names if n.endswith(".json") and "/models/" in n), None)
    tops = {name.partition("/")[2] for name in names}
    if program is not None:
        return _exported(archive, program)
    if any(name.startswith("code/") or name == "constants.pkl" for name in tops):
        return _script(archive, names)
    if "data.pkl" in tops:
        finding = "weights or a pickled module alone: save it with torch.export.save, or deploy a script"
        return TorchFacts(SAVE, findings=(finding,))
    return None


# torch.export


def _exported(archive: zipfile.ZipFile, name: str) -> TorchFacts:
    try:
        program = json.loads(_read(archive, name))
        graph = program["graph_module"]["graph"]
        signature = program["graph_module"]["signature"]
        inputs = tuple(_described(graph, _arguments(signature["input_specs"], "user_input")))
        outputs = tuple(_described(graph, _arguments(signature["output_specs"], "user_output")))
        names = _output_names(program["graph_module"], len(outputs))
        outputs = tuple(f"{n}:{o.partition(':')[2]}" for n, o in zip(names, outputs, strict=True))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        finding = f"the program in it is not understood: {type(error).__name__} {str(error)[:100]}"
        return TorchFacts(EXPORT, findings=(finding,))
    opsets = ", ".join(f"{k} {v}" for k, v in (program.get("opset_version") or {}).items())
    schema = program.get("schema_version") or {}
    details = {"opset": opsets, "nodes": str(len(graph.get("nodes", ())))}
    if isinstance(schema, dict) and "major" in schema:
        details["schema"] = f"{schema['major']}.{schema.get('minor', 0)}"
    version = program.get("torch_version")
    return TorchFacts(EXPORT, _release(version), inputs, outputs, details=details)


def _output_names(module: Any, count: int) -> list[str]:
    """Return what a service calls the outputs: members of a dictionary, else numbers."""
    with suppress(ValueError, KeyError, IndexError, TypeError):
        spec = json.loads(module["module_call_graph"][0]["signature"]["out_spec"])[1]
        if spec["type"] == "builtins.dict" and len(names := json.loads(spec["context"])) == count:
            return [str(name) for name in names]
        if spec["type"] is None:
            return ["output"]
    return [f"output_{index}" for index in range(count)]


def _arguments(specs: Any, kind: str) -> Iterator[Any]:
    for spec in specs:
        if kind in spec:
            yield spec[kind]["arg"]


def _described(graph: Any, arguments: Iterator[Any]) -> Iterator[str]:
    for argument in arguments:
        ((form, value),) = argument.items()
        if form != "as_tensor":
            yield f"{form.removeprefix('as_')}: {value if isinstance(value, (str, int, float)) else '?'}"
            continue
        name = value["name"]
        meta = graph["tensor_values"][name]
        extents: list[Extent] = [_extent(size) for size in meta["sizes"]]
        yield str(Tensor(name, _KINDS.get(meta["dtype"], "of another type"), tuple(extents)))


def _extent(size: Mapping[str, Any]) -> Extent:
    if "as_int" in size:
        return int(size["as_int"])
    expression = size.get("as_expr", {})
    match = re.search(r"Symbol\('(\w+)'", str(expression.get("expr_str", "")))
    return match[1] if match else None


def _release(version: Any) -> str | None:
    return str(version).partition("+")[0] if version else None


# TorchScript


def _script(archive: zipfile.ZipFile, names: list[str]) -> TorchFacts:
    data = next((name for name in names if name.endswith("/data.pkl")), None)
    try:
        root = None if data is None else _root_class(_read(archive, data))
    except (ValueError, zipfile.BadZipFile) as error:
        return TorchFacts(SCRIPT, findings=(f"the archive is damaged: {error}",))
    if root is None:
        return TorchFacts(SCRIPT, findings=("which class is the model is not said in it",))
    module, name = root
    path = f"/code/{module.replace('.', '/')}.py"
    code = next((one for one in names if one.endswith(path)), None)
    text = _read(archive, code).decode("utf-8", "replace") if code else ""
    found = re.search(rf"^class {re.escape(name)}\(.*?(?=^class |\Z)", text, re.MULTILINE | re.DOTALL)
    forward = re.search(
        r"def forward\(self: [^,)]+,?(.*?)\) -> (.+?):\n", found[0] if found else "", re.DOTALL
    )
    details = {"class": name}
    if forward is None:
        return TorchFacts(SCRIPT, findings=("it has no method forward",), details=details)
    inputs = tuple(_typed(part, tensor) for part, tensor in _with_traced(archive, names, forward[1]))
    return TorchFacts(SCRIPT, None, inputs, (" ".join(forward[2].split()),), details=details)


def _with_traced(archive: zipfile.ZipFile, names: list[str], text: str) -> Iterator[tuple[str, Any]]:
    traced = _traced(archive, names)
    for index, part in enumerate(_parts(text)):
        yield part, traced[index] if index < len(traced) else None


def _typed(part: str, traced: Any) -> str:
    """Return an argument as its file writes it, or with the type that it was traced with."""
    text = " ".join(part.split())
    name, _, kind = text.partition(": ")
    if kind != "Tensor" or not isinstance(traced, _Tensor):
        return text
    return str(Tensor(name, traced.kind, (None,) * traced.rank))


def traced_tensors(path: Path) -> list[tuple[str, int] | None]:
    """Return type and number of dimensions of each argument with which a TorchScript file was traced.

    None stands for what is no tensor. Empty for scripts, which were not traced, and where it is not said.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = _traced(archive, archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return []
    return [(one.kind, one.rank) if isinstance(one, _Tensor) else None for one in found]


def _traced(archive: zipfile.ZipFile, names: list[str]) -> list[Any]:
    part = next((name for name in names if name.endswith("/traced_inputs.pkl")), None)
    if part is None:
        return []
    try:
        found = _Reader(io.BytesIO(_read(archive, part))).load()["forward"]
    except (pickle.UnpicklingError, ValueError, KeyError, TypeError, IndexError, AttributeError, EOFError):
        return []
    return list(found) if isinstance(found, list) else []


@dataclass(frozen=True, slots=True)
class _Tensor:
    kind: str
    rank: int


class _Reader(pickle.Unpickler):
    """Reads types and shapes of tensors; whatever else a pickle names is refused, nothing of it is called."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, *rest: _Tensor(storage, len(shape))
        if (module, name) == ("torch.jit._pickle", "restore_type_tag"):
            return lambda value, tag: value
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        raise pickle.UnpicklingError(f"{module}.{name} is not read")

    def persistent_load(self, pid: Any) -> Any:
        return pid[1]


def _root_class(content: bytes) -> tuple[str, str] | None:
    """Return module and name of the first class that a pickle names, which is the model's."""
    for operation, argument, _ in pickletools.genops(content):
        if operation.name == "GLOBAL" and isinstance(argument, str):
            module, _, name = argument.partition(" ")
            return module, name
    return None


def _parts(text: str) -> Iterator[str]:
    """Yield the arguments of a signature: parted by commas outside of brackets."""
    depth, start = 0, 0
    for index, letter in enumerate(text):
        depth += (letter in "[(") - (letter in "])")
        if letter == "," and not depth:
            yield text[start:index]
            start = index + 1
    if text[start:].strip():
        yield text[start:]


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > _LARGEST_PART:
        raise ValueError(f"{name} is larger than {_LARGEST_PART // 1_000_000} MB")
    return archive.read(name)
