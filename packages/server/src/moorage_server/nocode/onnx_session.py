"""ONNX Runtime: sessions with the options of a deployment, and errors that say what would help."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from moorage_server.nocode.errors import ModelUnusable
from moorage_server.nocode.tensors import BFLOAT16, STRING, Tensor

SMALL_BYTES = 20_000_000  # below, more threads cost more than they bring
PROVIDER_PACKAGES = {
    "CUDAExecutionProvider": "onnxruntime-gpu",
    "TensorrtExecutionProvider": "onnxruntime-gpu and TensorRT",
    "OpenVINOExecutionProvider": "onnxruntime-openvino",
    "VitisAIExecutionProvider": "onnxruntime-vitisai",
    "DmlExecutionProvider": "onnxruntime-directml",
    "ROCMExecutionProvider": "onnxruntime-rocm",
    "MIGraphXExecutionProvider": "onnxruntime-migraphx",
    "QNNExecutionProvider": "onnxruntime-qnn",
    "CoreMLExecutionProvider": "onnxruntime for macOS",
}
_SHORT_NAMES = {name.removesuffix("ExecutionProvider").lower(): name for name in PROVIDER_PACKAGES}
_SHORT_NAMES["cpu"] = "CPUExecutionProvider"
_KINDS = {
    "float": "float32",
    "double": "float64",
    "float16": "float16",
    "bfloat16": BFLOAT16,
    "string": STRING,
    "bool": "bool",
    "complex64": "complex64",
    "complex128": "complex128",
    **{f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
_LEVELS = {
    "disable": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}


def runtime() -> Any:
    """Return ONNX Runtime.

    Raises:
        ModelUnusable: it is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelUnusable(
            "ONNX models need the package onnxruntime: pip install 'moorage-server[onnx]'"
        ) from error
    return onnxruntime


def providers(wanted: str | None) -> list[str]:
    """Return the execution providers to use, in the order given; ``cuda`` is short for the whole name.

    Raises:
        ModelUnusable: one is not in the installed ONNX Runtime; the message names the package that has it.
    """
    available = list(runtime().get_available_providers())
    if not wanted:
        return ["CPUExecutionProvider"]
    chosen = []
    for text in (part.strip() for part in wanted.split(",")):
        if not text:
            continue
        name = _SHORT_NAMES.get(text.lower(), text)
        if name not in available:
            package = PROVIDER_PACKAGES.get(name)
            known = f"install {package}" if package else f"known are {', '.join(sorted(_SHORT_NAMES))}"
            raise ModelUnusable(
                f"the execution provider {name} is not in the installed onnxruntime, which has "
                f"{', '.join(available)}; {known}"
            )
        chosen.append(name)
    return chosen or ["CPUExecutionProvider"]


def session_options(options: Mapping[str, str], size_bytes: int) -> Any:
    """Return the session options for a model of that size.

    ``onnx.threads`` (within an operation; default 1 for small models, else all cores),
    ``onnx.parallel_threads`` (operations side by side), ``onnx.optimization`` (disable, basic, extended
    or all).

    Raises:
        ModelUnusable: a value is not possible.
    """
    ort = runtime()
    made = ort.SessionOptions()
    made.log_severity_level = 4  # errors are raised, and told where they are handled
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    default = 1 if size_bytes < SMALL_BYTES else cores
    made.intra_op_num_threads = _count(options, "onnx.threads", default)
    parallel = _count(options, "onnx.parallel_threads", 1)
    made.inter_op_num_threads = parallel
    if parallel > 1:
        made.execution_mode = ort.ExecutionMode.ORT_PARALLEL
    level = options.get("onnx.optimization", "all")
    if level not in _LEVELS:
        raise ModelUnusable(f"onnx.optimization is {level!r}; possible are {', '.join(_LEVELS)}")
    made.graph_optimization_level = getattr(ort.GraphOptimizationLevel, _LEVELS[level])
    return made


def _count(options: Mapping[str, str], name: str, default: int) -> int:
    text = options.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1024):
        raise ModelUnusable(f"{name} is {text!r}; a number of threads from 1 to 1024 is needed")
    return int(text)


def open_session(model: str | bytes, options: Mapping[str, str], size_bytes: int, shown: str) -> Any:
    """Return a session for a file or for its content.

    Raises:
        ModelUnusable: the file is damaged, of a later version, lacks external data, or a provider is missing.
    """
    ort = runtime()
    chosen = providers(options.get("onnx.providers"))
    made = session_options(options, size_bytes)
    try:
        session = ort.InferenceSession(model, made, providers=chosen)
    except Exception as error:  # classes of the native module, without a common base
        raise ModelUnusable(_explained(str(error), shown, model)) from error
    lost = [name for name in chosen if name not in session.get_providers()]
    if lost:  # ONNX Runtime itself goes on without a word to whoever asks for answers
        raise ModelUnusable(
            f"the execution provider {lost[0]} is installed, but did not start: its libraries or its device "
            f"are missing; install what {PROVIDER_PACKAGES.get(lost[0], 'it')} needs, or do not ask for it"
        )
    return session


