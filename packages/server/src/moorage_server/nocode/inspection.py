"""What a file or folder is: framework, format, versions, inputs and outputs. Nothing in it is executed."""

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moorage_server.nocode import pickles, torch_files
from moorage_server.nocode.torch_files import TorchFacts

_HEAD_BYTES = 4096
_TEXT_BYTES = 200_000
_NO_MODELS = (".txt", ".md", ".yml", ".yaml", ".py", ".data", ".csv")
TRUST = "load only what you trust"  # the end of findings that say nothing against a file
ONNX_SUFFIXES = (".onnx", ".ort")


@dataclass(frozen=True, slots=True)
class Inspection:
    """``framework`` is a name of `Model.Framework`, or one beside them; None: not known.

    ``version`` is that of the library that wrote it, where it says so. ``inputs`` and ``outputs`` are texts.
    """

    path: str
    framework: str | None
    format: str
    size_bytes: int
    version: str | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    details: dict[str, str] = field(default_factory=dict)


def inspect(path: Path) -> Inspection:
    """Look at a model file or folder.

    Raises:
        OSError: it is not there or cannot be read.
    """
    if path.is_dir():
        return _folder(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    for look in (_pickle, _onnx, _archive, _hdf5, _boosters):
        found = look(path, head, size)
        if found is not None:
            return found
    finding = "the file is empty" if not size else "no known model format"
    return Inspection(str(path), None, "unknown", size, findings=(finding,))


def guess_format(path: Path) -> str | None:
    """Return in a few words what a file is; None if it is not known."""
    try:
        found = inspect(path)
    except OSError:
        return None
    return None if found.framework is None else f"{found.format} ({found.framework})"


def _folder(path: Path) -> Inspection:
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    if (path / "MLmodel").is_file():
        return _mlflow(path, size)
    if (path / "saved_model.pb").is_file() or (path / "saved_model.pbtxt").is_file():
        variables = path / "variables"
        missing = () if variables.is_dir() else ("there is no folder variables beside saved_model.pb",)
        return Inspection(
            str(path), "TensorFlow", "SavedModel", size, _saved_model_version(path), findings=missing
        )
    files = list(candidates(path))
    graphs = [file for file in files if file.suffix.lower() in ONNX_SUFFIXES]
    if len(graphs) == 1:  # the others are its weights
        files = graphs
    if len(files) == 1:
        found = inspect(files[0])
        if found.framework is not None:
            return found
    inner = [one for one in path.iterdir() if one.is_dir()] if path.is_dir() else []
    if not files and len(inner) == 1:
        return inspect(inner[0])
    listing = ", ".join(file.name for file in files[:8]) or "nothing"
    return Inspection(
        str(path), None, "folder", size, findings=(f"which file is the model is not clear: it has {listing}",)
    )


def candidates(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that may be the model: no texts, no data of others."""
    for file in sorted(folder.iterdir()):
        is_hidden = file.name.startswith(".") or file.name == "input_example.json"
        if file.is_file() and not is_hidden and file.suffix.lower() not in _NO_MODELS:
            yield file


def _pickle(path: Path, head: bytes, size: int) -> Inspection | None:
    facts = pickles.read_facts(path)
    if facts is None:
        return None
    if zipfile.is_zipfile(path) and facts.format != "skops":
        return None
    framework = {
        "sklearn": "ScikitLearn",
        "xgboost": "ScikitLearn",
        "lightgbm": "ScikitLearn",
        "catboost": "ScikitLearn",
        "torch": "PyTorch",
        "tensorflow": "TensorFlow",
        "keras": "TfKeras",
    }.get(next(iter(facts.libraries), ""))
    findings = []
    if facts.format != "skops":
        findings.append(f"pickles run code when they are loaded: {TRUST}")
    there = pickles.installed_version("sklearn")
    if pickles.skew(facts, there):
        findings.append(f"scikit-learn {', '.join(facts.versions)} made it; {there} is installed here")
    details = {"libraries": ", ".join(facts.libraries)} if facts.libraries else {}
    if facts.compression:
        details["compression"] = facts.compression
    version = facts.versions[-1] if facts.versions else None
    return Inspection(
        str(path), framework, facts.format, size, version, findings=tuple(findings), details=details
    )


def _onnx(path: Path, head: bytes, size: int) -> Inspection | None:
    named = path.suffix.lower() in ONNX_SUFFIXES
    if not named and not (head[:1] == b"\x08" and 1 <= head[1] <= 20 and b":" in head):
        return None
    try:
        import onnx
        from onnx.external_data_helper import ExternalDataInfo, uses_external_data
    except ImportError:
        finding = "inputs and outputs are not shown: the package onnx is not installed"
        return Inspection(str(path), "Onnx", "onnx", size, findings=(finding,)) if named else None
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception:  # protobuf's DecodeError, whatever its module is called
        model = None
    if model is None or not model.graph.node:
        finding = "the file is damaged: it has the name of an ONNX model, but cannot be read as one"
        return Inspection(str(path), "Onnx", "onnx", size, findings=(finding,)) if named else None
    given = {one.name for one in model.graph.initializer}
    places = {ExternalDataInfo(one).location for one in model.graph.initializer if uses_external_data(one)}
    findings = [
        f"the weights in {name} are missing" for name in sorted(places) if not (path.parent / name).is_file()
    ]
    opsets = ", ".join(f"{one.domain or 'ai.onnx'} {one.version}" for one in model.opset_import)
    details = {"opset": opsets, "ir_version": str(model.ir_version), "nodes": str(len(model.graph.node))}
    producer = f"{model.producer_name} {model.producer_version}".strip()
    if producer:
        details["producer"] = producer
    return Inspection(
        str(path),
        "Onnx",
        "onnx",
        size,
        None,  # the version of ONNX is not in the file; its operator set is in the details
        tuple(_value_text(onnx, one) for one in model.graph.input if one.name not in given),
        tuple(_value_text(onnx, one) for one in model.graph.output),
        tuple(findings),
        details,
    )


def _value_text(onnx: Any, value: Any) -> str:
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        return f"{value.name}: {(kind or 'unknown').removesuffix('_type')}"
    tensor = value.type.tensor_type
    name = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
    extents = [
        one.dim_param or (str(one.dim_value) if one.HasField("dim_value") else "?")
        for one in tensor.shape.dim
    ]
    return f"{value.name}: {name} [{', '.join(extents)}]"


def _archive(path: Path, head: bytes, size: int) -> Inspection | None:
    if not head.startswith(b"PK\x03\x04"):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "metadata.json" in names and "config.json" in names:
                metadata = json.loads(archive.read("metadata.json")[:_TEXT_BYTES])
                version = str(metadata.get("keras_version", "")) or None
                return Inspection(str(path), "TfKeras", "keras", size, version)
            facts = torch_files.read_archive(archive)
    except (zipfile.BadZipFile, OSError, ValueError, KeyError) as error:
        return Inspection(str(path), None, "zip", size, findings=(f"the archive is damaged: {error}",))
    return None if facts is None else _torch(path, size, facts)


def _torch(path: Path, size: int, facts: TorchFacts) -> Inspection:
    findings = list(facts.findings)
    if facts.form != torch_files.EXPORT:
        findings.append(
            f"pickles run code when they are loaded: {TRUST}"
            if facts.form == torch_files.SAVE
            else f"TorchScript is code for PyTorch, which runs when it is asked: {TRUST}"
        )
    return Inspection(
        str(path),
        "PyTorch",
        facts.form,
        size,
        facts.version,
        facts.inputs,
        facts.outputs,
        tuple(findings),
        dict(facts.details or {}),
    )


def _hdf5(path: Path, head: bytes, size: int) -> Inspection | None:
    if not head.startswith(b"\x89HDF\r\n\x1a\n"):
        return None
    return Inspection(str(path), "TfKeras", "keras HDF5", size)


def _boosters(path: Path, head: bytes, size: int) -> Inspection | None:
    if head.startswith(b"tree\n") and b"num_class=" in head:
        version = re.search(rb"^version=(\S+)", head, re.MULTILINE)
        return Inspection(
            str(path), "LightGBM", "LightGBM text", size, version[1].decode() if version else None
        )
    if head.startswith(b"CBM1"):
        return Inspection(str(path), "CatBoost", "CatBoost binary", size)
    if head[:1] == b"{" and b'"learner"' in head:
        return Inspection(str(path), "XGBoost", "XGBoost JSON", size, _xgboost_version(path))
    if head[:2] == b"{L" and b"learner" in head:
        return Inspection(str(path), "XGBoost", "XGBoost UBJSON", size)
    return None


def _xgboost_version(path: Path) -> str | None:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 200))
        match = re.search(rb'"version": ?\[(\d+), ?(\d+), ?(\d+)\]', file.read())
    return ".".join(part.decode() for part in match.groups()) if match else None


def _saved_model_version(path: Path) -> str | None:
    """Return the TensorFlow version in ``saved_model.pb``: the text after the list of its operators' tags."""
    try:
        with (path / "saved_model.pb").open("rb") as file:
            content = file.read(64_000_000)
    except OSError:
        return None
    match = re.search(rb"\x2a.([0-9]+\.[0-9]+\.[0-9]+(?:-?[a-z]+[0-9]*)?)\x32", content, re.DOTALL)
    return match[1].decode() if match else None


def read_mlmodel(folder: Path) -> dict[str, Any]:
    """Return the content of ``MLmodel``.

    Raises:
        ValueError: it is no YAML object, or YAML cannot be read here.
    """
    try:
        import yaml
    except ImportError:
        raise ValueError("MLflow models need the package pyyaml") from None
    try:
        content = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{folder.name}/MLmodel is no YAML: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("flavors"), dict):
        raise ValueError(f"{folder.name}/MLmodel names no flavors")
    return content


def _mlflow(path: Path, size: int) -> Inspection:
    try:
        content = read_mlmodel(path)
    except ValueError as error:
        return Inspection(str(path), "MLflow", "MLflow model", size, findings=(str(error),))
    signature = content.get("signature") or {}
    details = {"flavors": ", ".join(content["flavors"])}
    return Inspection(
        str(path),
        "MLflow",
        "MLflow model",
        size,
        str(content.get("mlflow_version", "")) or None,
        tuple(_columns(signature.get("inputs"))),
        tuple(_columns(signature.get("outputs"))),
        details=details,
    )


def _columns(text: Any) -> Iterator[str]:
    try:
        columns = json.loads(text) if text else []
    except (TypeError, ValueError):
        columns = []
    for column in columns if isinstance(columns, list) else []:
        kind = column.get("type")
        if kind == "tensor":
            spec = column.get("tensor-spec", {})
            kind = f"{spec.get('dtype')} {spec.get('shape')}"
        yield f"{column.get('name', 'data')}: {kind}"