def runner(session: Any) -> Callable[[list[str], dict[str, Any]], Any]:
    """Return a function that runs a session: names of outputs and arrays by input to a list of outputs.

    `InferenceSession.run` looks at all names first, which takes a third of the time of a small graph, and is
    needed where a provider may fail over to another one.
    """
    native = getattr(getattr(session, "_sess", None), "run", None)
    if native is None or session.get_providers() != ["CPUExecutionProvider"]:
        return session.run  # type: ignore[no-any-return]

    def run(names: list[str], feeds: dict[str, Any]) -> Any:
        return native(names, feeds, None)

    return run


def _explained(text: str, shown: str, model: str | bytes) -> str:
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text.strip())
    first = text.splitlines()[0][:500] if text else "no reason was given"
    if (
        "protobuf parsing failed" in text.lower()
        or "No graph was found" in text
        or "ModelProto does not" in text
    ):
        return f"{shown} is damaged or no ONNX model: it cannot be read as one"
    if "external data" in text.lower() or "GetFileLength" in text or "file_size" in text.lower():
        missing = _missing_data(model)
        names = f" ({', '.join(missing)})" if missing else ""
        return (
            f"{shown} keeps its weights in other files{names} that are not beside it; "
            f"register the folder that holds all of them. {first}"
        )
    if "opset" in text.lower() or "ir version" in text.lower() or "ir_version" in text.lower():
        return (
            f"{shown} was written for a later ONNX than onnxruntime {runtime().__version__} knows: {first} "
            "Convert it with onnx.version_converter, export it with a lower opset or take a newer onnxruntime"
        )
    if (
        "not a registered function/op" in text
        or "No Op registered" in text
        or "NOT_IMPLEMENTED" in text
        or "Could not find an impl" in text
    ):
        return f"{shown} has an operator that onnxruntime {runtime().__version__} does not have: {first}"
    return f"{shown} cannot be loaded by onnxruntime {runtime().__version__}: {first}"


def _missing_data(model: str | bytes) -> list[str]:
    """Return the external data files that a model names and that are not there."""
    if isinstance(model, bytes):
        return []
    try:
        import onnx
        from onnx.external_data_helper import ExternalDataInfo, uses_external_data

        graph = onnx.load(model, load_external_data=False).graph
    except Exception:  # not installed, or unreadable: the runtime's own message stands
        return []
    names = {ExternalDataInfo(one).location for one in graph.initializer if uses_external_data(one)}
    return sorted(name for name in names if not Path(model).parent.joinpath(name).is_file())


_TYPE = re.compile(r"(?:(seq|optional)\()?tensor\((\w+)\)")


def tensor_of(argument: Any) -> Tensor:
    """Return the description of an input or output of a session."""
    text = str(argument.type)
    if "map(" in text:
        value = text.rsplit("tensor(", 1)[-1].partition(")")[0]
        form = "sequence of map" if text.startswith("seq(") else "map"
        return Tensor(argument.name, _KINDS.get(value, value), None, form)
    match = _TYPE.match(text)
    if match is None:
        return Tensor(argument.name, text, None, "opaque")
    shape = tuple(e if isinstance(e, (int, str)) else None for e in argument.shape or ())
    form = {"seq": "sequence", "optional": "optional", None: "tensor"}[match[1]]
    kind = _KINDS.get(match[2], match[2])
    if form != "tensor":
        return Tensor(argument.name, kind, None, form)
    return Tensor(argument.name, kind, shape)


def bfloat16_value(array: Any) -> Any:
    """Return the value of ONNX Runtime for bfloat16 numbers in uint16."""
    return runtime().OrtValue.ortvalue_from_numpy_with_onnx_type(np.ascontiguousarray(array), 16)


def bfloat16_array(value: Any) -> Any:
    """Return the numbers of a bfloat16 value of ONNX Runtime, as uint16."""
    import ctypes

    shape = tuple(value.shape())
    if not all(shape):
        return np.zeros(shape, np.uint16)
    pointer = ctypes.cast(value.data_ptr(), ctypes.POINTER(ctypes.c_uint16))
    return np.ctypeslib.as_array(pointer, shape or (1,)).reshape(shape).copy()
